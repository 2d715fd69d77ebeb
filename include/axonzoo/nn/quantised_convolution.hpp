#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include <ATen/core/Tensor.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv_transpose2d.h>

#include <axonzoo/nn/activation_range.hpp>

namespace axonzoo {

/// Filters of 8 bits, a scale for each output channel: what `convolution` and `transposed_convolution_2x2` do with the weight weight[k] scale[k], on inputs
/// that are rounded to 8 bits first. Products and sums are whole numbers and exact, whichever way they are found. Inference alone: no gradients. Packed when
/// they are first used, and kept so.
class quantised_filters {
 public:
  /// weight int8, [K, C, h, w] or, `transposed`, [C, K, 2, 2]; scale float32 [K].
  quantised_filters(at::Tensor weight, at::Tensor scale, activation_range input, bool transposed)
      : weight_(std::move(weight)), scale_(scale.detach().to(at::kFloat).mul(input.scale)), input_(input), transposed_(transposed) {}

  /// Whether they were made of this tensor, as it lies in memory.
  [[nodiscard]] bool made_of(const at::Tensor& weight) const { return weight_.const_data_ptr() == weight.const_data_ptr(); }

  /// x [N, C, H, W] float32 or bfloat16; `further` channels of the same images may follow (undefined: none). Gives [N, K, H', W'] as x.
  [[nodiscard]] at::Tensor convolved(const at::Tensor& x, const at::Tensor& further, const at::Tensor& bias, std::int64_t stride, std::int64_t padding);

  /// What it is held to, in ATen and double.
  [[nodiscard]] at::Tensor convolved_reference(const at::Tensor& x, const at::Tensor& bias, std::int64_t stride, std::int64_t padding) const {
    const auto whole = x.to(at::kFloat).mul(1 / input_.scale).to(at::kDouble).round().clamp(input_.lowest, input_.highest()), weight = weight_.to(at::kDouble);
    auto y = (transposed_ ? at::conv_transpose2d(whole, weight, {}, 2) : at::conv2d(whole, weight, {}, stride, padding)).mul(scale_.view({1, -1, 1, 1}));
    if (bias.defined()) y = y.add(bias.view({1, -1, 1, 1}));
    return y.to(x.scalar_type());
  }

 private:
  struct packed;

  [[nodiscard]] at::Tensor convolved_fast(const at::Tensor& x, const at::Tensor& further, const at::Tensor& bias, std::int64_t stride, std::int64_t padding);

  at::Tensor weight_, scale_;
  activation_range input_;
  bool transposed_;
  std::shared_ptr<packed> packed_;
};

}  // namespace axonzoo

#ifndef AXONZOO_SEPARATE_KERNELS
#include <axonzoo/nn/functions/quantised_convolution.hpp>
#endif
