#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/instance_norm.h>
#include <ATen/ops/leaky_relu.h>

namespace axonzoo {

/// Instance normalisation with affine parameters, then leaky ReLU: y = lrelu(weight * (x - mean) / sqrt(var + eps) + bias), mean
/// and (biased) variance over the H x W pixels of each image and channel (Ulyanov et al. 2016). x [N, C, H, W] in float32 or
/// bfloat16, weight and bias [C] float32; y as x. Statistics are float32. A bias of the convolution before it cancels: leave
/// it out.
inline at::Tensor instance_norm_leaky_relu(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double eps,
                                           double slope) {
  const auto normal = at::instance_norm(x.to(at::kFloat), weight, bias, {}, {}, true, 0.0, eps, false);
  return at::leaky_relu(normal, slope).to(x.scalar_type());
}

}  // namespace axonzoo
