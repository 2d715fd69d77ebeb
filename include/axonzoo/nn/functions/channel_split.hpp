#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include <axonzoo/nn/channel_split.hpp>

namespace axonzoo {

namespace detail {

/// The backward pass may run where no channel_split lives any more.
struct kept_ranks : torch::CustomClassHolder {
  std::shared_ptr<const channel_split::ranks> among;

  static void keep(torch::autograd::AutogradContext* context) {
    auto kept = c10::make_intrusive<kept_ranks>();
    kept->among = channel_split::active();
    context->saved_data["ranks"] = c10::IValue::make_capsule(std::move(kept));
  }
  static const channel_split::ranks& of(torch::autograd::AutogradContext* context) {
    return *c10::static_intrusive_pointer_cast<kept_ranks>(context->saved_data["ranks"].toCapsule())->among;
  }
};

/// A sum of what ranks may hold in different layouts.
inline at::Tensor sum_over(const channel_split::ranks& among, const at::Tensor& values, at::MemoryFormat order) {
  const auto dense = values.clone(order);
  auto sent = order == at::MemoryFormat::ChannelsLast ? dense.permute({0, 2, 3, 1}) : dense;
  among.sum(sent);
  return dense;
}

/// Each rank finds the gradient by its own units; that of the input is the sum.
struct summed_backward_function : torch::autograd::Function<summed_backward_function> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, at::MemoryFormat order) {
    kept_ranks::keep(context);
    context->saved_data["order"] = static_cast<std::int64_t>(order);
    return x.view_as(x);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, const torch::autograd::variable_list& gradients) {
    return {sum_over(kept_ranks::of(context), gradients.front(), static_cast<at::MemoryFormat>(context->saved_data["order"].toInt())), {}};
  }
};

/// Every rank has the gradient of the sum, which is that of each part.
struct summed_function : torch::autograd::Function<summed_function> {
  static at::Tensor forward(torch::autograd::AutogradContext*, const at::Tensor& own, at::MemoryFormat order) { return sum_over(*channel_split::active(), own, order); }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext*, const torch::autograd::variable_list& gradients) { return {gradients.front(), {}}; }
};

struct joined_function : torch::autograd::Function<joined_function> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& own, std::int64_t channels) {
    kept_ranks::keep(context);
    context->saved_data["channels"] = channels;
    const auto& among = *channel_split::active();
    const auto most = (channels + among.world_size - 1) / among.world_size;
    auto sent = own.permute({0, 2, 3, 1});
    if (own.size(1) < most) sent = at::cat({sent, at::zeros({own.size(0), own.size(2), own.size(3), most - own.size(1)}, own.options())}, 3);
    auto parts = among.gather(sent.contiguous());
    for (int rank = 0; rank < among.world_size; ++rank) {
      auto& one = parts[static_cast<std::size_t>(rank)];
      one = one.narrow(3, 0, channel_split::part(among, rank, channels).second);
    }
    return at::cat(parts, 3).permute({0, 3, 1, 2});
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, const torch::autograd::variable_list& gradients) {
    const auto& among = kept_ranks::of(context);
    const auto [begin, count] = channel_split::part(among, among.rank, context->saved_data["channels"].toInt());
    return {gradients.front().narrow(1, begin, count), {}};
  }
};

}  // namespace detail

inline at::Tensor summed_backward(const at::Tensor& x, std::int64_t units, at::MemoryFormat order) {
  return channel_split::splits(units) && x.requires_grad() ? detail::summed_backward_function::apply(x, order) : x;
}

inline at::Tensor summed(const at::Tensor& own, std::int64_t units, at::MemoryFormat order) {
  return channel_split::splits(units) ? detail::summed_function::apply(own, order) : own;
}

inline at::Tensor joined(const at::Tensor& own, std::int64_t channels) {
  return channel_split::splits(channels) ? detail::joined_function::apply(own, channels) : own;
}

}  // namespace axonzoo
