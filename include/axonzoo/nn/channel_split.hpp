#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

namespace axonzoo {

/// While it lives, each convolution of this thread computes this rank's share of its output channels from all input channels, and ranks exchange what they computed
/// (tensor parallelism; Shoeybi et al. 2019): a layer begins with `summed_backward` and ends with `joined`, so between layers every rank holds all channels and all of
/// their gradients. Every rank runs the same layers on the same images, forward and backward.
class channel_split {
 public:
  struct ranks {
    int rank = 0, world_size = 1;
    /// Tensors of one shape, dense, one of each rank in their order.
    std::function<std::vector<at::Tensor>(const at::Tensor&)> gather;
    /// Sums over ranks, in place.
    std::function<void(at::Tensor&)> sum;
  };

  explicit channel_split(std::shared_ptr<const ranks> among) : outer_(std::exchange(active(), std::move(among))) {}
  ~channel_split() { active() = std::move(outer_); }
  channel_split(const channel_split&) = delete;
  channel_split& operator=(const channel_split&) = delete;

  /// Null where no such object lives.
  static std::shared_ptr<const ranks>& active() {
    thread_local std::shared_ptr<const ranks> among;
    return among;
  }

  /// A layer of fewer channels than ranks is computed by each of them as a whole.
  static bool splits(std::int64_t channels) { return active() != nullptr && channels >= active()->world_size; }

  /// This rank's part of a parameter that carries a layer's output channels along `axis`; all of it where they are not split, and then only rank 0
  /// finds its gradient: that of each number comes from one rank.
  static at::Tensor share(const at::Tensor& tensor, std::int64_t axis) {
    if (!tensor.defined() || active() == nullptr) return tensor;
    if (!splits(tensor.size(axis))) return active()->rank == 0 ? tensor : tensor.detach();
    const auto [begin, count] = part(*active(), active()->rank, tensor.size(axis));
    return tensor.narrow(axis, begin, count);
  }

  static std::pair<std::int64_t, std::int64_t> part(const ranks& among, int rank, std::int64_t channels) {
    const auto begin = channels * rank / among.world_size;
    return {begin, channels * (rank + 1) / among.world_size - begin};
  }

 private:
  std::shared_ptr<const ranks> outer_;
};

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

/// Each rank finds the gradient by its own output channels; that of the input is the sum.
struct summed_backward_function : torch::autograd::Function<summed_backward_function> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x) {
    kept_ranks::keep(context);
    return x.view_as(x);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, const torch::autograd::variable_list& gradients) {
    auto dense = gradients.front().permute({0, 2, 3, 1}).clone(at::MemoryFormat::Contiguous);
    kept_ranks::of(context).sum(dense);
    return {dense.permute({0, 3, 1, 2})};
  }
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

/// x [N, C, H, W] as it is, before a layer of `channels` output channels; its gradient is summed over the ranks where that layer is split.
inline at::Tensor summed_backward(const at::Tensor& x, std::int64_t channels) {
  return channel_split::splits(channels) && x.requires_grad() ? detail::summed_backward_function::apply(x) : x;
}

/// All `channels` of a layer from what each rank has of them, [N, share, H, W]; channels_last.
inline at::Tensor joined(const at::Tensor& own, std::int64_t channels) {
  return channel_split::splits(channels) ? detail::joined_function::apply(own, channels) : own;
}

/// Gives all ranks the whole of `values` [channels], of which each has changed its share: running statistics.
inline void exchange_shares(at::Tensor values) {
  const auto channels = values.size(0);
  if (!channel_split::splits(channels)) return;
  const at::NoGradGuard no_gradients;
  values.copy_(joined(channel_split::share(values, 0).view({1, -1, 1, 1}), channels).reshape({channels}));
}

}  // namespace axonzoo
