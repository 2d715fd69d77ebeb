#pragma once

#include <cmath>
#include <cstdint>
#include <utility>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/relu.h>
#include <torch/csrc/autograd/custom_function.h>

#include <axonzoo/nn/kernels/batch_norm.hpp>
#include <axonzoo/nn/kernels/elements.hpp>
#include <axonzoo/nn/shared_batch_statistics.hpp>

namespace axonzoo {

/// max(0, batch norm of x) per channel (Ioffe and Szegedy 2015). x is [N, C, H, W] in fp32 or bf16, and so is the result;
/// weight, bias and the running statistics are fp32 [C]. Training takes mean and variance over N, H and W, in fp32, and moves
/// the running ones by `momentum` (the variance without bias); see also shared_batch_statistics. Two passes over the memory
/// forward and two backward where x is channels_last on a CPU.
inline at::Tensor batch_norm_relu(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                                  const at::Tensor& running_mean, const at::Tensor& running_var, bool training, double momentum,
                                  double eps);

/// The same for an x that nobody reads after: outside of autograd the result is written over it.
inline at::Tensor batch_norm_relu(at::Tensor&& x, const at::Tensor& weight, const at::Tensor& bias, const at::Tensor& running_mean,
                                  const at::Tensor& running_var, bool training, double momentum, double eps);

/// What the two are held to, in plain ATen.
inline at::Tensor batch_norm_relu_reference(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                                            const at::Tensor& running_mean, const at::Tensor& running_var, bool training,
                                            double momentum, double eps) {
  return at::relu(at::batch_norm(x, weight, bias, running_mean, running_var, training, momentum, eps, false));
}

namespace detail {

/// Per channel, fp32 [4, C]: y = scale x + offset, and mean and 1 / standard deviation behind them.
struct batch_norm_affine {
  at::Tensor numbers;
  [[nodiscard]] float* scale() const { return row(0); }
  [[nodiscard]] float* offset() const { return row(1); }
  [[nodiscard]] float* mean() const { return row(2); }
  [[nodiscard]] float* inverse_deviation() const { return row(3); }

