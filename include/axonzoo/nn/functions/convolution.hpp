#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ATen/Context.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <torch/csrc/autograd/custom_function.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/nn/convolution.hpp>
#include <axonzoo/nn/functions/half_convolution.hpp>
#include <axonzoo/nn/kernels/convolution.hpp>

namespace axonzoo {

#if defined(AXONZOO_VECTORS)

namespace detail {

/// Arguments that may be absent have no edge in the graph; `edge` counts those that are there.
struct convolution_function : torch::autograd::Function<convolution_function> {
  using optional_tensor = std::optional<at::Tensor>;

  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& a, const at::Tensor& weight,
                            const optional_tensor& b, const optional_tensor& bias, std::int64_t stride, std::int64_t padding) {
    context->save_for_backward({a, weight, b.value_or(at::Tensor())});
    context->saved_data["stride"] = stride;
    context->saved_data["padding"] = padding;
    context->saved_data["bias"] = bias.has_value();
    return kernels::convolve_forward(inputs(a, b.value_or(at::Tensor())), weight, bias.value_or(at::Tensor()), stride, padding);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto stride = context->saved_data["stride"].toInt(), padding = context->saved_data["padding"].toInt();
    const at::Tensor &a = saved[0], &weight = saved[1], &b = saved[2];
    const at::Tensor gradient = kernels::channels_together(gradients.front());
    torch::autograd::variable_list results(6);
    if (context->needs_input_grad(0) || (b.defined() && context->needs_input_grad(2))) {
      std::vector<std::int64_t> channels{a.size(1)};
      if (b.defined()) channels.push_back(b.size(1));
      const auto of_inputs = kernels::convolve_input_gradients(gradient, weight, a.sizes(), channels, stride, padding);
      results[0] = of_inputs.front();
      if (b.defined()) results[2] = of_inputs.back();
    }
    if (context->needs_input_grad(1)) {
      results[1] = kernels::convolve_weight_gradient(inputs(a, b), gradient, weight, stride, padding);
    }
    const std::size_t bias_edge = b.defined() ? 3 : 2;
    if (context->saved_data["bias"].toBool() && context->needs_input_grad(bias_edge)) results[3] = kernels::bias_gradient(gradient);
    return results;
  }

 private:
  static std::vector<at::Tensor> inputs(const at::Tensor& a, const at::Tensor& b) {
    std::vector<at::Tensor> xs{kernels::channels_together(a)};
    if (b.defined()) xs.push_back(kernels::channels_together(b));
    return xs;
  }
};

struct transposed_convolution_function : torch::autograd::Function<transposed_convolution_function> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const std::optional<at::Tensor>& bias) {
    context->save_for_backward({x, weight});
    context->saved_data["bias"] = bias.has_value();
    return kernels::upsample_forward(kernels::channels_together(x), weight, bias.value_or(at::Tensor()));
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], gradient = kernels::channels_together(gradients.front());
    torch::autograd::variable_list results(3);
    if (context->needs_input_grad(0)) results[0] = kernels::upsample_input_gradient(gradient, weight);
    if (context->needs_input_grad(1)) results[1] = kernels::upsample_weight_gradient(kernels::channels_together(x), gradient, weight);
    if (context->saved_data["bias"].toBool() && context->needs_input_grad(2)) results[2] = kernels::bias_gradient(gradient);
    return results;
  }
};

}  // namespace detail

#endif

namespace detail {

inline std::optional<at::Tensor> optional(const at::Tensor& tensor) {
  return tensor.defined() ? std::optional(tensor) : std::nullopt;
}

inline void require_shapes(bool fit, const std::string& doing, const at::Tensor& x, const at::Tensor& weight) {
  if (fit) return;
  throw error(doing + " an image batch of shape " + c10::str(x.sizes()), "the weight has shape " + c10::str(weight.sizes()),
              "give images with as many channels as the network was made for, and at least as large as its kernels");
}

inline bool own_kernels(const at::Tensor& x, const at::Tensor& weight) {
  return kernels::can_convolve(x) && weight.scalar_type() == at::kFloat;
}

/// cuDNN's algorithms of float32 that sum in one order take up to forty times as long as one product on a GPU, those of tf32 and half precision do not (docs/results.md).
inline bool better_as_product(const at::Tensor& x, const at::Tensor& weight) {
  return x.is_cuda() && x.scalar_type() == at::kFloat && weight.scalar_type() == at::kFloat && !at::globalContext().allowTF32CuDNN() && !at::autocast::is_autocast_enabled(at::kCUDA);
}

/// Gradients change weights, and need them as they are.
inline bool uses(const kept_filters* kept) { return kept != nullptr && !at::GradMode::is_enabled(); }

/// The kernels pack float32 weights; those of a network in bfloat16 are widened, which changes no value.
inline bool narrow_weight(const at::Tensor& x, const at::Tensor& weight) {
  return kernels::can_convolve(x) && weight.scalar_type() == at::kBFloat16;
}

}  // namespace detail

