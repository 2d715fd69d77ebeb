// The whole matrix of variants: each as a type, and some, drawn anew whenever CMake configures, with their code.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include <boost/test/unit_test.hpp>

#include <axonzoo/models/neuro_sam_unet.hpp>
#include <axonzoo/models/promptable.hpp>
#include <axonzoo/models/segnet.hpp>
#include <axonzoo/models/unet.hpp>
#include <axonzoo/parallel/ddp.hpp>
#include <axonzoo/parallel/sharded.hpp>
#include <axonzoo/parallel/single.hpp>
#include <axonzoo/parallel/tensor_parallel.hpp>
#include <axonzoo/precision/bf16.hpp>
#include <axonzoo/precision/fp16.hpp>
#include <axonzoo/precision/fp32.hpp>
#include <axonzoo/precision/int8.hpp>
#include <axonzoo/precision/pure_bf16.hpp>
#include <axonzoo/precision/tf32.hpp>
#include <axonzoo/pruning/alternate_slimming.hpp>
#include <axonzoo/pruning/disturbed_taylor.hpp>
#include <axonzoo/pruning/hessian.hpp>
#include <axonzoo/pruning/magnitude.hpp>
#include <axonzoo/pruning/none.hpp>
#include <axonzoo/pruning/one_step_slimming.hpp>
#include <axonzoo/pruning/random.hpp>
#include <axonzoo/pruning/semi_structured.hpp>
#include <axonzoo/pruning/taylor.hpp>
#include <axonzoo/pruning/unstructured.hpp>
#include <axonzoo/train/recipe.hpp>

namespace {

using models = std::tuple<axonzoo::unet, axonzoo::segnet, axonzoo::sam, axonzoo::sam_tiny, axonzoo::med_sam, axonzoo::med_sam_tiny, axonzoo::neuro_sam, axonzoo::neuro_sam_tiny,
                          axonzoo::neuro_sam_unet, axonzoo::neuro_sam_unet_tiny>;
using precisions = std::tuple<axonzoo::fp32, axonzoo::tf32, axonzoo::bf16, axonzoo::pure_bf16, axonzoo::fp16, axonzoo::int8>;
using prunings = std::tuple<axonzoo::none, axonzoo::random, axonzoo::magnitude, axonzoo::taylor, axonzoo::hessian, axonzoo::disturbed_taylor, axonzoo::one_step_slimming,
                            axonzoo::alternate_slimming, axonzoo::unstructured, axonzoo::semi_structured>;
using parallels = std::tuple<axonzoo::single, axonzoo::ddp, axonzoo::sharded, axonzoo::tensor_parallel>;

/// How often each axis goes round before the next one moves.
constexpr std::size_t per_precision = std::tuple_size_v<models>, per_pruning = per_precision * std::tuple_size_v<precisions>,
                      per_parallel = per_pruning * std::tuple_size_v<prunings>, count = per_parallel * std::tuple_size_v<parallels>;

template <std::size_t I>
using variant_at = axonzoo::variant<std::tuple_element_t<I % per_precision, models>, std::tuple_element_t<I % per_pruning / per_precision, precisions>,
                                    std::tuple_element_t<I % per_parallel / per_pruning, prunings>, std::tuple_element_t<I / per_parallel, parallels>>;

constexpr auto reasons = []<std::size_t... I>(std::index_sequence<I...>) { return std::array{variant_at<I>::illegal...}; }(std::make_index_sequence<count>());

constexpr auto drawn = [] {
  std::array<std::size_t, 30> chosen{};
  std::uint64_t state = AXONZOO_DRAW;
  for (std::size_t n = 0; n < chosen.size();) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    const std::size_t i = (state >> 33) % count;
    bool fits = reasons[i].empty();
    for (std::size_t j = 0; j < n; ++j) fits = fits && chosen[j] != i;
    if (fits) chosen[n++] = i;
  }
  return chosen;
}();

template <class Variant>
void check() {
  BOOST_TEST_CONTEXT(Variant::name() << ", drawn by -DAXONZOO_DRAW=" << AXONZOO_DRAW) {
    const auto recipe = axonzoo::recipe_of<Variant>();
    BOOST_TEST(recipe.variant == Variant::name());
    BOOST_CHECK_NO_THROW(recipe.check());
    BOOST_TEST((recipe.start_pruning() != nullptr));
    BOOST_TEST(recipe.start_scaling().active() == (recipe.precision == "fp16"));
    BOOST_TEST(recipe.many_ranks == (recipe.parallel != "single"));
    BOOST_TEST(static_cast<bool>(recipe.make_network) + static_cast<bool>(recipe.prompts) + recipe.model.starts_with("neuro_sam_unet") == 1);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(variants_matrix)

BOOST_AUTO_TEST_CASE(every_variant_is_legal_or_says_why) {
  std::array<std::size_t, std::tuple_size_v<models>> of_model{};
  std::array<std::size_t, std::tuple_size_v<precisions>> of_precision{};
  std::array<std::size_t, std::tuple_size_v<prunings>> of_pruning{};
  std::array<std::size_t, std::tuple_size_v<parallels>> of_parallel{};
  std::size_t legal = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (!reasons[i].empty()) {
      BOOST_TEST((reasons[i].size() > 20 && reasons[i].find(' ') != std::string_view::npos), reasons[i]);
      continue;
    }
    ++legal;
    ++of_model[i % per_precision], ++of_precision[i % per_pruning / per_precision], ++of_pruning[i % per_parallel / per_pruning], ++of_parallel[i / per_parallel];
  }
  const auto all_occur = [](const auto& counts) {
    for (const auto found : counts) BOOST_TEST(found > 0U);
  };
  all_occur(of_model), all_occur(of_precision), all_occur(of_pruning), all_occur(of_parallel);
  BOOST_TEST_MESSAGE(legal << " of " << count << " variants are legal");
  BOOST_TEST(of_model[0] == count / std::tuple_size_v<models>);  // a U-Net has every policy
}

BOOST_AUTO_TEST_CASE(thirty_that_are_drawn_compile_with_their_code) {
  []<std::size_t... K>(std::index_sequence<K...>) { (check<variant_at<drawn[K]>>(), ...); }(std::make_index_sequence<drawn.size()>());
}

BOOST_AUTO_TEST_SUITE_END()
