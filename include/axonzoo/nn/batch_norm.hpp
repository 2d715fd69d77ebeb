#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/relu.h>

namespace axonzoo {

/// max(0, batch norm of x) per channel (Ioffe and Szegedy 2015). x is [N, C, H, W] in fp32 or bf16, and so is the result;
/// weight, bias and the running statistics are fp32 [C]. Training takes mean and variance over N, H and W, in fp32, and moves
/// the running ones by `momentum` (the variance without bias); see also shared_batch_statistics. Two passes over the memory
/// forward and two backward where x is channels_last on a CPU. Outside of autograd the result is written over an x that is moved in and that nobody else holds.
at::Tensor batch_norm_relu(at::Tensor x, const at::Tensor& weight, const at::Tensor& bias,
                           const at::Tensor& running_mean, const at::Tensor& running_var, bool training, double momentum, double eps);

/// What it is held to, in plain ATen.
inline at::Tensor batch_norm_relu_reference(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                                            const at::Tensor& running_mean, const at::Tensor& running_var, bool training,
                                            double momentum, double eps) {
  return at::relu(at::batch_norm(x, weight, bias, running_mean, running_var, training, momentum, eps, false));
}

}  // namespace axonzoo

#ifndef AXONZOO_SEPARATE_KERNELS
#include <axonzoo/nn/functions/batch_norm.hpp>
#endif
