#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/relu.h>

namespace axonzoo {

/// max(0, batch norm of x) per channel. x is [N, C, H, W]; weight, bias and the running statistics are fp32 [C]. Training
/// takes mean and variance over N, H and W and moves the running ones by `momentum` (variance without bias).
inline at::Tensor batch_norm_relu(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                                  const at::Tensor& running_mean, const at::Tensor& running_var, bool training,
                                  double momentum, double eps) {
  return at::relu(at::batch_norm(x, weight, bias, running_mean, running_var, training, momentum, eps, false));
}

}  // namespace axonzoo
