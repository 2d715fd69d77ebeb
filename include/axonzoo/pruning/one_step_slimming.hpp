#pragma once

#include <string_view>

#include <axonzoo/pruning/slimming.hpp>

namespace axonzoo {

/// All channels that are to go leave at once, then the network is taught by the one it was.
struct one_step_slimming : slimming {
  static constexpr std::string_view name = "one_step_slimming";

  template <class Visitor>
  void options(Visitor&& visit) {
    common_options(visit);
    visit("prune-at", prune_at, "share of the training budget after which channels leave, in [0, 1)");
  }

  struct state;
};

struct one_step_slimming::state : structured_state<one_step_slimming> {
  using structured_state::structured_state;
};

}  // namespace axonzoo