 private:
  [[nodiscard]] float* row(std::int64_t i) const { return numbers.data_ptr<float>() + i * numbers.size(1); }
};

inline std::int64_t rows_of(const at::Tensor& x) { return x.numel() / x.size(1); }

/// Mean and inverse deviation of x, which move the running ones; the number of rows over all ranks is returned.
inline double take_statistics(const at::Tensor& x, const at::Tensor& running_mean, const at::Tensor& running_var, double momentum,
                              double eps, const batch_norm_affine& affine) {
  const std::int64_t channels = x.size(1), rows = rows_of(x);
  at::Tensor sums = at::empty({2 * channels + 1}, at::kDouble);
  double* sum = sums.data_ptr<double>();
  kernels::with_element_of(x, [&](auto element) {
    const auto* data = static_cast<const decltype(element)*>(x.const_data_ptr());
    const auto about_first = kernels::sums_about_first_row(data, rows, channels);
    const auto n = static_cast<double>(rows);
    for (std::int64_t c = 0; c < channels; ++c) {
      const auto first = static_cast<double>(static_cast<float>(data[c]));
      sum[c] = about_first[c] + n * first;
      sum[channels + c] = about_first[channels + c] + first * (2 * about_first[c] + n * first);
    }
    sum[2 * channels] = n;
  });
  if (const auto& share = shared_batch_statistics::active()) {
    share(sums);
    sum = sums.data_ptr<double>();
  }
  const double n = sum[2 * channels];
  auto* moving_mean = running_mean.defined() ? running_mean.data_ptr<float>() : nullptr;
  auto* moving_var = running_var.defined() ? running_var.data_ptr<float>() : nullptr;
  for (std::int64_t c = 0; c < channels; ++c) {
    const double mean = sum[c] / n;
    double variance = sum[channels + c] / n - mean * mean;
    if (variance < 0) variance = 0;
    affine.mean()[c] = static_cast<float>(mean);
    affine.inverse_deviation()[c] = static_cast<float>(1 / std::sqrt(variance + eps));
    const double unbiased = n > 1 ? variance * n / (n - 1) : variance;
    if (moving_mean != nullptr) moving_mean[c] = static_cast<float>((1 - momentum) * moving_mean[c] + momentum * mean);
    if (moving_var != nullptr) moving_var[c] = static_cast<float>((1 - momentum) * moving_var[c] + momentum * unbiased);
  }
  return n;
}

inline std::pair<batch_norm_affine, double> make_batch_norm_affine(const at::Tensor& x, const at::Tensor& weight,
                                                                   const at::Tensor& bias, const at::Tensor& running_mean,
                                                                   const at::Tensor& running_var, bool training, double momentum,
                                                                   double eps) {
  const std::int64_t channels = x.size(1);
  const batch_norm_affine affine{at::empty({4, channels}, at::kFloat)};
  double n = 0;
  if (training) {
    n = take_statistics(x, running_mean, running_var, momentum, eps, affine);
  } else {
    for (std::int64_t c = 0; c < channels; ++c) {
      affine.mean()[c] = running_mean.const_data_ptr<float>()[c];
      affine.inverse_deviation()[c] = static_cast<float>(1 / std::sqrt(running_var.const_data_ptr<float>()[c] + eps));
    }
  }
  for (std::int64_t c = 0; c < channels; ++c) {
    affine.scale()[c] = weight.const_data_ptr<float>()[c] * affine.inverse_deviation()[c];
    affine.offset()[c] = bias.const_data_ptr<float>()[c] - affine.mean()[c] * affine.scale()[c];
  }
  return {affine, n};
}

inline void apply_scale_relu(const at::Tensor& x, at::Tensor& y, const batch_norm_affine& affine) {
  kernels::with_element_of(x, [&](auto element) {
    using type = decltype(element);
    kernels::scale_relu(static_cast<const type*>(x.const_data_ptr()), static_cast<type*>(y.mutable_data_ptr()), rows_of(x), x.size(1),
                        affine.scale(), affine.offset());
  });
}

struct batch_norm_relu_function : torch::autograd::Function<batch_norm_relu_function> {
  struct shared : torch::CustomClassHolder {
    shared_batch_statistics::sum_over_ranks sum;
  };

  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias, const at::Tensor& running_mean, const at::Tensor& running_var, bool training,
                            double momentum, double eps) {
    const auto [affine, n] = make_batch_norm_affine(x, weight, bias, running_mean, running_var, training, momentum, eps);
    at::Tensor y = at::empty_like(x);
    apply_scale_relu(x, y, affine);
    context->save_for_backward({x, affine.numbers});
    context->saved_data["n"] = n;
    if (training && shared_batch_statistics::active()) {
      auto sum = c10::make_intrusive<shared>();
      sum->sum = shared_batch_statistics::active();
      context->saved_data["sum"] = c10::IValue::make_capsule(std::move(sum));
    }
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, torch::autograd::variable_list grads) {
    const auto saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const batch_norm_affine affine{saved[1]};
    const double n = context->saved_data["n"].toDouble();
    const std::int64_t channels = x.size(1), rows = rows_of(x);
    const at::Tensor dy = grads[0].to(x.scalar_type()).contiguous(at::MemoryFormat::ChannelsLast);
    at::Tensor dx = at::empty_like(x), dweight = at::empty({channels}, at::kFloat), dbias = at::empty({channels}, at::kFloat);
    kernels::with_element_of(x, [&](auto element) {
      using type = decltype(element);
      const auto* x_data = static_cast<const type*>(x.const_data_ptr());
      const auto* dy_data = static_cast<const type*>(dy.const_data_ptr());
      const auto own = kernels::gradient_sums(dy_data, x_data, rows, channels, affine.scale(), affine.offset(), affine.mean());
      for (std::int64_t c = 0; c < channels; ++c) {
        dbias.data_ptr<float>()[c] = static_cast<float>(own[c]);
        dweight.data_ptr<float>()[c] = static_cast<float>(own[channels + c] * affine.inverse_deviation()[c]);
      }
      at::Tensor sums = at::empty({2 * channels}, at::kDouble);
      std::copy(own.begin(), own.end(), sums.data_ptr<double>());
      if (const auto found = context->saved_data.find("sum"); found != context->saved_data.end()) {
        c10::static_intrusive_pointer_cast<shared>(found->second.toCapsule())->sum(sums);
      }
      std::vector<float> slope(channels), constant(channels);
      for (std::int64_t c = 0; c < channels && n > 0; ++c) {
        const double scale = affine.scale()[c], inverse = affine.inverse_deviation()[c];
        constant[c] = static_cast<float>(-scale * sums.data_ptr<double>()[c] / n);
        slope[c] = static_cast<float>(-scale * inverse * inverse * sums.data_ptr<double>()[channels + c] / n);
      }
      kernels::scale_relu_backward(dy_data, x_data, static_cast<type*>(dx.mutable_data_ptr()), rows, channels, affine.scale(),
                                   affine.offset(), affine.mean(), slope.data(), constant.data());
    });
    return {dx, dweight, dbias, {}, {}, {}, {}, {}};
  }
};

}  // namespace detail

inline at::Tensor batch_norm_relu(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                                  const at::Tensor& running_mean, const at::Tensor& running_var, bool training, double momentum,
                                  double eps) {
  if (!kernels::is_channels_last(x) || weight.scalar_type() != at::kFloat) {
    return batch_norm_relu_reference(x, weight, bias, running_mean, running_var, training, momentum, eps);
  }
  return detail::batch_norm_relu_function::apply(x, weight, bias, running_mean, running_var, training, momentum, eps);
}

inline at::Tensor batch_norm_relu(at::Tensor&& x, const at::Tensor& weight, const at::Tensor& bias, const at::Tensor& running_mean,
                                  const at::Tensor& running_var, bool training, double momentum, double eps) {
  if (at::GradMode::is_enabled() || !kernels::is_channels_last(x) || weight.scalar_type() != at::kFloat || x.use_count() > 1 ||
      x.storage().use_count() > 1) {
    return batch_norm_relu(static_cast<const at::Tensor&>(x), weight, bias, running_mean, running_var, training, momentum, eps);
  }
  const auto [affine, n] =
      detail::make_batch_norm_affine(x, weight, bias, running_mean, running_var, training, momentum, eps);
  detail::apply_scale_relu(x, x, affine);
  return std::move(x);
}

}  // namespace axonzoo
