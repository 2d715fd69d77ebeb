#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/mm.h>

#include <axonzoo/nn/kept_filters.hpp>

namespace axonzoo {

/// 2-D cross-correlation. x [N, C, H, W], best channels_last (a slice of the channels of one is as good), float32 or bfloat16;
/// weight [K, C, h, w], best channels_last too, and bias [K] (may be undefined) float32 (or the weight bfloat16): cast inside when x is bfloat16, their
/// gradients come back in float32. Gives [N, K, H', W'] as x. On CPUs with AVX-512 or AVX2 by own kernels, elsewhere by ATen. Throws
/// `error` when the shapes do not fit. `kept`, where given, is of this weight, which must not change any more. float16 on a CPU is summed in float32 (functions/half_convolution.hpp).
at::Tensor convolution(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, std::int64_t stride,
                       std::int64_t padding, kept_filters* kept = nullptr);

/// The same of `a` and `b` one after the other in the channels, without the copy that concatenation makes.
at::Tensor convolution_of_concatenated(const at::Tensor& a, const at::Tensor& b, const at::Tensor& weight, const at::Tensor& bias,
                                       std::int64_t stride, std::int64_t padding, kept_filters* kept = nullptr);

/// Transposed convolution with kernel 2 and stride 2: doubles both sides. x [N, C, H, W], weight [C, K, 2, 2], bias [K] or
/// undefined; gives [N, K, 2H, 2W]. Types as for `convolution`.
at::Tensor transposed_convolution_2x2(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, kept_filters* kept = nullptr);

namespace reference {

/// The definitions in ATen, for devices without own kernels and for tests.
inline at::Tensor convolution(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, std::int64_t stride,
                              std::int64_t padding) {
  return at::conv2d(x, weight.to(x.scalar_type()), bias.defined() ? bias.to(x.scalar_type()) : bias, stride, padding);
}
inline at::Tensor transposed_convolution_2x2(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  return at::conv_transpose2d(x, weight.to(x.scalar_type()), bias.defined() ? bias.to(x.scalar_type()) : bias, 2);
}

/// The same as one product, whose pixels are then put in their places.
inline at::Tensor transposed_convolution_by_product(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const auto n = x.size(0), h = x.size(2), w = x.size(3), k = weight.size(1);
  const at::Tensor pixels = x.permute({0, 2, 3, 1}).reshape({n * h * w, x.size(1)}), corners = weight.permute({0, 2, 3, 1}).reshape({weight.size(0), 4 * k});
  const at::Tensor made = bias.defined() ? at::addmm(bias.repeat(4), pixels, corners) : at::mm(pixels, corners);
  return made.view({n, h, w, 2, 2, k}).permute({0, 1, 3, 2, 4, 5}).reshape({n, 2 * h, 2 * w, k}).permute({0, 3, 1, 2});
}

}  // namespace reference
}  // namespace axonzoo

#ifndef AXONZOO_SEPARATE_KERNELS
#include <axonzoo/nn/functions/convolution.hpp>
#endif
