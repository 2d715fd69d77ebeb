#pragma once

#include <utility>

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include <axonzoo/nn/shared_batch_statistics.hpp>

namespace axonzoo::detail {

struct kept_sum : torch::CustomClassHolder {
  shared_batch_statistics::sum_over_ranks sum;
};

/// The backward pass runs where no shared_batch_statistics lives any more, or on another thread.
inline void keep_shared_sum(torch::autograd::AutogradContext* context) {
  if (!shared_batch_statistics::active()) return;
  auto kept = c10::make_intrusive<kept_sum>();
  kept->sum = shared_batch_statistics::active();
  context->saved_data["sum"] = c10::IValue::make_capsule(std::move(kept));
}

inline void sum_as_kept(torch::autograd::AutogradContext* context, at::Tensor& sums) {
  const auto found = context->saved_data.find("sum");
  if (found != context->saved_data.end()) c10::static_intrusive_pointer_cast<kept_sum>(found->second.toCapsule())->sum(sums);
}

/// batch_norm_relu in training with shared statistics, in ATen: for devices and layouts without own kernels.
struct shared_batch_norm_relu_function : torch::autograd::Function<shared_batch_norm_relu_function> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias, const at::Tensor& running_mean, const at::Tensor& running_var,
                            double momentum, double eps) {
    const at::Tensor wide = x.to(at::kDouble);
    const auto channels = x.size(1), rows = x.numel() / channels;
    at::Tensor sums =
        at::cat({wide.sum({0, 2, 3}), wide.square().sum({0, 2, 3}), at::full({1}, static_cast<double>(rows), wide.options())});
    shared_batch_statistics::active()(sums);
    const at::Tensor n = sums[2 * channels], mean = sums.slice(0, 0, channels).div(n);
    const at::Tensor variance = sums.slice(0, channels, 2 * channels).div(n).sub(mean.square()).clamp_min(0);
    running_mean.mul_(1 - momentum).add_(mean.to(at::kFloat), momentum);
    running_var.mul_(1 - momentum).add_(variance.mul(n).div(n.sub(1).clamp_min(1)).to(at::kFloat), momentum);
    const at::Tensor inverse = variance.add(eps).rsqrt();
    const at::Tensor y = wide.sub(shaped(mean)).mul(shaped(inverse.mul(weight))).add(shaped(bias)).relu().to(x.scalar_type());
    context->save_for_backward({x, y, weight, mean, inverse, n});
    keep_shared_sum(context);
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &y = saved[1], &weight = saved[2], &mean = saved[3], &inverse = saved[4], &n = saved[5];
    const auto channels = x.size(1);
    const at::Tensor dz = at::where(y.gt(0), gradients[0], at::zeros_like(y)).to(at::kDouble);
    const at::Tensor normal = x.to(at::kDouble).sub(shaped(mean)).mul(shaped(inverse));
    const at::Tensor dbias = dz.sum({0, 2, 3}), dweight = dz.mul(normal).sum({0, 2, 3});
    at::Tensor sums = at::cat({dbias, dweight});
    sum_as_kept(context, sums);
    const at::Tensor common = shaped(sums.slice(0, 0, channels).div(n)), along = shaped(sums.slice(0, channels).div(n));
    const at::Tensor dx = dz.sub(common).sub(normal.mul(along)).mul(shaped(inverse.mul(weight)));
    return {dx.to(x.scalar_type()), dweight.to(at::kFloat), dbias.to(at::kFloat), {}, {}, {}, {}};
  }

 private:
  static at::Tensor shaped(const at::Tensor& per_channel) { return per_channel.view({1, -1, 1, 1}); }
};

}  // namespace axonzoo::detail
