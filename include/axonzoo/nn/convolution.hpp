#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv_transpose2d.h>

namespace axonzoo {

/// 2-D cross-correlation. x [N, C, H, W], best channels_last, float32 or bfloat16; weight [K, C, h, w] and bias [K] (may be
/// undefined) float32: cast inside when x is bfloat16, their gradients come back in float32. Gives [N, K, H', W'] as x.
inline at::Tensor convolution(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, std::int64_t stride,
                              std::int64_t padding) {
  return at::conv2d(x, weight.to(x.scalar_type()), bias.defined() ? bias.to(x.scalar_type()) : bias, stride, padding);
}

/// Transposed convolution with kernel 2 and stride 2: doubles both sides. x [N, C, H, W], weight [C, K, 2, 2], bias [K] or
/// undefined; gives [N, K, 2H, 2W]. Types as for `convolution`.
inline at::Tensor transposed_convolution_2x2(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  return at::conv_transpose2d(x, weight.to(x.scalar_type()), bias.defined() ? bias.to(x.scalar_type()) : bias, 2);
}

}  // namespace axonzoo
