#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/randn_like.h>
#include <ATen/ops/zeros.h>
#include <boost/test/unit_test.hpp>
#include <c10/core/InferenceMode.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/nn/attention.hpp>

#include "compared.hpp"

using compared::apart;

namespace {

at::Tensor leaf(const at::Tensor& x) { return x.defined() ? x.detach().clone().requires_grad_() : x; }
at::Tensor exact(const at::Tensor& x) { return x.defined() ? x.detach().to(at::kDouble).requires_grad_() : x; }

/// Root mean square of the difference as a share of that of what was expected, or of 1 where that is more.
double typically_apart(const at::Tensor& got, const at::Tensor& expected) {
  const double count = std::sqrt(static_cast<double>(got.numel()));
  return got.to(at::kDouble).sub(expected).norm().item<double>() / std::max(expected.norm().item<double>(), count);
}

double bound_of(c10::ScalarType type) { return type == at::kFloat ? 1e-5 : 1e-2; }

/// Of a fused projection [B, N, 3, heads, d], as a vision transformer cuts it.
std::vector<at::Tensor> cut(const at::Tensor& qkv) { return qkv.permute({2, 0, 3, 1, 4}).unbind(0); }

struct shape {
  std::int64_t images, heads, height, width, dims;
};

/// Holds results and gradients of `fast`, run on x, against those of `plain` on the same numbers in double.
template <class Fast, class Plain>
void hold_together(const std::vector<at::Tensor>& xs, double bound, const Fast& fast, const Plain& plain) {
  std::vector<at::Tensor> own, truth;
  for (const auto& x : xs) own.push_back(leaf(x)), truth.push_back(exact(x));
  const at::Tensor y = fast(own), expected = plain(truth);
  BOOST_TEST(y.scalar_type() == xs.front().scalar_type());
  BOOST_TEST(y.is_contiguous());
  BOOST_TEST(apart(y, expected) < bound);
  // Some gradients are 0 in truth (of one key; of a table with one column): that of the rounded output that is saved is 0 but for
  // its rounding.
  const double least = bound < 1e-3 ? 0.5 : 2;
  const at::Tensor gradient = at::randn_like(y);
  y.backward(gradient);
  expected.backward(gradient.to(at::kDouble));
  for (std::size_t i = 0; i < xs.size(); ++i) {
    if (!xs[i].defined()) continue;
    BOOST_TEST_CONTEXT("gradient of input " << i) {
      BOOST_TEST(typically_apart(own[i].grad(), truth[i].grad()) < bound / 2);
      BOOST_TEST(apart(own[i].grad(), truth[i].grad(), least) < 2 * bound);  // the largest of many roundings, which has a tail
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(nn_attention)

BOOST_AUTO_TEST_CASE(relative_positions_equal_the_definition_in_double_with_all_gradients) {
  for (const auto& s : {shape{2, 3, 1, 1, 8},
                        {1, 2, 7, 7, 32},
                        {2, 2, 14, 14, 64},
                        {1, 1, 197, 1, 24},
                        {1, 2, 1, 197, 16},
                        {1, 2, 5, 9, 80},
                        {2, 1, 3, 11, 13},
                        {1, 1, 24, 17, 128},
                        {1, 1, 33, 40, 16},
                        {1, 1, 9, 64, 64}}) {
    for (const auto type : {at::kFloat, at::kBFloat16}) {
      BOOST_TEST_CONTEXT(s.images << " images, " << s.heads << " heads, " << s.height << " x " << s.width << ", d " << s.dims
                                  << ", " << c10::toString(type)) {
        const std::int64_t pixels = s.height * s.width;
        const at::Tensor qkv = at::randn({s.images, pixels, 3, s.heads, s.dims}).to(type);
        const at::Tensor rel_h = at::randn({s.images, s.heads, pixels, s.height}).to(type),
                         rel_w = at::randn({s.images, s.heads, pixels, s.width}).to(type);
        const double scale = 1 / std::sqrt(static_cast<double>(s.dims));
        hold_together(
            {qkv, rel_h, rel_w}, bound_of(type),
            [&](const auto& x) {
              const auto h = cut(x[0]);
              return axonzoo::attention_with_relative_positions(h[0], h[1], h[2], x[1], x[2], s.height, s.width, scale);
            },
            [&](const auto& x) {
              const auto h = cut(x[0]);
              return axonzoo::reference::attention_with_relative_positions(h[0], h[1], h[2], x[1], x[2], s.height, s.width,
                                                                           scale);
            });
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(plain_attention_takes_as_many_keys_as_there_are) {
  for (const auto& [queries, keys, dims] :
       {std::array<std::int64_t, 3>{7, 1100, 16}, {1100, 7, 32}, {1, 1, 8}, {13, 321, 17}, {530, 600, 32}}) {
    for (const auto type : {at::kFloat, at::kBFloat16}) {
      BOOST_TEST_CONTEXT(queries << " queries, " << keys << " keys, d " << dims << ", " << c10::toString(type)) {
        hold_together(
            {at::randn({2, 3, queries, dims}).to(type), at::randn({2, 3, keys, dims}).to(type),
             at::randn({2, 3, keys, dims}).to(type)},
            bound_of(type), [](const auto& x) { return axonzoo::attention(x[0], x[1], x[2], 0.3); },
            [](const auto& x) { return axonzoo::reference::attention(x[0], x[1], x[2], 0.3); });
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(undefined_relative_positions_are_none) {
  const auto h = cut(at::randn({1, 35, 3, 2, 16}));
  BOOST_TEST(axonzoo::attention_with_relative_positions(h[0], h[1], h[2], {}, {}, 5, 7, 0.25)
                 .equal(axonzoo::attention(h[0], h[1], h[2], 0.25)));
}

BOOST_AUTO_TEST_CASE(a_bias_in_full_equals_the_definition_in_double_with_all_gradients) {
  for (const auto& s : {shape{20, 2, 7, 7, 32}, {3, 2, 14, 14, 32}, {1, 1, 1, 1, 8}, {2, 2, 9, 39, 32}}) {
    for (const auto type : {at::kFloat, at::kBFloat16}) {
      BOOST_TEST_CONTEXT(s.images << " images, " << s.height << " x " << s.width << ", " << c10::toString(type)) {
        const std::int64_t pixels = s.height * s.width;
        hold_together(
            {at::randn({s.images, pixels, 3, s.heads, s.dims}).to(type), at::randn({s.heads, pixels, pixels})}, bound_of(type),
            [](const auto& x) {
              const auto h = cut(x[0]);
              return axonzoo::attention_with_bias(h[0], h[1], h[2], x[1], 0.18);
            },
            [](const auto& x) {
              const auto h = cut(x[0]);
              return axonzoo::reference::attention_with_bias(h[0], h[1], h[2], x[1], 0.18);
            });
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(what_has_no_kernel_goes_in_pieces) {
  const std::int64_t height = 6, width = 5;
  const at::Tensor qkv = at::randn({2, height * width, 3, 2, 8}, at::kDouble);
  const at::Tensor rel_h = at::randn({2, 2, height * width, height}, at::kDouble),
                   rel_w = at::randn({2, 2, height * width, width}, at::kDouble);
  hold_together(
      {qkv, rel_h, rel_w}, 1e-12,
      [&](const auto& x) {
        const auto h = cut(x[0]);
        return axonzoo::attention_with_relative_positions(h[0], h[1], h[2], x[1], x[2], height, width, 0.35);
      },
      [&](const auto& x) {
        const auto h = cut(x[0]);
        return axonzoo::reference::attention_with_relative_positions(h[0], h[1], h[2], x[1], x[2], height, width, 0.35);
      });
  hold_together(
      {at::randn({2, 2, 9, 8}), at::randn({2, 2, 4, 8}), at::randn({2, 2, 4, 8})}, 1e-5,
      [](const auto& x) { return axonzoo::attention(x[0], x[1], x[2], -0.5); },
      [](const auto& x) { return axonzoo::reference::attention(x[0], x[1], x[2], -0.5); });
}

BOOST_AUTO_TEST_CASE(great_scores_do_not_overflow) {
  const auto h = cut(at::randn({1, 400, 3, 1, 32}).mul(60));
  const auto y = axonzoo::attention(h[0], h[1], h[2], 1.0);
  BOOST_TEST(y.isfinite().all().item<bool>());
  BOOST_TEST(apart(y, axonzoo::reference::attention(h[0].to(at::kDouble), h[1].to(at::kDouble), h[2].to(at::kDouble), 1.0)) <
             1e-2);
}

BOOST_AUTO_TEST_CASE(minus_infinity_masks_keys) {
  const std::int64_t keys = 700;
  const at::Tensor q = at::randn({1, 1, 30, 16}), k = at::randn({1, 1, keys, 16}), v = at::randn({1, 1, keys, 16});
  at::Tensor bias = at::zeros({1, 30, keys});
  bias.slice(2, 0, 400).fill_(-std::numeric_limits<double>::infinity());
  const auto y = axonzoo::attention_with_bias(q, k, v, bias, 0.25);
  BOOST_TEST(apart(y, axonzoo::attention(q, k.slice(2, 400), v.slice(2, 400), 0.25)) < 1e-5);
}

BOOST_AUTO_TEST_CASE(what_is_not_a_number_passes_through) {
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    const at::Tensor q = at::randn({1, 2, 49, 16}).to(type), k = at::randn({1, 2, 49, 16}).to(type),
                     v = at::randn({1, 2, 49, 16}).to(type);
    at::Tensor broken = q.clone();
    broken.select(2, 20).select(1, 0).select(1, 3).fill_(std::numeric_limits<double>::quiet_NaN());
    const auto y = axonzoo::attention(broken, k, v, 0.25), whole = axonzoo::attention(q, k, v, 0.25);
    BOOST_TEST(y.select(1, 20).slice(1, 0, 16).isnan().all().item<bool>());
    BOOST_TEST(y.isnan().sum().item<std::int64_t>() == 16);
    BOOST_TEST(y.select(1, 19).equal(whole.select(1, 19)));
    broken = k.clone();
    broken.select(2, 48).fill_(std::numeric_limits<double>::quiet_NaN());
    BOOST_TEST(axonzoo::attention(q, broken, v, 0.25).isnan().all().item<bool>());
    BOOST_TEST(axonzoo::attention(q, k, broken, 0.25).isnan().all().item<bool>());
  }
}

BOOST_AUTO_TEST_CASE(the_same_for_any_number_of_threads) {
  const int before = at::get_num_threads();
  const std::int64_t height = 30, width = 40;
  std::vector<at::Tensor> results[2];
  const at::Tensor qkv = at::randn({2, height * width, 3, 2, 32}), rel_h = at::randn({2, 2, height * width, height}),
                   rel_w = at::randn({2, 2, height * width, width});
  for (int threads = 1; threads <= 2; ++threads) {
    at::set_num_threads(threads);
    const at::Tensor x = leaf(qkv), a = leaf(rel_h), b = leaf(rel_w);
    const auto h = cut(x);
    const auto y = axonzoo::attention_with_relative_positions(h[0], h[1], h[2], a, b, height, width, 0.2);
    y.backward(y.detach());
    results[threads - 1] = {y.detach(), x.grad(), a.grad(), b.grad()};
  }
  for (std::size_t i = 0; i < 4; ++i) BOOST_TEST(results[0][i].equal(results[1][i]));
  at::set_num_threads(before);
}

BOOST_AUTO_TEST_CASE(works_without_autograd_and_on_nothing) {
  const c10::InferenceMode inference;
  const auto h = cut(at::randn({1, 20, 3, 2, 16}));
  BOOST_TEST(apart(axonzoo::attention(h[0], h[1], h[2], 0.25), axonzoo::reference::attention(h[0], h[1], h[2], 0.25)) < 1e-5);
  BOOST_TEST(axonzoo::attention(at::zeros({0, 2, 5, 16}), at::zeros({0, 2, 5, 16}), at::zeros({0, 2, 5, 16}), 0.25).sizes() ==
             (std::vector<std::int64_t>{0, 5, 32}));
}

BOOST_AUTO_TEST_CASE(what_does_not_go_together_is_refused) {
  const at::Tensor q = at::randn({1, 2, 6, 8}), other = at::randn({1, 2, 6, 4});
  BOOST_CHECK_THROW(axonzoo::attention(q, other, q, 1), axonzoo::error);
  BOOST_CHECK_THROW(axonzoo::attention(q, q, q.slice(2, 0, 3), 1), axonzoo::error);
  BOOST_CHECK_THROW(axonzoo::attention(q, q.to(at::kBFloat16), q, 1), axonzoo::error);
  BOOST_CHECK_THROW(axonzoo::attention(q, q.slice(2, 0, 0), q.slice(2, 0, 0), 1), axonzoo::error);
  BOOST_CHECK_THROW(axonzoo::attention_with_relative_positions(q, q, q, {}, {}, 2, 2, 1), axonzoo::error);
  BOOST_CHECK_THROW(axonzoo::attention_with_relative_positions(q, q, q, at::zeros({1, 2, 6, 2}), {}, 2, 3, 1), axonzoo::error);
  BOOST_CHECK_THROW(axonzoo::attention_with_bias(q, q, q, at::zeros({1, 6, 6}), 1), axonzoo::error);
}

BOOST_AUTO_TEST_SUITE_END()
