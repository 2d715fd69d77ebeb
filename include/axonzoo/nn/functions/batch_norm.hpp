#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include <axonzoo/nn/batch_norm.hpp>
#include <axonzoo/nn/functions/batch_norm_affine.hpp>
#include <axonzoo/nn/functions/batch_norm_shared.hpp>
#include <axonzoo/nn/kernels/batch_norm.hpp>
#include <axonzoo/nn/kernels/elements.hpp>
#include <axonzoo/nn/shared_batch_statistics.hpp>

namespace axonzoo {

namespace detail {

inline void apply_scale_relu(const at::Tensor& x, at::Tensor& y, const batch_norm_affine& affine) {
  kernels::with_element_of(x, [&](auto element) {
    using type = decltype(element);
    kernels::scale_relu(static_cast<const type*>(x.const_data_ptr()), static_cast<type*>(y.mutable_data_ptr()), rows_of(x),
                        x.size(1), affine.scale(), affine.offset());
  });
}

struct batch_norm_relu_function : torch::autograd::Function<batch_norm_relu_function> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias, const at::Tensor& running_mean, const at::Tensor& running_var, bool training,
                            double momentum, double eps) {
    const auto [affine, n] = make_batch_norm_affine(x, weight, bias, running_mean, running_var, training, momentum, eps);
    at::Tensor y = at::empty_like(x);
    apply_scale_relu(x, y, affine);
    context->save_for_backward({x, affine.numbers});
    context->saved_data["n"] = n;
    if (training) keep_shared_sum(context);
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list grads) {
    const auto saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const batch_norm_affine affine{saved[1]};
    const double n = context->saved_data["n"].toDouble();
    const std::int64_t channels = x.size(1), rows = rows_of(x);
    const at::Tensor dy = grads[0].to(x.scalar_type()).contiguous(at::MemoryFormat::ChannelsLast);
    at::Tensor dx = at::empty_like(x), dweight = at::empty({channels}, at::kFloat), dbias = at::empty({channels}, at::kFloat);
    kernels::with_element_of(x, [&](auto element) {
      using type = decltype(element);
      const auto* x_data = static_cast<const type*>(x.const_data_ptr());
      const auto* dy_data = static_cast<const type*>(dy.const_data_ptr());
      const auto own = kernels::gradient_sums(dy_data, x_data, rows, channels, affine.scale(), affine.offset(), affine.mean());
      for (std::int64_t c = 0; c < channels; ++c) {
        dbias.data_ptr<float>()[c] = static_cast<float>(own[c]);
        dweight.data_ptr<float>()[c] = static_cast<float>(own[channels + c] * affine.inverse_deviation()[c]);
      }
      at::Tensor sums = at::empty({2 * channels}, at::kDouble);
      std::copy(own.begin(), own.end(), sums.data_ptr<double>());
      sum_as_kept(context, sums);
      std::vector<float> slope(channels), constant(channels);
      for (std::int64_t c = 0; c < channels && n > 0; ++c) {
        const double scale = affine.scale()[c], inverse = affine.inverse_deviation()[c];
        constant[c] = static_cast<float>(-scale * sums.data_ptr<double>()[c] / n);
        slope[c] = static_cast<float>(-scale * inverse * inverse * sums.data_ptr<double>()[channels + c] / n);
      }
      kernels::scale_relu_backward(dy_data, x_data, static_cast<type*>(dx.mutable_data_ptr()), rows, channels, affine.scale(),
                                   affine.offset(), affine.mean(), slope.data(), constant.data());
    });
    return {dx, dweight, dbias, {}, {}, {}, {}, {}};
  }
};

}  // namespace detail

inline at::Tensor batch_norm_relu(at::Tensor x, const at::Tensor& weight, const at::Tensor& bias, const at::Tensor& running_mean,
                                  const at::Tensor& running_var, bool training, double momentum, double eps) {
  if (!kernels::is_channels_last(x) || weight.scalar_type() != at::kFloat) {
    if (training && shared_batch_statistics::active()) {
      return detail::shared_batch_norm_relu_function::apply(x, weight, bias, running_mean, running_var, momentum, eps);
    }
    return batch_norm_relu_reference(x, weight, bias, running_mean, running_var, training, momentum, eps);
  }
  if (at::GradMode::is_enabled() || x.use_count() > 1 || x.storage().use_count() > 1) {
    return detail::batch_norm_relu_function::apply(x, weight, bias, running_mean, running_var, training, momentum, eps);
  }
  const auto [affine, n] = detail::make_batch_norm_affine(x, weight, bias, running_mean, running_var, training, momentum, eps);
  detail::apply_scale_relu(x, x, affine);
  return x;
}

}  // namespace axonzoo
