#include <boost/test/unit_test.hpp>

#include <vector>

#include <ATen/Parallel.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/randn_like.h>
#include <c10/core/GradMode.h>

#include <axonzoo/nn/layer_norm.hpp>

#include "compared.hpp"

using compared::apart;
using compared::leaf;

namespace {

constexpr double eps = 1e-5;

}  // namespace

BOOST_AUTO_TEST_SUITE(nn_layer_norm)

BOOST_AUTO_TEST_CASE(equals_the_definition_in_double_with_its_gradients) {
  using axonzoo::after_norm;
  for (const auto& sizes : std::vector<std::vector<std::int64_t>>{{1, 9}, {3, 15}, {2, 5, 16}, {7, 31, 48}, {600, 256}, {2, 9, 9, 33}}) {
    for (const auto from : {at::kFloat, at::kBFloat16}) {
      for (const auto to : {at::kFloat, at::kBFloat16}) {
        for (const bool summed : {false, true}) {
          for (const auto after : {after_norm::nothing, after_norm::gelu}) {
            BOOST_TEST_CONTEXT(sizes << " " << c10::toString(from) << " to " << c10::toString(to) << (summed ? " of a sum" : "") << (after == after_norm::gelu ? ", GELU" : "")) {
              const at::Tensor values = at::randn(sizes).mul(3).add(5).to(from), more = at::randn(sizes).to(from);
              const at::Tensor gain = at::rand({sizes.back()}).add(0.5), shift = at::randn({sizes.back()});
              const at::Tensor x = leaf(values), added = summed ? leaf(more) : at::Tensor(), weight = leaf(gain), bias = leaf(shift);
              const at::Tensor x2 = leaf(values.to(at::kDouble)), added2 = summed ? leaf(more.to(at::kDouble)) : at::Tensor(), weight2 = leaf(gain.to(at::kDouble)),
                               bias2 = leaf(shift.to(at::kDouble));
              const at::Tensor y = axonzoo::layer_norm(x, added, weight, bias, eps, to, after);
              const at::Tensor expected = axonzoo::reference::layer_norm(x2, added2, weight2, bias2, eps, at::kDouble, after);
              BOOST_TEST(y.scalar_type() == to);
              BOOST_TEST(apart(y, expected) < (to == at::kFloat ? 2e-6 : 4e-3));
              const at::Tensor dy = at::randn(sizes).to(to);
              y.backward(dy);
              expected.backward(dy.to(at::kDouble));
              const bool rough = to == at::kBFloat16 && after == after_norm::gelu;  // its exponential is as exact as the result
              const double bound = from == at::kBFloat16 ? 5e-3 : rough ? 1e-4 : 5e-6, of_sums = rough ? 1e-4 : 1e-5;
              BOOST_TEST(apart(x.grad(), x2.grad()) < bound);
              if (summed) BOOST_TEST(apart(added.grad(), added2.grad()) < bound);
              BOOST_TEST(apart(weight.grad(), weight2.grad()) < of_sums);
              BOOST_TEST(apart(bias.grad(), bias2.grad()) < of_sums);
              const c10::NoGradGuard no_gradients;
              BOOST_TEST(at::equal(axonzoo::layer_norm(x, added, weight, bias, eps, to, after), y));
            }
          }
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(rows_that_do_not_lie_together) {
  const at::Tensor values = at::randn({2, 24, 5, 7}), weight = at::rand({24}), bias = at::randn({24});
  const at::Tensor x = leaf(values), y = axonzoo::layer_norm(x.permute({0, 2, 3, 1}), {}, weight, bias, eps, at::kFloat);
  const at::Tensor x2 = leaf(values.to(at::kDouble));
  const at::Tensor expected = axonzoo::reference::layer_norm(x2.permute({0, 2, 3, 1}), {}, weight.to(at::kDouble), bias.to(at::kDouble), eps, at::kDouble, axonzoo::after_norm::nothing);
  const at::Tensor dy = at::randn({2, 7, 5, 24}).transpose(1, 2);
  y.backward(dy);
  expected.backward(dy.to(at::kDouble));
  BOOST_TEST(apart(y, expected) < 2e-6);
  BOOST_TEST(apart(x.grad(), x2.grad()) < 5e-6);
}

BOOST_AUTO_TEST_CASE(whatever_the_threads_the_same_bits) {
  const int before = at::get_num_threads();
  std::vector<at::Tensor> gradients;
  const at::Tensor values = at::randn({3000, 40}), gain = at::rand({40}), shift = at::randn({40}), dy = at::randn({3000, 40});
  for (const int threads : {1, 2, 3}) {
    at::set_num_threads(threads);
    const at::Tensor x = leaf(values), weight = leaf(gain), bias = leaf(shift);
    axonzoo::layer_norm(x, {}, weight, bias, eps, at::kFloat, axonzoo::after_norm::gelu).backward(dy);
    gradients.push_back(at::cat({x.grad().flatten(), weight.grad(), bias.grad()}));
    BOOST_TEST(at::equal(gradients.back(), gradients.front()));
  }
  at::set_num_threads(before);
}

BOOST_AUTO_TEST_SUITE_END()
