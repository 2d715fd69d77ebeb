#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>

namespace axonzoo {

enum class after_norm { nothing, gelu };

/// Layer norm (Ba et al. 2016) over the last dimension of x [..., C], or of x + `added` (of x's shape and type; may be undefined), then what `after` says. x of any type,
/// weight and bias [C]; statistics are float32, the result has type `to`. On CPUs with AVX-512 or AVX2 one pass over the memory forward and one backward, where x is
/// float32 or bfloat16 and the weights are float32; elsewhere plain ATen.
at::Tensor layer_norm(const at::Tensor& x, const at::Tensor& added, const at::Tensor& weight, const at::Tensor& bias, double eps, c10::ScalarType to,
                      after_norm after = after_norm::nothing);

namespace reference {

/// The definition in ATen.
inline at::Tensor layer_norm(const at::Tensor& x, const at::Tensor& added, const at::Tensor& weight, const at::Tensor& bias, double eps, c10::ScalarType to,
                             after_norm after) {
  const at::Tensor wide = x.to(weight.scalar_type());
  const at::Tensor y = at::layer_norm(added.defined() ? wide + added : wide, {x.size(-1)}, weight, bias, eps);
  return (after == after_norm::gelu ? at::gelu(y) : y).to(to);
}

}  // namespace reference
}  // namespace axonzoo

#ifndef AXONZOO_SEPARATE_KERNELS
#include <axonzoo/nn/functions/layer_norm.hpp>
#endif
