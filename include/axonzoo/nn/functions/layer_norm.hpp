#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <axonzoo/nn/kernels/elements.hpp>
#include <axonzoo/nn/kernels/layer_norm.hpp>
#include <axonzoo/nn/layer_norm.hpp>

namespace axonzoo {

#if defined(AXONZOO_VECTORS)

namespace detail {

/// work(rows, a null pointer of the type that is written): x [..., C] and `added` contiguous.
template <class Work>
void with_normed_rows(const at::Tensor& x, const at::Tensor& added, const at::Tensor& weight, const at::Tensor& bias, const at::Tensor& out, after_norm after,
                      const Work& work) {
  kernels::with_element_of(x, [&](auto element) {
    kernels::with_element_of(out, [&](auto written) {
      using type = decltype(element);
      const std::int64_t channels = x.size(-1);
      const auto* const second = added.defined() ? static_cast<const type*>(added.const_data_ptr()) : nullptr;
      const auto with = [&](auto gelu) {
        const kernels::layer_norm_rows<type, decltype(gelu)::value> rows{
            static_cast<const type*>(x.const_data_ptr()), second, weight.const_data_ptr<float>(), bias.const_data_ptr<float>(), x.numel() / channels, channels};
        work(rows, static_cast<decltype(written)*>(nullptr));
      };
      after == after_norm::gelu ? with(std::true_type()) : with(std::false_type());
    });
  });
}

/// `statistics` [rows, 2] float32 is filled where it is defined.
inline at::Tensor layer_norm_forward(const at::Tensor& x, const at::Tensor& added, const at::Tensor& weight, const at::Tensor& bias, double eps, c10::ScalarType to,
                                     after_norm after, const at::Tensor& statistics) {
  at::Tensor y = at::empty(x.sizes(), x.options().dtype(to));
  with_normed_rows(x, added, weight, bias, y, after, [&](const auto& rows, auto* written) {
    rows.forward(eps, static_cast<decltype(written)>(y.mutable_data_ptr()), statistics.defined() ? statistics.mutable_data_ptr<float>() : nullptr);
  });
  return y;
}

struct layer_norm_function : torch::autograd::Function<layer_norm_function> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                            const std::optional<at::Tensor>& added, double eps, c10::ScalarType to, bool gelu) {
    const auto after = gelu ? after_norm::gelu : after_norm::nothing;
    const at::Tensor first = x.contiguous(), second = added ? added->contiguous() : at::Tensor();
    const at::Tensor statistics = at::empty({x.numel() / x.size(-1), 2}, at::kFloat);
    at::Tensor y = layer_norm_forward(first, second, weight, bias, eps, to, after, statistics);
    context->save_for_backward({first, second, weight, bias, statistics});
    context->saved_data["type"] = to;
    context->saved_data["gelu"] = gelu;
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &added = saved[1], &weight = saved[2], &bias = saved[3];
    const auto after = context->saved_data["gelu"].toBool() ? after_norm::gelu : after_norm::nothing;
    const at::Tensor dy = gradients.front().to(context->saved_data["type"].toScalarType()).contiguous();
    at::Tensor dx = at::empty_like(x), dweight = at::empty_like(weight), dbias = at::empty_like(bias);
    with_normed_rows(x, added, weight, bias, dy, after, [&](const auto& rows, auto* written) {
      const auto sums = rows.backward(static_cast<const std::remove_pointer_t<decltype(written)>*>(dy.const_data_ptr()), saved[4].template const_data_ptr<float>(),
                                      static_cast<std::remove_const_t<std::remove_pointer_t<decltype(rows.x)>>*>(dx.mutable_data_ptr()));
      const auto channels = static_cast<std::size_t>(rows.channels);
      for (std::size_t c = 0; c < channels; ++c) {
        dweight.template data_ptr<float>()[c] = static_cast<float>(sums[c]);
        dbias.template data_ptr<float>()[c] = static_cast<float>(sums[channels + c]);
      }
    });
    return {dx, dweight, dbias, added.defined() ? dx : at::Tensor(), {}, {}, {}};
  }
};

}  // namespace detail

#endif

inline at::Tensor layer_norm(const at::Tensor& x, const at::Tensor& added, const at::Tensor& weight, const at::Tensor& bias, double eps, c10::ScalarType to,
                             after_norm after) {
#if defined(AXONZOO_VECTORS)
  const auto known = [](c10::ScalarType type) { return type == at::kFloat || type == at::kBFloat16; };
  if (x.is_cpu() && x.numel() > 0 && known(x.scalar_type()) && known(to) && weight.scalar_type() == at::kFloat && weight.is_contiguous() && bias.is_contiguous()) {
    if (c10::GradMode::is_enabled()) {
      return detail::layer_norm_function::apply(x, weight, bias, added.defined() ? std::optional(added) : std::nullopt, eps, to, after == after_norm::gelu);
    }
    return detail::layer_norm_forward(x.contiguous(), added.defined() ? added.contiguous() : added, weight, bias, eps, to, after, {});
  }
#endif
  return reference::layer_norm(x, added, weight, bias, eps, to, after);
}

}  // namespace axonzoo
