#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <utility>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/custom_function.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/nn/gpu/max_pool.hpp>
#include <axonzoo/nn/kernels/elements.hpp>
#include <axonzoo/nn/kernels/max_pool.hpp>
#include <axonzoo/nn/max_pool.hpp>

namespace axonzoo {

namespace detail {

inline at::Tensor channels_last(at::IntArrayRef shape, at::TensorOptions options) {
  return at::empty(shape, options, at::MemoryFormat::ChannelsLast);
}

/// Maxima and where they are.
inline std::pair<at::Tensor, at::Tensor> pooled_with_places(const at::Tensor& x) {
  if (x.is_cuda()) return gpu::max_pool_2x2(x);
  const std::int64_t n = x.size(0), c = x.size(1), height = x.size(2), width = x.size(3);
  at::Tensor pooled = channels_last({n, c, height / 2, width / 2}, x.options());
  at::Tensor indices = channels_last(pooled.sizes(), x.options().dtype(at::kByte));
  kernels::with_element_of(x, [&](auto element) {
    using type = decltype(element);
    kernels::max_pool(static_cast<const type*>(x.const_data_ptr()), static_cast<type*>(pooled.mutable_data_ptr()),
                      indices.mutable_data_ptr<std::uint8_t>(), {n, height, width, c});
  });
  return {pooled, indices};
}

/// Unpooling, and pooling's gradient: y to the places of `indices` in [N, C, height, width].
inline at::Tensor spread(const at::Tensor& y, const at::Tensor& indices, std::int64_t height, std::int64_t width) {
  if (y.is_cuda()) return gpu::spread(y, indices, height, width);
  at::Tensor x = channels_last({y.size(0), y.size(1), height, width}, y.options());
  kernels::with_element_of(y, [&](auto element) {
    using type = decltype(element);
    kernels::max_unpool(static_cast<const type*>(y.const_data_ptr()), indices.const_data_ptr<std::uint8_t>(),
                        static_cast<type*>(x.mutable_data_ptr()), {y.size(0), height, width, y.size(1)});
  });
  return x;
}

/// Unpooling's gradient: what is at the places of `indices`.
inline at::Tensor gathered(const at::Tensor& x, const at::Tensor& indices) {
  if (x.is_cuda()) return gpu::gather(x, indices);
  at::Tensor y = channels_last(indices.sizes(), x.options());
  kernels::with_element_of(x, [&](auto element) {
    using type = decltype(element);
    kernels::gather(static_cast<const type*>(x.const_data_ptr()), indices.const_data_ptr<std::uint8_t>(),
                    static_cast<type*>(y.mutable_data_ptr()), {x.size(0), x.size(2), x.size(3), x.size(1)});
  });
  return y;
}

/// Whether there are kernels for it.
inline bool pools_fast(const at::Tensor& x) { return kernels::is_channels_last(x) || gpu::elements::take(x); }

struct max_pool_function : torch::autograd::Function<max_pool_function> {
  static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context, const at::Tensor& x) {
    const auto [pooled, indices] = pooled_with_places(x);
    context->mark_non_differentiable({indices});
    context->save_for_backward({indices});
    context->saved_data["height"] = x.size(2);
    context->saved_data["width"] = x.size(3);
    return {pooled, indices};
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    return {spread(gradients[0].contiguous(at::MemoryFormat::ChannelsLast), context->get_saved_variables()[0],
                   context->saved_data["height"].toInt(), context->saved_data["width"].toInt())};
  }
};

struct max_unpool_function : torch::autograd::Function<max_unpool_function> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& y, const at::Tensor& indices,
                            std::int64_t height, std::int64_t width) {
    context->save_for_backward({indices});
    return spread(y, indices, height, width);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    return {gathered(gradients[0].contiguous(at::MemoryFormat::ChannelsLast), context->get_saved_variables()[0]), {}, {}, {}};
  }
};

}  // namespace detail

inline std::tuple<at::Tensor, at::Tensor> max_pool_2x2(const at::Tensor& x) {
  if (!detail::pools_fast(x)) return max_pool_2x2_reference(x);
  auto results = detail::max_pool_function::apply(x);
  return {results[0], results[1]};
}

inline at::Tensor max_unpool_2x2(const at::Tensor& y, const at::Tensor& indices, std::int64_t height, std::int64_t width) {
  if (y.sizes() != indices.sizes() || y.size(2) != height / 2 || y.size(3) != width / 2) {
    throw error(
        "unpooling to " + std::to_string(height) + " x " + std::to_string(width),
        "values of shape " + c10::str(y.sizes()) + " with indices of shape " + c10::str(indices.sizes()) + " do not fit it",
        "give the height and width that max_pool_2x2 had");
  }
  if (!detail::pools_fast(y) || !indices.is_contiguous(at::MemoryFormat::ChannelsLast)) {
    return max_unpool_2x2_reference(y, indices, height, width);
  }
  return detail::max_unpool_function::apply(y, indices, height, width);
}

}  // namespace axonzoo
