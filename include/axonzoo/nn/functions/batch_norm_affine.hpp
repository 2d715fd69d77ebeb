#pragma once

#include <cmath>
#include <cstdint>
#include <utility>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <axonzoo/nn/kernels/batch_norm.hpp>
#include <axonzoo/nn/kernels/elements.hpp>
#include <axonzoo/nn/shared_batch_statistics.hpp>

namespace axonzoo::detail {

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
    const auto [origin, about] = kernels::sums_about_rows(data, rows, channels, 1);
    const auto n = static_cast<double>(rows);
    for (std::int64_t c = 0; c < channels; ++c) {
      const auto from = static_cast<double>(origin[c]);
      sum[c] = about[c] + n * from;
      sum[channels + c] = about[channels + c] + from * (2 * about[c] + n * from);
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
  const at::Tensor gain = weight.contiguous(), shift = bias.contiguous();
  for (std::int64_t c = 0; c < channels; ++c) {
    affine.scale()[c] = gain.const_data_ptr<float>()[c] * affine.inverse_deviation()[c];
    affine.offset()[c] = shift.const_data_ptr<float>()[c] - affine.mean()[c] * affine.scale()[c];
  }
  return {affine, n};
}

}  // namespace axonzoo::detail
