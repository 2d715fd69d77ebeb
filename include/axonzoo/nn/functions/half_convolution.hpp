#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include <ATen/core/Tensor.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/convolution_backward.h>
#include <c10/core/DispatchKeySet.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/csrc/autograd/custom_function.h>

namespace axonzoo::detail {

/// A convolution, or with `transposed` its adjoint, of fp16 images on a CPU: x, y and their gradients are fp16 in memory, products and sums fp32, weights
/// rounded to fp16 first. LibTorch's own sums in fp16 where the CPU has no instructions for it. Weight and bias are fp32, and so are their gradients.
struct half_convolution_function : torch::autograd::Function<half_convolution_function> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias,
                            std::int64_t stride, std::int64_t padding, bool transposed) {
    const c10::impl::ExcludeDispatchKeyGuard as_written(c10::autocast_dispatch_keyset);
    context->save_for_backward({x, weight});
    context->saved_data["stride"] = stride;
    context->saved_data["padding"] = padding;
    context->saved_data["transposed"] = transposed;
    context->saved_data["bias"] = bias.has_value();
    const auto rounded_bias = bias ? std::optional(rounded(*bias)) : std::nullopt;
    return at::convolution(x.to(at::kFloat), rounded(weight), rounded_bias, {stride, stride}, {padding, padding}, {1, 1}, transposed, {0, 0}, 1).to(at::kHalf);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, const torch::autograd::variable_list& gradients) {
    const c10::impl::ExcludeDispatchKeyGuard as_written(c10::autocast_dispatch_keyset);
    const auto saved = context->get_saved_variables();
    const auto stride = context->saved_data["stride"].toInt(), padding = context->saved_data["padding"].toInt();
    const bool transposed = context->saved_data["transposed"].toBool(), bias = context->saved_data["bias"].toBool();
    const at::Tensor &x = saved[0], &weight = saved[1];
    const std::int64_t outputs[] = {weight.size(transposed ? 1 : 0)};
    const at::OptionalIntArrayRef sizes{at::IntArrayRef(outputs)};
    const auto [dx, dweight, dbias] =
        at::convolution_backward(gradients.front().to(at::kFloat), x.to(at::kFloat), rounded(weight), sizes, {stride, stride}, {padding, padding},
                                 {1, 1}, transposed, {0, 0}, 1, std::array<bool, 3>{context->needs_input_grad(0), context->needs_input_grad(1), bias && context->needs_input_grad(2)});
    return {dx.defined() ? dx.to(at::kHalf) : dx, dweight, dbias, {}, {}, {}};
  }

 private:
  static at::Tensor rounded(const at::Tensor& values) { return values.to(at::kHalf).to(at::kFloat); }
};

inline bool half_on_cpu(const at::Tensor& x) { return x.is_cpu() && x.scalar_type() == at::kHalf; }

}  // namespace axonzoo::detail
