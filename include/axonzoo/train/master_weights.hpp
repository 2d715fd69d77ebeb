#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include <axonzoo/nn/channels.hpp>
#include <axonzoo/nn/network.hpp>
#include <axonzoo/precision/weight_storage.hpp>

namespace axonzoo {

/// The weights that the optimiser moves. Where a precision stores the network's weights narrower, these are fp32 originals of which the network has rounded
/// copies; otherwise they are the network's own and nothing is copied.
class master_weights {
 public:
  master_weights() = default;

  /// Narrows the network's filters and matrices to `how.type`. Those that do not train have no original.
  master_weights(std::shared_ptr<network> net, weight_storage how, std::uint64_t seed) : net_(std::move(net)), how_(how), seed_(seed) {
    if (how_.type == at::kFloat) return;
    for (auto& item : net_->named_parameters()) {
      const at::Tensor& held = item.value();
      if (is_narrowed(held) && held.requires_grad()) originals_.emplace(item.key(), original{held, held.detach().to(at::kFloat, /*non_blocking=*/false, /*copy=*/true)});
    }
    narrow_weights(*net_, how_.type);
  }

  /// Those that take gradients, in the network's order.
  [[nodiscard]] std::vector<std::pair<std::string, at::Tensor>> parameters() const {
    std::vector<std::pair<std::string, at::Tensor>> all;
    for (const auto& item : net_->named_parameters()) {
      if (!item.value().requires_grad()) continue;
      const auto found = originals_.find(item.key());
      all.emplace_back(item.key(), found == originals_.end() ? item.value() : found->second.values);
    }
    return all;
  }

  /// Parameters that take gradients, and buffers, by name.
  [[nodiscard]] std::map<std::string, at::Tensor> tensors() const {
    auto all = trained_tensors(*net_);
    for (const auto& [name, one] : originals_) all.at(name) = one.values;
    return all;
  }

  /// Takes the network's gradients over.
  void take_gradients() {
    for (auto& [name, one] : originals_) {
      if (!one.held.grad().defined()) continue;
      one.values.mutable_grad() = one.held.grad().to(at::kFloat);
      one.held.mutable_grad() = at::Tensor();
    }
  }

  /// Gives the network the rounded values. With `stochastic` the result depends on the seed and the step alone.
  void publish(std::int64_t step) {
    std::uint64_t number = 0;
    for (auto& [name, one] : originals_) {
      auto held = one.held.detach();
      const auto mix = (seed_ * 0x9e3779b97f4a7c15U + static_cast<std::uint64_t>(step)) * 0xbf58476d1ce4e5b9U + number++;
      held.copy_(how_.stochastic ? rounded_stochastically(one.values.detach(), mix) : one.values.detach());
    }
  }

  void narrow(const std::vector<narrowing>& narrowings) {
    for (const auto& narrowed : narrowings) {
      const auto found = originals_.find(narrowed.tensor);
      if (found == originals_.end()) continue;
      auto& values = found->second.values;
      replace_contents(values, values.detach().index_select(narrowed.axis, narrowed.kept.to(values.device())));
    }
  }

  /// Takes values of the same shapes, by name.
  void load(const std::map<std::string, at::Tensor>& values) {
    for (auto& [name, one] : originals_) one.values.copy_(values.at(name));
  }

 private:
  struct original {
    at::Tensor held;    ///< the network's
    at::Tensor values;  ///< fp32
  };

  std::shared_ptr<network> net_;
  weight_storage how_;
  std::uint64_t seed_ = 0;
  std::map<std::string, original> originals_;
};

}  // namespace axonzoo
