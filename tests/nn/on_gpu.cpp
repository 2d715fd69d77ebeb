// The functions of nn/ on a GPU against their definitions in double on the CPU, on fresh numbers. Without a GPU there is nothing to test.
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <boost/test/unit_test.hpp>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/isnan.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>

#include <axonzoo/core/device.hpp>
#include <axonzoo/nn/attention.hpp>
#include <axonzoo/nn/batch_norm.hpp>
#include <axonzoo/nn/convolution.hpp>
#include <axonzoo/nn/instance_norm.hpp>
#include <axonzoo/nn/max_pool.hpp>
#include <axonzoo/nn/soft_loss.hpp>
#include <axonzoo/nn/gpu/runtime_kernel.hpp>

namespace {

struct on_gpu {
  bool there = true;
  c10::Device device = c10::kCPU;
  on_gpu() {
    at::manual_seed(std::random_device{}());
    try {
      device = axonzoo::use_device("cuda");
    } catch (const axonzoo::error& wrong) {
      there = false;
      BOOST_TEST_MESSAGE("skipped: " << wrong.what());
    }
  }
};

double tolerance_of(c10::ScalarType type) { return type == at::kBFloat16 ? 1e-2 : type == at::kHalf ? 2e-3 : 2e-5; }

/// Norm of the difference as a share of the norm of what is wanted.
double difference(const at::Tensor& found, const at::Tensor& wanted) {
  const auto a = found.to(at::kCPU, at::kDouble), b = wanted.to(at::kDouble);
  BOOST_REQUIRE(a.sizes() == b.sizes());
  return (a - b).norm().item<double>() / (b.norm().item<double>() + 1e-12);
}

/// Holds `function` of inputs on the GPU in `type`, and its gradients, to `definition` of the same (rounded) numbers in double. The first `rounded` inputs have that
/// type, the others stay float32.
template <class Function, class Definition>
void hold(const std::string& name, const on_gpu& gpu, c10::ScalarType type, std::size_t rounded, std::vector<at::Tensor> inputs, const Function& function, const Definition& definition) {
  std::vector<at::Tensor> there, exact;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    auto own = inputs[i].to(i < rounded ? type : at::kFloat);
    exact.push_back(own.to(at::kDouble).contiguous().requires_grad_());
    there.push_back(own.to(gpu.device).requires_grad_());
  }
  const auto y = function(there);
  const auto wanted = definition(exact);
  BOOST_CHECK_MESSAGE(difference(y, wanted) < tolerance_of(type), name << " " << c10::toString(type) << ": " << difference(y, wanted));
  // not where an activation bends: there rounding decides about the slope
  const auto direction = at::randn(wanted.sizes()).masked_fill(wanted.detach().abs().lt(1e-2), 0).to(y.scalar_type());
  (y * direction.to(gpu.device)).sum().backward();
  (wanted * direction.to(at::kDouble)).sum().backward();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const double apart = difference(there[i].grad(), exact[i].grad());
    BOOST_CHECK_MESSAGE(apart < 2 * tolerance_of(type), name << " " << c10::toString(type) << ", gradient " << i << ": " << apart);
  }
}

const std::vector<c10::ScalarType> types{at::kFloat, at::kBFloat16, at::kHalf};

at::Tensor image(std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w) { return (at::randn({n, c, h, w}) + 0.5).contiguous(at::MemoryFormat::ChannelsLast); }

}  // namespace

BOOST_FIXTURE_TEST_SUITE(nn_on_gpu, on_gpu)

