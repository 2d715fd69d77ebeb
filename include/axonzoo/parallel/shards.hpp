#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>

#include <axonzoo/parallel/communicator.hpp>

namespace axonzoo {

/// Parameters shared out among ranks for the optimiser (ZeRO stage 1; Rajbhandari et al. 2020): each rank holds the moments of its own and updates these, and
/// `exchange` gives all ranks the updated values. Where the ranks scatter the parameters too (stage 3), each holds the values of its own alone. Without ranks that
/// share out it does nothing.
class shards {
 public:
  using named_tensors = std::vector<std::pair<std::string, at::Tensor>>;
  using tensor_map = std::map<std::string, at::Tensor>;

  shards() = default;
  shards(const named_tensors& parameters, communicator& ranks) : ranks_(&ranks) {
    std::vector<std::int64_t> sizes;
    for (const auto& [name, parameter] : parameters) sizes.push_back(parameter.numel());
    owners_ = ranks.share_out(sizes);
    if (any()) parameters_ = parameters;
  }

  [[nodiscard]] bool any() const { return !owners_.empty(); }

  /// For the optimiser: whether this rank owns each parameter; empty where none is shared out.
  [[nodiscard]] std::vector<bool> owned() const {
    std::vector<bool> own;
    for (const int owner : owners_) own.push_back(owner == ranks_->rank());
    return own;
  }

  /// A number over all parameters from what each rank finds over its own. Collective.
  [[nodiscard]] double sum(double value) const {
    if (!any()) return value;
    auto total = at::full({1}, value, at::kDouble);
    ranks_->sum(total);
    return total.item<double>();
  }

  /// Gives all ranks the values of each parameter that its owner has, but of those that are scattered. Collective.
  void exchange() {
    for (int owner = 0; any() && owner < ranks_->world_size(); ++owner) {
      std::vector<at::Tensor> own, flat;
      for (std::size_t p = 0; p < owners_.size(); ++p) {
        if (owners_[p] == owner && !scattered(p)) own.push_back(parameters_[p].second.detach());
      }
      if (own.empty()) continue;
      for (const auto& tensor : own) flat.push_back(tensor.reshape({-1}));
      auto values = at::cat(flat);
      ranks_->broadcast(values, owner);
      std::int64_t begin = 0;
      for (auto& tensor : own) {
        if (owner != ranks_->rank()) tensor.copy_(values.narrow(0, begin, tensor.numel()).view(tensor.sizes()));
        begin += tensor.numel();
      }
    }
  }

  /// What this rank holds of the network's tensors, or of others with their names: all but those that are scattered and another's.
  [[nodiscard]] tensor_map held(tensor_map tensors) const {
    for (std::size_t p = 0; p < owners_.size(); ++p) {
      if (scattered(p) && owners_[p] != ranks_->rank()) tensors.erase(parameters_[p].first);
    }
    return tensors;
  }

  /// All such tensors from what each rank holds, on those ranks that want them. Collective.
  [[nodiscard]] tensor_map gather(tensor_map tensors, bool wanted) const {
    for (std::size_t p = 0; p < owners_.size(); ++p) {
      if (scattered(p)) gather_one(p, parameters_[p].first, tensors, wanted);
    }
    return tensors;
  }

  /// The optimiser's whole state from what each rank holds, on those ranks that want it. Collective.
  [[nodiscard]] tensor_map gather(tensor_map state, const std::vector<std::string>& moments, bool wanted) const {
    for (const auto& moment : moments) {
      for (std::size_t p = 0; p < owners_.size(); ++p) gather_one(p, parameters_[p].first + "." + moment, state, wanted);
    }
    return state;
  }

 private:
  [[nodiscard]] bool scattered(std::size_t p) const { return ranks_->scatters(parameters_[p].second); }

  void gather_one(std::size_t p, const std::string& name, tensor_map& from, bool wanted) const {
    auto values = owners_[p] == ranks_->rank() ? from.at(name).detach() : at::empty_like(parameters_[p].second.detach());
    ranks_->broadcast(values, owners_[p]);
    if (wanted) from.insert_or_assign(name, values);
  }

  communicator* ranks_ = nullptr;
  named_tensors parameters_;
  std::vector<int> owners_;
};

}  // namespace axonzoo
