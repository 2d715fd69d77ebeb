#pragma once

#include <utility>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/gelu.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <axonzoo/nn/gelu.hpp>
#include <axonzoo/nn/kernels/elements.hpp>
#include <axonzoo/nn/kernels/gelu.hpp>

namespace axonzoo {

#if defined(AXONZOO_VECTORS)

namespace detail {

/// y may be x itself.
inline void gelu_forward(const at::Tensor& x, const at::Tensor& y) {
  kernels::with_element_of(x, [&](auto element) {
    using type = decltype(element);
    kernels::gelu(static_cast<const type*>(x.const_data_ptr()), static_cast<type*>(y.mutable_data_ptr()), x.numel());
  });
}

struct gelu_function : torch::autograd::Function<gelu_function> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x) {
    context->save_for_backward({x});
    at::Tensor y = at::empty_like(x);
    gelu_forward(x, y);
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, const torch::autograd::variable_list& gradients) {
    const at::Tensor x = context->get_saved_variables().front();
    at::Tensor dx = at::empty_like(x), dy = gradients.front().to(x.scalar_type());
    if (dy.strides() != x.strides()) dy = at::empty_like(x).copy_(dy);
    kernels::with_element_of(x, [&](auto element) {
      using type = decltype(element);
      kernels::gelu_backward(static_cast<const type*>(dy.const_data_ptr()), static_cast<const type*>(x.const_data_ptr()),
                             static_cast<type*>(dx.mutable_data_ptr()), x.numel());
    });
    return {dx};
  }
};

}  // namespace detail

#endif

inline at::Tensor gelu(at::Tensor x) {
  const bool keeps_x = c10::GradMode::is_enabled() || x.use_count() > 1 || x.storage().use_count() > 1;
#if defined(AXONZOO_VECTORS)
  const bool known = x.is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
  if (known && x.is_non_overlapping_and_dense()) {
    if (keeps_x) return detail::gelu_function::apply(x);
    detail::gelu_forward(x, x);
    return x;
  }
#endif
  return keeps_x ? reference::gelu(x) : at::gelu_(x);
}

}  // namespace axonzoo