BOOST_AUTO_TEST_CASE(instance_norm) {
  if (!there) return;
  BOOST_REQUIRE(axonzoo::gpu::runtime_compiler::available());
  for (const auto type : types) {
    for (const auto& shape : std::vector<std::vector<std::int64_t>>{{4, 24, 64, 64}, {3, 13, 17, 9}, {1, 256, 5, 3}, {2, 516, 4, 4}, {2, 3, 1, 7}, {33, 48, 31, 47}}) {
      hold("instance norm", *this, type, 1, {image(shape[0], shape[1], shape[2], shape[3]), at::rand({shape[1]}) + 0.5, at::randn({shape[1]})},
           [](const auto& x) { return axonzoo::instance_norm_leaky_relu(x[0], x[1], x[2], 1e-5, 0.01); },
           [](const auto& x) { return axonzoo::reference::instance_norm_leaky_relu(x[0], x[1], x[2], 1e-5, 0.01); });
    }
    const at::NoGradGuard no_gradients;
    const auto single = image(2, 3, 1, 1).to(type).to(device), offset = at::randn({3});  // of one pixel nothing is left but the bias
    BOOST_CHECK_LT(difference(axonzoo::instance_norm_leaky_relu(single, at::ones({3}, single.options().dtype(at::kFloat)), offset.to(device), 1e-5, 0.01), at::leaky_relu(offset, 0.01).view({1, 3, 1, 1}).expand({2, 3, 1, 1})),
                   tolerance_of(type));
    const auto x = image(2, 24, 32, 32).to(type), weight = at::rand({24}), bias = at::randn({24});
    const auto wanted = axonzoo::reference::instance_norm_leaky_relu(x.to(at::kDouble), weight.to(at::kDouble), bias.to(at::kDouble), 1e-5, 0.01);
    auto moved = x.to(device);
    const void* const memory = moved.const_data_ptr();
    const auto y = axonzoo::instance_norm_leaky_relu(std::move(moved), weight.to(device), bias.to(device), 1e-5, 0.01);
    BOOST_CHECK(y.const_data_ptr() == memory);
    BOOST_CHECK_LT(difference(y, wanted), tolerance_of(type));
  }
}

BOOST_AUTO_TEST_CASE(convolutions) {
  if (!there) return;
  for (const auto type : types) {
    const auto run = [&](std::int64_t stride) {
      hold("convolution", *this, type, 1, {image(2, 24, 32, 32), at::randn({16, 24, 3, 3}) * 0.1, at::randn({16})},
           [&](const auto& x) { return axonzoo::convolution(x[0], x[1], x[2], stride, 1); },
           [&](const auto& x) { return axonzoo::reference::convolution(x[0], x[1].to(type).to(at::kDouble), x[2].to(type).to(at::kDouble), stride, 1); });
    };
    run(1);
    run(2);
    hold("convolution of two", *this, type, 2, {image(2, 8, 16, 16), image(2, 16, 16, 16), at::randn({16, 24, 3, 3}) * 0.1},
         [](const auto& x) { return axonzoo::convolution_of_concatenated(x[0], x[1], x[2], {}, 1, 1); },
         [&](const auto& x) { return axonzoo::reference::convolution(at::cat({x[0], x[1]}, 1), x[2].to(type).to(at::kDouble), {}, 1, 1); });
    hold("transposed convolution", *this, type, 1, {image(2, 16, 12, 12), at::randn({16, 8, 2, 2}) * 0.2, at::randn({8})},
         [](const auto& x) { return axonzoo::transposed_convolution_2x2(x[0], x[1], x[2]); },
         [&](const auto& x) { return axonzoo::reference::transposed_convolution_2x2(x[0], x[1].to(type).to(at::kDouble), x[2].to(type).to(at::kDouble)); });
  }
}

