#include <string_view>

#include <boost/test/unit_test.hpp>

#include <axonzoo/models/neuro_sam_unet.hpp>
#include <axonzoo/models/promptable.hpp>
#include <axonzoo/parallel/ddp.hpp>
#include <axonzoo/parallel/single.hpp>
#include <axonzoo/parallel/tensor_parallel.hpp>
#include <axonzoo/precision/fp16.hpp>
#include <axonzoo/precision/fp32.hpp>
#include <axonzoo/precision/int8.hpp>
#include <axonzoo/precision/pure_bf16.hpp>
#include <axonzoo/pruning/alternate_slimming.hpp>
#include <axonzoo/pruning/none.hpp>
#include <axonzoo/pruning/unstructured.hpp>

using namespace axonzoo;

namespace {

template <class Model, class Precision = fp32, class Pruning = none, class Parallel = single>
bool is_illegal_because(std::string_view why) {
  return variant<Model, Precision, Pruning, Parallel>::illegal.find(why) != std::string_view::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(models_legal)

BOOST_AUTO_TEST_CASE(a_sam_has_the_policies_of_what_trains_in_it) {
  BOOST_TEST((variant<med_sam, fp32, alternate_slimming>::legal));
  BOOST_TEST((is_illegal_because<neuro_sam_tiny, fp32, alternate_slimming>("does not train in this model")));
  BOOST_TEST((is_illegal_because<med_sam, fp32, unstructured>("held at zero")));
  BOOST_TEST((is_illegal_because<sam, fp32, none, ddp>("not trained")));
  BOOST_TEST((variant<sam, int8>::legal));
  BOOST_TEST((variant<med_sam_tiny, int8, none, ddp>::legal));
  BOOST_TEST((variant<neuro_sam, pure_bf16>::legal && variant<med_sam_tiny, fp16, none, ddp>::legal));
  BOOST_TEST((variant<med_sam, fp32, alternate_slimming, tensor_parallel>::legal));
  BOOST_TEST((variant<neuro_sam_tiny, fp32, none, tensor_parallel>::legal));
  BOOST_TEST((is_illegal_because<sam_tiny, fp32, none, tensor_parallel>("not trained")));
}

BOOST_AUTO_TEST_CASE(a_unet_on_a_sams_encoder_has_every_policy) {
  BOOST_TEST((variant<neuro_sam_unet_tiny, int8, alternate_slimming, tensor_parallel>::legal));
  BOOST_TEST((variant<neuro_sam_unet, fp32, unstructured>::legal));
}

BOOST_AUTO_TEST_SUITE_END()
