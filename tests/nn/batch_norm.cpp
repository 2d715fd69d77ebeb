#include <limits>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <boost/test/unit_test.hpp>

#include <axonzoo/nn/batch_norm.hpp>
#include <axonzoo/nn/shared_batch_statistics.hpp>

namespace {

constexpr double momentum = 0.1, eps = 1e-5;

struct layer {
  at::Tensor x, weight, bias, running_mean, running_var, dy;

  layer(at::IntArrayRef shape, at::ScalarType type)
      : x(at::randn(shape).mul(2).add(0.7).to(type).contiguous(at::MemoryFormat::ChannelsLast)),
        weight(at::rand({shape[1]}).add(0.5)),
        bias(at::randn({shape[1]}).mul(0.3)),
        running_mean(at::randn({shape[1]}).mul(0.2)),  // far from minus a deviation, where check() would divide by next to nothing
        running_var(at::rand({shape[1]}).add(0.5)),
        dy(at::randn(shape).add(1).to(type).contiguous(at::MemoryFormat::ChannelsLast)) {}  // one channel's sums are not near 0 either

  /// No gradient where rounding decides whether the ReLU is open.
  layer with_sure_gates(bool training) const {
    layer sure = *this;
    const auto before_relu = at::batch_norm(x.to(at::kFloat), weight, bias, running_mean.clone(), running_var.clone(), training, momentum, eps, false);
    sure.dy = dy.masked_fill(before_relu.abs() < 1e-4, 0);
    return sure;
  }
};

struct outcome {
  at::Tensor y, dx, dweight, dbias, running_mean, running_var;
};

template <class Norm>
outcome run(const layer& l, const Norm& norm, bool training, at::ScalarType type) {
  outcome o;
  const auto x = l.x.to(type).detach().clone().requires_grad_(true);
  const auto weight = l.weight.clone().requires_grad_(true), bias = l.bias.clone().requires_grad_(true);
  o.running_mean = l.running_mean.clone();
  o.running_var = l.running_var.clone();
  o.y = norm(x, weight, bias, o.running_mean, o.running_var, training, momentum, eps);
  o.y.backward(l.dy.to(type));
  o.dx = x.grad();
  o.dweight = weight.grad();
  o.dbias = bias.grad();
  o.y = o.y.detach();
  return o;
}

outcome fused(const layer& l, bool training, at::ScalarType type) {
  return run(
      l, [](const at::Tensor& x, auto&&... rest) { return axonzoo::batch_norm_relu(x, rest...); }, training, type);
}

outcome plain(const layer& l, bool training) {
  return run(
      l, [](auto&&... all) { return axonzoo::batch_norm_relu_reference(all...); }, training, at::kFloat);
}

/// Root mean square of the difference over that of the truth.
double difference(const at::Tensor& found, const at::Tensor& truth) {
  return found.to(at::kDouble).sub(truth).norm().div(truth.to(at::kDouble).norm().add(1e-30)).item<double>();
}

void check(const outcome& found, const outcome& truth, double tolerance) {
  BOOST_TEST(difference(found.y, truth.y) < tolerance);
  BOOST_TEST(difference(found.dx, truth.dx) < tolerance);
  BOOST_TEST(difference(found.dweight, truth.dweight) < tolerance);
  BOOST_TEST(difference(found.dbias, truth.dbias) < tolerance);
  const auto spread = truth.running_var.sqrt();  // a mean may be near zero
  BOOST_TEST(difference(found.running_mean + spread, truth.running_mean + spread) < 1e-5);
  BOOST_TEST(difference(found.running_var, truth.running_var) < 1e-5);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(nn_batch_norm)

BOOST_AUTO_TEST_CASE(equals_the_reference_for_any_shape) {
  const std::vector<std::vector<std::int64_t>> shapes = {{2, 64, 17, 23}, {1, 3, 31, 7},  {3, 24, 16, 16}, {2, 1, 9, 9},
                                                         {2, 29, 5, 3},   {1, 511, 4, 3}, {4, 16, 1, 1},   {1, 17, 1, 7}};
  for (const auto& shape : shapes) {
    for (const bool training : {true, false}) {
      BOOST_TEST_CONTEXT("shape " << shape[0] << "x" << shape[1] << "x" << shape[2] << "x" << shape[3] << " training "
                                  << training) {
        const auto l = layer(shape, at::kFloat).with_sure_gates(training);
        check(fused(l, training, at::kFloat), plain(l, training), 2e-5);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(bf16_is_fp32_but_for_the_rounding_of_what_is_stored) {
  for (const bool training : {true, false}) {
    const auto l = layer({2, 40, 19, 21}, at::kBFloat16).with_sure_gates(training);
    const auto found = fused(l, training, at::kBFloat16);
    BOOST_TEST(found.y.scalar_type() == at::kBFloat16);
    BOOST_TEST(found.dweight.scalar_type() == at::kFloat);
    check(found, plain(l, training), 4e-3);
  }
}

BOOST_AUTO_TEST_CASE(a_large_mean_does_not_cancel) {
  layer l({2, 16, 32, 32}, at::kFloat);
  l.x = l.x.add(3000);
  const auto x = l.x.to(at::kDouble);
  const auto mean = x.mean({0, 2, 3}, true);
  const auto truth = x.sub(mean)
                         .div(x.sub(mean).square().mean({0, 2, 3}, true).add(eps).sqrt())
                         .mul(l.weight.view({1, -1, 1, 1}))
                         .add(l.bias.view({1, -1, 1, 1}))
                         .relu();
  BOOST_TEST(difference(fused(l, true, at::kFloat).y, truth) < 1e-3);
}

BOOST_AUTO_TEST_CASE(not_a_number_stays_visible) {
  layer l({1, 8, 4, 4}, at::kFloat);
  l.x[0][3][2][1] = std::numeric_limits<float>::quiet_NaN();
  BOOST_TEST(fused(l, true, at::kFloat).y.isnan().any().item<bool>());
}

BOOST_AUTO_TEST_CASE(the_number_of_threads_changes_no_bit) {
  const layer l({2, 24, 65, 63}, at::kFloat);
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const auto one = fused(l, true, at::kFloat);
  at::set_num_threads(3);
  const auto three = fused(l, true, at::kFloat);
  at::set_num_threads(threads);
  BOOST_TEST(at::equal(one.y, three.y));
  BOOST_TEST(at::equal(one.dx, three.dx));
  BOOST_TEST(at::equal(one.dweight, three.dweight));
}

BOOST_AUTO_TEST_CASE(a_temporary_is_written_over_only_outside_of_autograd) {
  const layer l({2, 32, 8, 8}, at::kFloat);
  const auto normed = [&](at::Tensor&& x) {
    return axonzoo::batch_norm_relu(std::move(x), l.weight, l.bias, l.running_mean, l.running_var, false, momentum, eps);
  };
  const auto truth = plain(l, false).y;
  at::NoGradGuard guard;
  at::Tensor own = l.x.clone();
  const void* memory = own.const_data_ptr();
  const auto y = normed(std::move(own));
  BOOST_TEST(y.const_data_ptr() == memory);
  BOOST_TEST(difference(y, truth) < 1e-5);
  at::Tensor watched = l.x.clone(), view = watched.view(watched.sizes());
  BOOST_TEST(normed(std::move(watched)).const_data_ptr() != view.const_data_ptr());
  BOOST_TEST(at::equal(view, l.x));
}

BOOST_AUTO_TEST_CASE(other_layouts_are_plain_aten) {
  auto l = layer({2, 6, 9, 5}, at::kFloat).with_sure_gates(true);
  l.x = l.x.contiguous();
  check(fused(l, true, at::kFloat), plain(l, true), 1e-6);
}

/// Two halves of a batch that take turns: the first sum leaves its numbers, the second adds them, the first is run again.
void check_two_halves(at::MemoryFormat layout) {
  auto whole = layer({4, 24, 7, 9}, at::kFloat).with_sure_gates(true);
  whole.x = whole.x.contiguous(layout);
  const auto truth = plain(whole, true);
  std::vector<layer> halves(2, whole);
  std::vector<at::Tensor> forward(2), backward(2);
  std::vector<outcome> found(2);
  for (int round = 0; round < 3; ++round) {
    for (int half = 0; half < 2; ++half) {
      auto& l = halves[half];
      l.x = whole.x.slice(0, 2 * half, 2 * half + 2);
      l.dy = whole.dy.slice(0, 2 * half, 2 * half + 2);
      int call = 0;
      const axonzoo::shared_batch_statistics share([&](at::Tensor& sums) {
        auto& all = call++ == 0 ? forward : backward;
        all[half] = sums.clone();
        if (all[1 - half].defined()) sums = sums.add(all[1 - half]);
      });
      found[half] = fused(l, true, at::kFloat);
    }
  }
  BOOST_TEST(difference(at::cat({found[0].y, found[1].y}), truth.y) < 1e-5);
  BOOST_TEST(difference(at::cat({found[0].dx, found[1].dx}), truth.dx) < 1e-5);
  BOOST_TEST(difference(found[0].dweight.add(found[1].dweight), truth.dweight) < 1e-5);
  BOOST_TEST(difference(found[0].running_var, truth.running_var) < 1e-5);
}

BOOST_AUTO_TEST_CASE(shared_statistics_make_two_halves_equal_the_whole) { check_two_halves(at::MemoryFormat::ChannelsLast); }

BOOST_AUTO_TEST_CASE(shared_statistics_reach_other_layouts) { check_two_halves(at::MemoryFormat::Contiguous); }

BOOST_AUTO_TEST_SUITE_END()