BOOST_AUTO_TEST_CASE(attention) {
  if (!there) return;
  const std::int64_t heads = 2, d = 32;
  for (const auto type : types) {
    const auto tokens = [&](std::int64_t images, std::int64_t n) { return at::randn({images, heads, n, d}); };
    const double scale = 0.2;
    hold("attention", *this, type, 3, {tokens(2, 7), tokens(2, 100), tokens(2, 100)}, [&](const auto& x) { return axonzoo::attention(x[0], x[1], x[2], scale); },
         [&](const auto& x) { return axonzoo::reference::attention(x[0], x[1], x[2], scale); });
    for (const auto& [images, height, width] : std::vector<std::tuple<std::int64_t, std::int64_t, std::int64_t>>{{3, 14, 14}, {1, 40, 27}, {1, 32, 32}}) {
      const auto n = height * width;
      hold("attention with positions, " + std::to_string(n), *this, type, 5, {tokens(images, n), tokens(images, n), tokens(images, n), at::randn({images, heads, n, height}), at::randn({images, heads, n, width})},
           [&](const auto& x) { return axonzoo::attention_with_relative_positions(x[0], x[1], x[2], x[3], x[4], height, width, scale); },
           [&](const auto& x) { return axonzoo::reference::attention_with_relative_positions(x[0], x[1], x[2], x[3], x[4], height, width, scale); });
      const at::NoGradGuard no_gradients;
      const auto rounded = [&](const at::Tensor& x) { return x.to(type); };
      const auto q = rounded(tokens(images, n)), k = rounded(tokens(images, n)), v = rounded(tokens(images, n)), rows = rounded(at::randn({images, heads, n, height})),
                 columns = rounded(at::randn({images, heads, n, width}));
      const auto wanted = axonzoo::reference::attention_with_relative_positions(q.to(at::kDouble), k.to(at::kDouble), v.to(at::kDouble), rows.to(at::kDouble), columns.to(at::kDouble), height, width, scale);
      const auto found = axonzoo::attention_with_relative_positions(q.to(device), k.to(device), v.to(device), rows.to(device), columns.to(device), height, width, scale);
      BOOST_CHECK_MESSAGE(difference(found, wanted) < tolerance_of(type), "without gradients " << c10::toString(type) << " " << n << ": " << difference(found, wanted));
    }
    hold("attention with a bias", *this, type, 3, {tokens(2, 49), tokens(2, 49), tokens(2, 49), at::randn({heads, 49, 49})},
         [&](const auto& x) { return axonzoo::attention_with_bias(x[0], x[1], x[2], x[3], scale); },
         [&](const auto& x) { return axonzoo::reference::attention_with_bias(x[0], x[1], x[2], x[3], scale); });
  }
}

BOOST_AUTO_TEST_CASE(losses_and_pools) {
  if (!there) return;
  for (const auto type : types) {
    const auto labels = at::randint(3, {2, 24, 40}, at::kByte);
    hold("loss", *this, type, 1, {image(2, 3, 24, 40)}, [&](const auto& x) { return axonzoo::dice_cross_entropy(x[0], labels.to(device)); },
         [&](const auto& x) { return axonzoo::dice_cross_entropy_reference(x[0], labels); });
    hold("pool and unpool", *this, type, 1, {image(2, 8, 12, 18)},
         [](const auto& x) {
           const auto [pooled, where] = axonzoo::max_pool_2x2(x[0]);
           return axonzoo::max_unpool_2x2(pooled, where, 12, 18);
         },
         [](const auto& x) {
           const auto [pooled, where] = axonzoo::max_pool_2x2_reference(x[0]);
           return axonzoo::max_unpool_2x2_reference(pooled, where, 12, 18);
         });
    for (const bool training : {true, false}) {
      const auto mean = at::randn({8}), variance = at::rand({8}) + 0.5;
      hold("batch norm", *this, type, 1, {image(3, 8, 11, 12), at::rand({8}) + 0.5, at::randn({8})},
           [&](const auto& x) { return axonzoo::batch_norm_relu(x[0], x[1], x[2], mean.to(device), variance.to(device), training, 0.1, 1e-5); },
           [&](const auto& x) { return axonzoo::batch_norm_relu_reference(x[0], x[1], x[2], mean.to(at::kDouble), variance.to(at::kDouble), training, 0.1, 1e-5); });
    }
  }
  const auto labels = at::randint(3, {1, 4, 4}, at::kByte);
  labels[0][1][2] = 7;
  BOOST_CHECK(at::isnan(axonzoo::dice_cross_entropy(image(1, 3, 4, 4).to(device), labels.to(device))).item<bool>());
}

BOOST_AUTO_TEST_SUITE_END()
