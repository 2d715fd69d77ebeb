#pragma once

#include <string_view>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/empty.h>

#include <axonzoo/pruning/structured.hpp>

namespace axonzoo {

/// Channels leave by lot: what any score must beat.
struct random : structured_pruning {
  static constexpr std::string_view name = "random";

  double lot = 1;  ///< seed of the draw

  template <class Visitor>
  void options(Visitor&& visit) {
    structured_pruning::options(visit);
    visit("lot", lot, "seed of the draw");
  }

  /// Equal on all ranks.
  [[nodiscard]] importance weigh(network& net, const calibration&) const {
    auto generator = at::detail::createCPUGenerator(static_cast<std::uint64_t>(lot));
    importance weights;
    for (const auto& item : net.named_parameters()) weights.emplace(item.key(), at::empty(item.value().sizes()).uniform_(0, 1, generator));
    return weights;
  }

  struct state;
};

struct random::state : structured_state<random> {
  using structured_state::structured_state;
};

}  // namespace axonzoo
