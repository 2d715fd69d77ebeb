#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>

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

/// x [N, C, H, W] as it is, before a layer of `channels` output channels; its gradient is summed over the ranks where that layer is split.
at::Tensor summed_backward(const at::Tensor& x, std::int64_t channels);

/// All `channels` of a layer from what each rank has of them, [N, share, H, W]; channels_last.
at::Tensor joined(const at::Tensor& own, std::int64_t channels);

/// Gives all ranks the whole of `values` [channels], of which each has changed its share: running statistics.
inline void exchange_shares(at::Tensor values) {
  const auto channels = values.size(0);
  if (!channel_split::splits(channels)) return;
  const at::NoGradGuard no_gradients;
  values.copy_(joined(channel_split::share(values, 0).view({1, -1, 1, 1}), channels).reshape({channels}));
}

}  // namespace axonzoo

#ifndef AXONZOO_SEPARATE_KERNELS
#include <axonzoo/nn/functions/channel_split.hpp>
#endif