inline at::Tensor convolution(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, std::int64_t stride,
                              std::int64_t padding, [[maybe_unused]] kept_filters* kept) {
  detail::require_shapes(x.dim() == 4 && weight.dim() == 4 && x.size(1) == weight.size(1) && stride > 0 && padding >= 0 &&
                             x.size(2) + 2 * padding >= weight.size(2) && x.size(3) + 2 * padding >= weight.size(3),
                         "convolving", x, weight);
#if defined(AXONZOO_VECTORS)
  if (detail::narrow_weight(x, weight)) return convolution(x, weight.to(at::kFloat), bias, stride, padding, kept);
  if (detail::own_kernels(x, weight)) {
    if (detail::uses(kept)) return kernels::convolve_forward({kernels::channels_together(x)}, weight, bias, stride, padding, kept);
    return detail::convolution_function::apply(x, weight, std::optional<at::Tensor>(), detail::optional(bias), stride, padding);
  }
#endif
  if (detail::half_on_cpu(x)) return detail::half_convolution_function::apply(x, weight, detail::optional(bias), stride, padding, false);
  return reference::convolution(x, weight, bias, stride, padding);
}

inline at::Tensor convolution_of_concatenated(const at::Tensor& a, const at::Tensor& b, const at::Tensor& weight, const at::Tensor& bias,
                                              std::int64_t stride, std::int64_t padding, [[maybe_unused]] kept_filters* kept) {
#if defined(AXONZOO_VECTORS)
  if (detail::narrow_weight(a, weight)) return convolution_of_concatenated(a, b, weight.to(at::kFloat), bias, stride, padding, kept);
  const bool alike = a.dim() == 4 && b.dim() == 4 && a.size(0) == b.size(0) && a.size(2) == b.size(2) && a.size(3) == b.size(3) &&
                     a.size(1) + b.size(1) == weight.size(1) && a.scalar_type() == b.scalar_type() && b.size(1) > 0;
  const bool fits = alike && a.size(2) + 2 * padding >= weight.size(2) && a.size(3) + 2 * padding >= weight.size(3);
  if (fits && detail::own_kernels(a, weight) && detail::own_kernels(b, weight)) {
    if (detail::uses(kept)) return kernels::convolve_forward({kernels::channels_together(a), kernels::channels_together(b)}, weight, bias, stride, padding, kept);
    return detail::convolution_function::apply(a, weight, detail::optional(b), detail::optional(bias), stride, padding);
  }
#endif
  return convolution(at::cat({a, b}, 1), weight, bias, stride, padding);
}

inline at::Tensor transposed_convolution_2x2(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, [[maybe_unused]] kept_filters* kept) {
  detail::require_shapes(x.dim() == 4 && weight.dim() == 4 && x.size(1) == weight.size(0) && weight.size(2) == 2 && weight.size(3) == 2,
                         "upsampling", x, weight);
#if defined(AXONZOO_VECTORS)
  if (detail::narrow_weight(x, weight)) return transposed_convolution_2x2(x, weight.to(at::kFloat), bias, kept);
  if (detail::own_kernels(x, weight)) {
    if (detail::uses(kept)) return kernels::upsample_forward(kernels::channels_together(x), weight, bias, kept);
    return detail::transposed_convolution_function::apply(x, weight, detail::optional(bias));
  }
#endif
  if (detail::half_on_cpu(x)) return detail::half_convolution_function::apply(x, weight, detail::optional(bias), std::int64_t{2}, std::int64_t{0}, true);
  if (detail::better_as_product(x, weight)) return reference::transposed_convolution_by_product(x, weight, bias);
  return reference::transposed_convolution_2x2(x, weight, bias);
}

}  // namespace axonzoo
