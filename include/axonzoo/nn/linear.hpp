#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <c10/core/DispatchKeySet.h>
#include <c10/core/ScalarType.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/nn/kernels/vector.hpp>
#include <axonzoo/nn/macs.hpp>

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
inline at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  if (x.dim() < 1 || weight.dim() != 2 || x.size(-1) != weight.size(1) || (bias.defined() && bias.size(0) != weight.size(0))) {
    throw error("multiplying features of shape " + c10::str(x.sizes()),
                "the weight has shape " + c10::str(weight.sizes()) + (bias.defined() ? " and the bias " + c10::str(bias.sizes()) : ""),
                "give features as wide as the weight's rows, and a bias as long as it has rows");
  }
  const c10::impl::ExcludeDispatchKeyGuard as_written(c10::autocast_dispatch_keyset);
  const auto type = product_type(x);
  const at::Tensor y = at::linear(x.to(type), weight.to(type), bias.defined() ? bias.to(type) : bias).to(x.scalar_type());
  mac_counter::add(y.numel() * weight.size(1));
  return y;
}

}  // namespace axonzoo
