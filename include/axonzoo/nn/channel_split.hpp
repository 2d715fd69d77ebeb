#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>

namespace axonzoo {

/// While it lives, ranks share the layers of this thread (tensor parallelism; Shoeybi et al. 2019): each computes its share of a layer's units (output channels, heads of an attention, hidden
/// features) and ranks exchange what they computed, so that between layers every rank holds all activations and all of their gradients. A layer begins with `summed_backward` and ends with
/// `joined`, where ranks hold units of one result, or `summed`, where each holds a part of every sum. Every rank runs the same layers on the same images, forward and backward.
class channel_split {
 public:
  struct ranks {
    int rank = 0, world_size = 1;
    /// Tensors of one shape, dense, one of each rank in their order.
    std::function<std::vector<at::Tensor>(const at::Tensor&)> gather;
    /// Sums over ranks, in place.
    std::function<void(at::Tensor&)> sum;
    /// Told of each parameter that ranks share: its gradient is the sum of theirs. That of any other is whole on each of them.
    std::function<void(const at::Tensor&)> note_shared;
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

  /// A layer of fewer units than ranks is computed by each of them as a whole.
  static bool splits(std::int64_t units) { return active() != nullptr && units >= active()->world_size; }

  /// How many units this rank computes.
  static std::int64_t own(std::int64_t units) { return splits(units) ? part(*active(), active()->rank, units).second : units; }

  /// This rank's part of a parameter that carries a layer's units along `axis`, `stretches` times one after the other; all of it where they are not split.
  static at::Tensor share(const at::Tensor& tensor, std::int64_t axis, std::int64_t units, std::int64_t stretches = 1) {
    if (!tensor.defined() || !splits(units)) return tensor;
    active()->note_shared(tensor);
    const auto [begin, count] = part(*active(), active()->rank, units);
    const auto size = tensor.size(axis) / (units * stretches);
    if (stretches == 1) return tensor.narrow(axis, begin * size, count * size);
    return tensor.unflatten(axis, {stretches, units * size}).narrow(axis + 1, begin * size, count * size).flatten(axis, axis + 1);
  }

  /// The same where each number along `axis` is a unit.
  static at::Tensor share(const at::Tensor& tensor, std::int64_t axis) { return tensor.defined() ? share(tensor, axis, tensor.size(axis)) : tensor; }

  /// A parameter that the units of every rank read as a whole.
  static at::Tensor common(const at::Tensor& tensor, std::int64_t units) {
    if (splits(units)) active()->note_shared(tensor);
    return tensor;
  }

  /// What is added to a sum over ranks: on rank 0, else undefined.
  static at::Tensor once(const at::Tensor& tensor, std::int64_t units) { return splits(units) && active()->rank > 0 ? at::Tensor() : tensor; }

  /// Whether it is so on any rank that shares layers with this one.
  static bool any(bool here) {
    if (active() == nullptr) return here;
    auto found = at::full({1}, here ? 1.0 : 0.0, at::kDouble);
    active()->sum(found);
    return found.item<double>() > 0;
  }

  static std::pair<std::int64_t, std::int64_t> part(const ranks& among, int rank, std::int64_t units) {
    const auto begin = units * rank / among.world_size;
    return {begin, units * (rank + 1) / among.world_size - begin};
  }

 private:
  std::shared_ptr<const ranks> outer_;
};

/// x as it is, before a layer of `units`; its gradient is summed over the ranks where they are split. It travels in `order`, channels last of [N, C, H, W] or as its axes are.
at::Tensor summed_backward(const at::Tensor& x, std::int64_t units, at::MemoryFormat order = at::MemoryFormat::ChannelsLast);

/// The sum over ranks of what each has made of its own of `units`, in `order`.
at::Tensor summed(const at::Tensor& own, std::int64_t units, at::MemoryFormat order = at::MemoryFormat::ChannelsLast);

/// All `channels` of a layer from what each rank has of them, [N, share, H, W]; channels_last.
at::Tensor joined(const at::Tensor& own, std::int64_t channels);

/// Gives all ranks the whole of `values` [channels], of which each has changed its share: running statistics. A graph that has kept them does not read them.
inline void exchange_shares(const at::Tensor& values) {
  const auto channels = values.size(0);
  if (!channel_split::splits(channels)) return;
  const at::NoGradGuard no_gradients;
  values.data().copy_(joined(channel_split::share(values, 0).view({1, -1, 1, 1}), channels).reshape({channels}));
}

}  // namespace axonzoo

#ifndef AXONZOO_SEPARATE_KERNELS
#include <axonzoo/nn/functions/channel_split.hpp>
#endif
