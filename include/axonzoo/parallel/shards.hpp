#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty_like.h>

#include <axonzoo/parallel/communicator.hpp>

namespace axonzoo {

/// Who owns which of n parameters: whole tensors, the largest first to the rank that has least (Graham 1969), the same on all ranks.
inline std::vector<int> owners_of(const std::vector<std::int64_t>& sizes, int ranks) {
  std::vector<std::size_t> order(sizes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return sizes[a] > sizes[b]; });
  std::vector<std::int64_t> held(static_cast<std::size_t>(ranks), 0);
  std::vector<int> owners(sizes.size());
  for (const auto parameter : order) {
    const auto least = std::min_element(held.begin(), held.end());
    *least += sizes[parameter];
    owners[parameter] = static_cast<int>(least - held.begin());
  }
  return owners;
}

/// Parameters shared out among ranks for the optimiser (ZeRO stage 1; Rajbhandari et al. 2020): each rank holds the moments of its own and updates these, and
/// `exchange` gives all ranks the updated values. Without ranks that shard it does nothing.
class shards {
 public:
  using named_tensors = std::vector<std::pair<std::string, at::Tensor>>;

  shards() = default;
  shards(const named_tensors& parameters, communicator& ranks) : ranks_(&ranks) {
    if (!ranks.shards_optimizer()) return;
    std::vector<std::int64_t> sizes;
    for (const auto& [name, parameter] : parameters) sizes.push_back(parameter.numel());
    owners_ = owners_of(sizes, ranks.world_size());
    parameters_ = parameters;
  }

  [[nodiscard]] bool any() const { return !owners_.empty(); }

  /// For the optimiser: whether this rank owns each parameter; empty where none is shared out.
  [[nodiscard]] std::vector<bool> owned() const {
    std::vector<bool> own;
    for (const int owner : owners_) own.push_back(owner == ranks_->rank());
    return own;
  }

  /// Gives all ranks the values of each parameter that its owner has. Collective.
  void exchange() {
    for (int owner = 0; any() && owner < ranks_->world_size(); ++owner) {
      std::vector<at::Tensor> own, flat;
      for (std::size_t p = 0; p < owners_.size(); ++p) {
        if (owners_[p] == owner) own.push_back(parameters_[p].second.detach());
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

  /// The optimiser's whole state, on every rank, from what each holds. Collective.
  [[nodiscard]] std::map<std::string, at::Tensor> gather(std::map<std::string, at::Tensor> state, const std::vector<std::string>& moments) const {
    for (const auto& moment : moments) {
      for (std::size_t p = 0; p < owners_.size(); ++p) {
        const auto name = parameters_[p].first + "." + moment;
        auto values = owners_[p] == ranks_->rank() ? state.at(name) : at::empty_like(parameters_[p].second.detach());
        ranks_->broadcast(values, owners_[p]);
        state.insert_or_assign(name, values);
      }
    }
    return state;
  }

 private:
  communicator* ranks_ = nullptr;
  named_tensors parameters_;
  std::vector<int> owners_;
};

}  // namespace axonzoo
