#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>
#include <ATen/ops/linear.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/nn/kernels/vector.hpp>
#include <axonzoo/nn/macs.hpp>

namespace axonzoo {

/// x W^T + b over the last dimension: x [..., C] in float32 or bfloat16, weight [K, C] and bias [K] (may be undefined) float32:
/// cast inside when x is of another type, their gradients come back in float32. Gives [..., K] as x. Throws `error` when the
/// shapes do not fit.
inline at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  if (x.dim() < 1 || weight.dim() != 2 || x.size(-1) != weight.size(1) || (bias.defined() && bias.size(0) != weight.size(0))) {
    throw error("multiplying features of shape " + c10::str(x.sizes()),
                "the weight has shape " + c10::str(weight.sizes()) + (bias.defined() ? " and the bias " + c10::str(bias.sizes()) : ""),
                "give features as wide as the weight's rows, and a bias as long as it has rows");
  }
#if defined(AXONZOO_AVX2)
  // LibTorch emulates products of bfloat16 there, ten times slower than those of floats.
  const auto type = x.is_cpu() && x.scalar_type() == at::kBFloat16 ? at::kFloat : x.scalar_type();
#else
  const auto type = x.scalar_type();
#endif
  const at::Tensor y = at::linear(x.to(type), weight.to(type), bias.defined() ? bias.to(type) : bias).to(x.scalar_type());
  mac_counter::add(y.numel() * weight.size(1));
  return y;
}

}  // namespace axonzoo
