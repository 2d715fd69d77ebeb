#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include <axonzoo/nn/gpu/instance_norm.hpp>
#include <axonzoo/nn/instance_norm.hpp>
#include <axonzoo/nn/kernels/elements.hpp>
#include <axonzoo/nn/kernels/instance_norm.hpp>

namespace axonzoo {

namespace detail {

/// Per image and channel, float32 [3, N, C]: mean, 1 / standard deviation and weight / standard deviation.
struct instance_statistics {
  at::Tensor numbers;

  [[nodiscard]] float* mean(std::int64_t n) const { return row(0, n); }
  [[nodiscard]] float* inverse_deviation(std::int64_t n) const { return row(1, n); }
  [[nodiscard]] float* scale(std::int64_t n) const { return row(2, n); }
  [[nodiscard]] kernels::image_affine affine(std::int64_t n, const float* bias, double slope) const {
    return {mean(n), scale(n), bias, static_cast<float>(slope)};
  }

 private:
  [[nodiscard]] float* row(std::int64_t kind, std::int64_t n) const {
    return numbers.data_ptr<float>() + (kind * numbers.size(1) + n) * numbers.size(2);
  }
};

/// y may be x itself.
inline instance_statistics instance_norm_forward(const at::Tensor& x, const at::Tensor& y, const at::Tensor& weight,
                                                 const at::Tensor& bias, double eps, double slope) {
  const std::int64_t images = x.size(0), channels = x.size(1), pixels = x.size(2) * x.size(3);
  const instance_statistics statistics{at::empty({3, images, channels}, at::kFloat)};
  const auto* const gain = weight.const_data_ptr<float>();
  kernels::with_element_of(x, [&](auto element) {
    using type = decltype(element);
    const auto* const from = static_cast<const type*>(x.const_data_ptr());
    auto* const to = static_cast<type*>(y.mutable_data_ptr());
    kernels::each_image(images, [&](std::int64_t n) {
      const type* const image = from + n * pixels * channels;
      const auto [origin, sums] = kernels::sums_about_rows(image, pixels, channels, 16);
      for (std::int64_t c = 0; c < channels; ++c) {
        const double offset = sums[static_cast<std::size_t>(c)] / static_cast<double>(pixels);
        const double square = sums[static_cast<std::size_t>(channels + c)] / static_cast<double>(pixels);
        statistics.mean(n)[c] = static_cast<float>(static_cast<double>(origin[static_cast<std::size_t>(c)]) + offset);
        statistics.inverse_deviation(n)[c] = static_cast<float>(1 / std::sqrt(std::max(0.0, square - offset * offset) + eps));
        statistics.scale(n)[c] = gain[c] * statistics.inverse_deviation(n)[c];
      }
      kernels::affine_leaky_relu(image, to + n * pixels * channels, pixels, channels,
                                 statistics.affine(n, bias.const_data_ptr<float>(), slope));
    });
  });
  return statistics;
}

struct instance_norm_function : torch::autograd::Function<instance_norm_function> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias, double eps, double slope) {
    at::Tensor y = at::empty_like(x);
    const auto statistics = instance_norm_forward(x, y, weight, bias, eps, slope);
    context->save_for_backward({x, weight, bias, statistics.numbers});
    context->saved_data["slope"] = slope;
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &bias = saved[2];
    const instance_statistics statistics{saved[3]};
    const double slope = context->saved_data["slope"].toDouble();
    const std::int64_t images = x.size(0), channels = x.size(1), pixels = x.size(2) * x.size(3);
    const at::Tensor dy = gradients.front().to(x.scalar_type()).contiguous(at::MemoryFormat::ChannelsLast);
    at::Tensor dx = at::empty_like(x), dweight = at::empty({channels}, at::kFloat), dbias = at::empty({channels}, at::kFloat);
    std::vector<std::vector<double>> sums(static_cast<std::size_t>(images));
    kernels::with_element_of(x, [&](auto element) {
      using type = decltype(element);
      const auto* const x_data = static_cast<const type*>(x.const_data_ptr());
      const auto* const dy_data = static_cast<const type*>(dy.const_data_ptr());
      auto* const dx_data = static_cast<type*>(dx.mutable_data_ptr());
      kernels::each_image(images, [&](std::int64_t n) {
        const std::int64_t first = n * pixels * channels;
        const auto affine = statistics.affine(n, bias.const_data_ptr<float>(), slope);
        auto& sum = sums[static_cast<std::size_t>(n)];
        sum = kernels::leaky_gradient_sums(dy_data + first, x_data + first, pixels, channels, affine);
        std::vector<float> tilt(static_cast<std::size_t>(channels)), constant(static_cast<std::size_t>(channels));
        for (std::size_t c = 0; c < tilt.size(); ++c) {
          const double scale = affine.scale[c], inverse = statistics.inverse_deviation(n)[c];
          constant[c] = static_cast<float>(-scale * sum[c] / static_cast<double>(pixels));
          sum[tilt.size() + c] *= inverse;
          tilt[c] = static_cast<float>(-scale * inverse * sum[tilt.size() + c] / static_cast<double>(pixels));
        }
        kernels::affine_leaky_relu_backward(dy_data + first, x_data + first, dx_data + first, pixels, channels, affine, tilt.data(),
                                            constant.data());
      });
    });
    for (std::int64_t c = 0; c < channels; ++c) {
      double of_bias = 0, of_weight = 0;
      for (const auto& sum : sums) {
        of_bias += sum[static_cast<std::size_t>(c)];
        of_weight += sum[static_cast<std::size_t>(channels + c)];
      }
      dbias.data_ptr<float>()[c] = static_cast<float>(of_bias);
      dweight.data_ptr<float>()[c] = static_cast<float>(of_weight);
    }
    return {dx, dweight, dbias, {}, {}};
  }
};

inline bool fused_instance_norm(const at::Tensor& x, const at::Tensor& weight, double slope) {
  return kernels::is_channels_last(x) && x.numel() > 0 && weight.scalar_type() == at::kFloat && slope >= 0 && slope <= 1;
}

}  // namespace detail

inline at::Tensor instance_norm_leaky_relu(at::Tensor x, const at::Tensor& weight, const at::Tensor& bias, double eps, double slope) {
  const bool keeps_x = at::GradMode::is_enabled() || x.use_count() > 1 || x.storage().use_count() > 1;
  if (gpu::instance_norm_launcher::takes(x, weight)) {
    if (keeps_x) return gpu::instance_norm_function::apply(x, weight, bias, eps, slope);
    const gpu::instance_norm_launcher launcher(x);
    launcher.activate(x, x, launcher.statistics(x, weight, eps), bias, slope);
    return x;
  }
  if (!detail::fused_instance_norm(x, weight, slope)) return reference::instance_norm_leaky_relu(x, weight, bias, eps, slope);
  if (keeps_x) return detail::instance_norm_function::apply(x, weight, bias, eps, slope);
  detail::instance_norm_forward(x, x, weight, bias, eps, slope);
  return x;
}

}  // namespace axonzoo
