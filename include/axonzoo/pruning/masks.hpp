#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/nn/channels.hpp>
#include <axonzoo/nn/network.hpp>
#include <axonzoo/pruning/policy.hpp>

namespace axonzoo {

/// What is pruned and stays in its place as zero: bool tensors, true where, by parameter name.
using weight_masks = std::map<std::string, at::Tensor>;

/// The filters and matrices of a network that train, by name: what masks are for. Norms, biases and tables of positions are few and stay.
inline std::map<std::string, at::Tensor> maskable_weights(const network& net) {
  std::map<std::string, at::Tensor> weights;
  for (const auto& item : net.named_parameters()) {
    if (item.key().ends_with("weight") && item.value().dim() >= 2 && item.value().requires_grad()) weights.emplace(item.key(), item.value().detach());
  }
  return weights;
}

/// The axis of each filter bank or matrix along which it sums: 1, or 0 where `channel_groups()` says that axis 1 makes the channels (transposed convolutions).
inline std::int64_t input_axis(const network& net, const std::string& weight) {
  for (const auto& group : net.channel_groups()) {
    if (!group.axes.empty() && group.axes.front().tensor == weight) return 1 - group.axes.front().axis;
  }
  return 1;
}

/// The state of every policy that zeroes weights where they are. `Policy` has the numbers of `pruning_schedule` and
/// `masks(const network&, double share) -> weight_masks`: what to zero so that `share` of the weights is left. Zeroed weights stay zero
/// through every later step, in the network, its average and its checkpoints.
template <class Policy>
class masked_state : public pruner {
 public:
  explicit masked_state(const Policy& policy) : policy_(policy) {}

  [[nodiscard]] bool due(double progress) const override { return policy_.due(progress, rounds_done_); }
  [[nodiscard]] bool finished() const override { return policy_.over(rounds_done_); }
  [[nodiscard]] int rounds_done() const override { return rounds_done_; }
  void resume(int rounds_done) override { rounds_done_ = rounds_done; }

  /// No channel leaves; all ranks hold the same weights, so they zero the same.
  std::vector<narrowing> prune(network& net, const calibration&) override {
    masks_ = policy_.masks(net, policy_.left(++rounds_done_));
    hold(named_tensors(net));
    return {};
  }

  void hold(const std::map<std::string, at::Tensor>& tensors) const override {
    for (const auto& [name, tensor] : tensors) {
      if (const auto mask = masks_.find(name); mask != masks_.end()) tensor.detach().masked_fill_(mask->second, 0);
    }
  }

  [[nodiscard]] std::map<std::string, at::Tensor> tensors() const override { return masks_; }

  void resume_tensors(std::map<std::string, at::Tensor> tensors, const network& net) override {
    const auto weights = maskable_weights(net);
    for (auto& [name, mask] : tensors) {
      const auto found = weights.find(name);
      if (found == weights.end() || mask.scalar_type() != at::kBool || mask.sizes() != found->second.sizes()) {
        throw error("cannot resume pruning", "the mask of '" + name + "' fits no weight of the network", "resume with the same variant, or start anew");
      }
      mask = mask.to(found->second.device()).contiguous(found->second.suggest_memory_format());
    }
    masks_ = std::move(tensors);
  }

 private:
  Policy policy_;
  weight_masks masks_;
  int rounds_done_ = 0;
};

}  // namespace axonzoo
