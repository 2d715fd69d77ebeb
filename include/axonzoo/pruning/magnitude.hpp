#pragma once

#include <string>
#include <string_view>

#include <axonzoo/pruning/structured.hpp>

namespace axonzoo {

/// The channels with the smallest weights leave (Li et al. 2017, over groups of coupled channels as in Fang et al. 2023).
struct magnitude : structured_pruning {
  static constexpr std::string_view name = "magnitude";

  double norm = 2;  ///< p of sum |w|^p, 1 or 2

  void check() const {
    structured_pruning::check();
    if (norm != 1 && norm != 2) throw error("cannot prune with --norm " + std::to_string(norm), "only 1 and 2 are norms here", "give 1 or 2");
  }

  template <class Visitor>
  void options(Visitor&& visit) {
    structured_pruning::options(visit);
    visit("norm", norm, "p of the score sum |w|^p: 1 or 2");
  }

  [[nodiscard]] importance weigh(network& net, const calibration&) const {
    importance weights;
    for (const auto& item : net.named_parameters()) weights.emplace(item.key(), item.value().detach().abs().pow(norm));
    return weights;
  }

  struct state;
};

struct magnitude::state : structured_state<magnitude> {
  using structured_state::structured_state;
};

}  // namespace axonzoo
