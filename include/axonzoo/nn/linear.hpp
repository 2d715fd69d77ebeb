#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <c10/core/DispatchKeySet.h>
#include <c10/core/ScalarType.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <axonzoo/nn/kernels/vector.hpp>

namespace axonzoo {

/// What products with x are computed in: x's own type, but for those that LibTorch emulates on a CPU, ten times slower than it multiplies floats: float16, and with
/// AVX2 bfloat16.
[[nodiscard]] inline c10::ScalarType product_type(const at::Tensor& x) {
#if defined(AXONZOO_AVX2)
  const bool emulated = x.scalar_type() == at::kHalf || x.scalar_type() == at::kBFloat16;
#else
  const bool emulated = x.scalar_type() == at::kHalf;
#endif
  return emulated && x.is_cpu() ? at::kFloat : x.scalar_type();
}

/// a b of matrices of one type, as LibTorch's matmul, in their type.
[[nodiscard]] inline at::Tensor product(const at::Tensor& a, const at::Tensor& b) {
  const c10::impl::ExcludeDispatchKeyGuard as_written(c10::autocast_dispatch_keyset);
  const auto type = product_type(a);
  return at::matmul(a.to(type), b.to(type)).to(a.scalar_type());
}

/// x W^T + b over the last dimension: x [..., C] in float32, bfloat16 or float16, weight [K, C] and bias [K] (may be undefined) of any of these: cast inside
/// when x is of another type, their gradients come back in their own. Gives [..., K] as x. Throws `error` when the shapes do not fit.
at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

namespace reference {

/// The definition in ATen; all of one type.
inline at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) { return at::linear(x, weight, bias); }

}  // namespace reference
}  // namespace axonzoo

#ifndef AXONZOO_SEPARATE_KERNELS
#include <axonzoo/nn/functions/linear.hpp>
#endif
