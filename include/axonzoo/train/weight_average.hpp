#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/_foreach_lerp.h>
#include <ATen/ops/index_select.h>

#include <axonzoo/nn/channels.hpp>

namespace axonzoo {

/// Moving average of the parameters and buffers of a network that change (Polyak & Juditsky 1992). Young averages forget faster, so that the
/// first weights do not linger.
class weight_average {
 public:
  /// `decay` 0 follows the network itself.
  explicit weight_average(double decay) : decay_(decay) {}

  void start(const std::map<std::string, at::Tensor>& tensors) {
    average_.clear();
    for (const auto& [name, tensor] : tensors) average_.emplace(name, tensor.detach().clone());
    updates_ = 0;
  }

  void update(const std::map<std::string, at::Tensor>& tensors) {
    ++updates_;
    const double decay = std::min(decay_, static_cast<double>(updates_) / static_cast<double>(updates_ + 9));
    std::vector<at::Tensor> averages, now;
    for (const auto& [name, tensor] : tensors) {
      averages.push_back(average_.at(name));
      now.push_back(tensor.detach());
    }
    if (!averages.empty()) at::_foreach_lerp_(averages, now, 1 - decay);
  }

  void narrow(const std::vector<narrowing>& narrowings) {
    for (const auto& one : narrowings) {
      const auto found = average_.find(one.tensor);
      if (found == average_.end()) continue;  // what does not train has no average
      auto& tensor = found->second;
      tensor = at::index_select(tensor, one.axis, one.kept.to(tensor.device()));
      if (tensor.dim() == 4) tensor = tensor.contiguous(at::MemoryFormat::ChannelsLast);
    }
  }

  /// Exchanges the average with the weights themselves: evaluate, then call it again.
  void exchange(const std::map<std::string, at::Tensor>& tensors) {
    for (const auto& [name, tensor] : tensors) {
      auto own = tensor.detach().clone();
      auto live = tensor.detach();
      live.copy_(average_.at(name));
      average_.at(name) = own;
    }
  }

  [[nodiscard]] const std::map<std::string, at::Tensor>& tensors() const { return average_; }
  [[nodiscard]] std::int64_t updates() const { return updates_; }

  void resume(std::map<std::string, at::Tensor> tensors, std::int64_t updates) {
    average_ = std::move(tensors);
    for (auto& [name, tensor] : average_) {
      if (tensor.dim() == 4) tensor = tensor.contiguous(at::MemoryFormat::ChannelsLast);
    }
    updates_ = updates;
  }

 private:
  double decay_;
  std::map<std::string, at::Tensor> average_;
  std::int64_t updates_ = 0;
};

}  // namespace axonzoo
