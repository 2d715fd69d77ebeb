#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/linear.h>

namespace axonzoo {

/// x W^T + b over the last dimension: x [..., C] in float32 or bfloat16, weight [K, C] and bias [K] (may be undefined) float32:
/// cast inside when x is of another type, their gradients come back in float32. Gives [..., K] as x. Throws `error` when the
/// shapes do not fit.
at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

namespace reference {

/// The definition in ATen; all of one type.
inline at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) { return at::linear(x, weight, bias); }

}  // namespace reference
}  // namespace axonzoo

#ifndef AXONZOO_SEPARATE_KERNELS
#include <axonzoo/nn/functions/linear.hpp>
#endif
