#include <boost/test/unit_test.hpp>

#include <cmath>
#include <string>

#include <ATen/Parallel.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/randn_like.h>
#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>

#include <axonzoo/nn/instance_norm.hpp>

#include "compared.hpp"

using compared::apart;
using compared::leaf;

namespace {

constexpr double eps = 1e-5, slope = 0.01;

struct shape {
  std::int64_t images, channels, height, width;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(nn_instance_norm)

BOOST_AUTO_TEST_CASE(equals_the_definition_in_double_with_its_gradients) {
  for (const auto& s : {shape{2, 1, 9, 7}, {1, 3, 1, 5}, {3, 7, 6, 6}, {2, 24, 16, 32}, {4, 33, 5, 9}, {1, 48, 64, 64}, {2, 256, 2, 2}, {1, 5, 300, 301}}) {
    for (const auto type : {at::kFloat, at::kBFloat16}) {
      BOOST_TEST_CONTEXT(s.images << "x" << s.channels << " @" << s.height << "x" << s.width << " " << c10::toString(type)) {
        const at::Tensor x = at::randn({s.images, s.channels, s.height, s.width}).mul(3).add(5).to(type).contiguous(at::MemoryFormat::ChannelsLast);
        const at::Tensor weight = at::rand({s.channels}).add(0.5), bias = at::randn({s.channels});
        const at::Tensor x1 = leaf(x), w1 = leaf(weight), b1 = leaf(bias);
        const at::Tensor x2 = leaf(x.to(at::kDouble)), w2 = leaf(weight.to(at::kDouble)), b2 = leaf(bias.to(at::kDouble));
        const auto y = axonzoo::instance_norm_leaky_relu(x1, w1, b1, eps, slope);
        const auto expected = axonzoo::reference::instance_norm_leaky_relu(x2, w2, b2, eps, slope);
        const double bound = type == at::kFloat ? 1e-5 : 5e-3;
        BOOST_TEST(y.scalar_type() == type);
        BOOST_TEST(y.is_contiguous(at::MemoryFormat::ChannelsLast));
        BOOST_TEST(apart(y, expected) < bound);
        const at::Tensor gradient = at::randn_like(y).masked_fill(expected.abs() < 1e-4, 0);  // rounding decides on which side of the kink they lie
        y.backward(gradient);
        expected.backward(gradient.to(at::kDouble));
        BOOST_TEST(apart(x1.grad(), x2.grad()) < bound);
        const double typical = std::sqrt(static_cast<double>(s.images * s.height * s.width));  // of a sum of so many
        BOOST_TEST(apart(w1.grad(), w2.grad(), typical) < 1e-5);
        BOOST_TEST(apart(b1.grad(), b2.grad(), typical) < 1e-5);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_large_mean_does_not_cancel) {
  const at::Tensor x = at::randn({1, 4, 128, 128}).add(1000).contiguous(at::MemoryFormat::ChannelsLast);
  const auto y = axonzoo::instance_norm_leaky_relu(x, at::ones({4}), at::zeros({4}), eps, slope);
  const auto expected = axonzoo::reference::instance_norm_leaky_relu(x.to(at::kDouble), at::ones({4}, at::kDouble), at::zeros({4}, at::kDouble), eps, slope);
  BOOST_TEST(y.to(at::kDouble).sub(expected).abs().max().item<double>() < 2e-4);  // half a step of float at 1000 is 3e-5
}

BOOST_AUTO_TEST_CASE(constant_images_give_the_bias) {
  const at::Tensor x = at::full({2, 3, 8, 8}, 7.0).contiguous(at::MemoryFormat::ChannelsLast);
  const auto y = axonzoo::instance_norm_leaky_relu(x, at::ones({3}), at::full({3}, 0.25), eps, slope);
  BOOST_TEST(y.eq(0.25).all().item<bool>());
}

BOOST_AUTO_TEST_CASE(the_same_for_any_number_of_threads) {
  const int before = at::get_num_threads();
  const at::Tensor x = at::randn({3, 24, 40, 40}).contiguous(at::MemoryFormat::ChannelsLast);
  at::set_num_threads(1);
  const auto one = axonzoo::instance_norm_leaky_relu(x, at::ones({24}), at::zeros({24}), eps, slope);
  at::set_num_threads(2);
  BOOST_TEST(one.equal(axonzoo::instance_norm_leaky_relu(x, at::ones({24}), at::zeros({24}), eps, slope)));
  at::set_num_threads(before);
}

BOOST_AUTO_TEST_CASE(other_layouts_go_the_plain_way) {
  const at::Tensor x = at::randn({2, 6, 5, 4}), weight = at::rand({6}), bias = at::randn({6});
  const auto y = axonzoo::instance_norm_leaky_relu(x, weight, bias, eps, slope);
  BOOST_TEST(apart(axonzoo::instance_norm_leaky_relu(x.contiguous(at::MemoryFormat::ChannelsLast), weight, bias, eps, slope), y) < 1e-5);
}

BOOST_AUTO_TEST_CASE(writes_over_what_nobody_reads_when_there_is_no_autograd) {
  const at::Tensor x = at::randn({1, 8, 6, 6}).contiguous(at::MemoryFormat::ChannelsLast), weight = at::rand({8}), bias = at::randn({8});
  const c10::InferenceMode inference;
  const auto expected = axonzoo::instance_norm_leaky_relu(x, weight, bias, eps, slope);
  at::Tensor copy = x.clone();
  const void* const place = copy.data_ptr();
  const auto y = axonzoo::instance_norm_leaky_relu(std::move(copy), weight, bias, eps, slope);
  BOOST_TEST(y.data_ptr() == place);
  BOOST_TEST(y.equal(expected));
}

BOOST_AUTO_TEST_SUITE_END()
