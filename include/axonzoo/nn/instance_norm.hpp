#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/instance_norm.h>
#include <ATen/ops/leaky_relu.h>

namespace axonzoo {

/// Instance normalisation with affine parameters, then leaky ReLU: y = lrelu(weight * (x - mean) / sqrt(var + eps) + bias), mean
/// and (biased) variance over the H x W pixels of each image and channel (Ulyanov et al. 2016). x [N, C, H, W] in float32 or
/// bfloat16, weight and bias [C] float32; y as x. Statistics are float32. A bias of the convolution before it cancels: leave
/// it out. Two passes over the memory forward and two backward where x is channels_last on a CPU or a GPU, plain ATen elsewhere. Outside of autograd the
/// result is written over an x that is moved in and that nobody else holds.
at::Tensor instance_norm_leaky_relu(at::Tensor x, const at::Tensor& weight, const at::Tensor& bias, double eps, double slope);

namespace reference {

/// The definition in ATen.
inline at::Tensor instance_norm_leaky_relu(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double eps,
                                           double slope) {
  const auto wide = x.scalar_type() == at::kDouble ? x : x.to(at::kFloat);
  return at::leaky_relu(at::instance_norm(wide, weight, bias, {}, {}, true, 0.0, eps, false), slope).to(x.scalar_type());
}

}  // namespace reference
}  // namespace axonzoo

#ifndef AXONZOO_SEPARATE_KERNELS
#include <axonzoo/nn/functions/instance_norm.hpp>
#endif
