#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <vector>

#include <ATen/ops/cat.h>

#include <axonzoo/pruning/masks.hpp>
#include <axonzoo/pruning/schedule.hpp>

namespace axonzoo {

/// The smallest weights become zero and stay so, wherever they are (Han et al. 2015). The network keeps its shapes: this shows what it can do without,
/// and makes it faster only on machines that skip zeros.
struct unstructured : pruning_schedule {
  static constexpr std::string_view name = "unstructured";

  double across_layers = 0;  ///< 0: each layer keeps that share of its weights; 1: the network does, by one threshold

  void check() const {
    pruning_schedule::check();
    if (across_layers != 0 && across_layers != 1) refuse("--across-layers", across_layers, "0 or 1", "give 1 for one budget of the whole network");
  }

  template <class Visitor>
  void options(Visitor&& visit) {
    pruning_schedule::options(visit);
    visit("across-layers", across_layers, "1: one threshold for the whole network; 0: each layer keeps that share of its weights");
  }

  /// Of each tensor the largest weight stays, so that no layer falls silent.
  [[nodiscard]] weight_masks masks(const network& net, double share) const {
    weight_masks made;
    const auto weights = maskable_weights(net);
    double threshold = -1;
    if (across_layers != 0) {
      std::vector<at::Tensor> all;
      for (const auto& [name, weight] : weights) all.push_back(weight.abs().reshape({-1}).cpu());
      if (!all.empty()) threshold = threshold_of(at::cat(all), share);
    }
    for (const auto& [name, weight] : weights) {
      const auto size = weight.abs();
      const double limit = across_layers != 0 ? threshold : threshold_of(size.reshape({-1}), share);
      made.emplace(name, size.le(limit).logical_and_(size.lt(size.max())));
    }
    return made;
  }

  struct state;

 private:
  /// The size of the largest weight that goes; below 0 where none does.
  static double threshold_of(const at::Tensor& sizes, double share) {
    const auto gone = sizes.numel() - std::max<std::int64_t>(1, std::llround(share * static_cast<double>(sizes.numel())));
    return gone == 0 ? -1 : std::get<0>(sizes.cpu().kthvalue(gone)).item<double>();  // a GPU's is refused, as its place is not always the same
  }
};

struct unstructured::state : masked_state<unstructured> {
  using masked_state::masked_state;
};

}  // namespace axonzoo
