#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>
#include <ATen/ops/matmul.h>
#include <c10/core/DispatchKeySet.h>
#include <c10/core/GradMode.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/csrc/autograd/custom_function.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/nn/kernels/convolution.hpp>
#include <axonzoo/nn/linear.hpp>
#include <axonzoo/nn/macs.hpp>

namespace axonzoo {

namespace detail {

#if defined(AXONZOO_VECTORS)

/// LibTorch's products; the gradient of the bias by an own sum of the rows, since LibTorch's takes as long as a product.
struct linear_function : torch::autograd::Function<linear_function> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
    context->save_for_backward({x, weight});
    return at::linear(x, weight, bias.to(x.scalar_type()));
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1];
    const at::Tensor dy = gradients.front().reshape({-1, weight.size(0)});
    torch::autograd::variable_list results(3);
    if (context->needs_input_grad(0)) results[0] = at::matmul(dy, weight).view(x.sizes());
    if (context->needs_input_grad(1)) results[1] = at::matmul(dy.t(), x.reshape({-1, weight.size(1)}));
    if (context->needs_input_grad(2)) results[2] = sum_of_rows(dy.contiguous());
    return results;
  }

 private:
  /// [R, K] to [K] in float32.
  static at::Tensor sum_of_rows(const at::Tensor& rows) {
    const std::int64_t count = rows.size(0), run = count % 64 == 0 ? 64 : count;
    return kernels::bias_gradient(rows.view({1, count / run, run, rows.size(1)}).permute({0, 3, 1, 2}));
  }
};

#endif

/// x W^T + b; x and weight of one type.
inline at::Tensor multiply(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
#if defined(AXONZOO_VECTORS)
  const bool kernels = x.is_cpu() && x.numel() > 0 && (x.scalar_type() == at::kFloat || (x.scalar_type() == at::kBFloat16 && kernels::available<c10::BFloat16>));
  if (c10::GradMode::is_enabled() && kernels && bias.defined() && bias.scalar_type() == at::kFloat) return linear_function::apply(x, weight, bias);
#endif
  return reference::linear(x, weight, bias.defined() ? bias.to(x.scalar_type()) : bias);
}

}  // namespace detail

inline at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  if (x.dim() < 1 || weight.dim() != 2 || x.size(-1) != weight.size(1) || (bias.defined() && bias.size(0) != weight.size(0))) {
    throw error("multiplying features of shape " + c10::str(x.sizes()),
                "the weight has shape " + c10::str(weight.sizes()) + (bias.defined() ? " and the bias " + c10::str(bias.sizes()) : ""),
                "give features as wide as the weight's rows, and a bias as long as it has rows");
  }
  const c10::impl::ExcludeDispatchKeyGuard as_written(c10::autocast_dispatch_keyset);
  const auto type = product_type(x);
  const at::Tensor y = detail::multiply(x.to(type), weight.to(type), bias).to(x.scalar_type());
  mac_counter::add(y.numel() * weight.size(1));
  return y;
}

}  // namespace axonzoo
