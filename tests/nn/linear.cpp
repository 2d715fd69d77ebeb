#include <boost/test/unit_test.hpp>

#include <vector>

#include <ATen/ops/randn.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/nn/linear.hpp>

#include "compared.hpp"

using compared::apart;
using compared::leaf;

BOOST_AUTO_TEST_SUITE(nn_linear)

BOOST_AUTO_TEST_CASE(equals_the_definition_in_double_with_its_gradients) {
  for (const auto& sizes : std::vector<std::vector<std::int64_t>>{{5}, {1, 3}, {7, 20}, {2, 64, 33}, {3, 128, 256}}) {
    for (const auto type : {at::kFloat, at::kBFloat16}) {
      for (const bool with_bias : {false, true}) {
        BOOST_TEST_CONTEXT(sizes << " " << c10::toString(type) << (with_bias ? " and bias" : "")) {
          const std::int64_t outs = 19;
          const at::Tensor values = at::randn(sizes).to(type), of_weight = at::randn({outs, sizes.back()}).to(type).to(at::kFloat),
                           of_bias = at::randn({outs}).to(type).to(at::kFloat);
          const at::Tensor x = leaf(values), weight = leaf(of_weight), bias = with_bias ? leaf(of_bias) : at::Tensor();
          const at::Tensor x2 = leaf(values.to(at::kDouble)), weight2 = leaf(of_weight.to(at::kDouble)), bias2 = with_bias ? leaf(of_bias.to(at::kDouble)) : at::Tensor();
          const at::Tensor y = axonzoo::linear(x, weight, bias), expected = axonzoo::reference::linear(x2, weight2, bias2);
          const double bound = type == at::kFloat ? 5e-6 : 1e-2;
          BOOST_TEST(y.scalar_type() == type);
          BOOST_TEST(apart(y, expected) < bound);
          const at::Tensor dy = at::randn(expected.sizes()).to(type);
          y.backward(dy);
          expected.backward(dy.to(at::kDouble));
          BOOST_TEST(apart(x.grad(), x2.grad()) < bound);
          BOOST_TEST(apart(weight.grad(), weight2.grad()) < bound);
          if (with_bias) BOOST_TEST(apart(bias.grad(), bias2.grad()) < 1e-5);
          if (with_bias) BOOST_TEST((bias.grad().scalar_type() == at::kFloat));
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(shapes_that_do_not_fit_are_named) {
  BOOST_CHECK_THROW(axonzoo::linear(at::randn({4, 5}), at::randn({3, 6}), {}), axonzoo::error);
  BOOST_CHECK_THROW(axonzoo::linear(at::randn({4, 5}), at::randn({3, 5}), at::randn({4})), axonzoo::error);
}

BOOST_AUTO_TEST_SUITE_END()
