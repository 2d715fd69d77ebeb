#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

#include <axonzoo/pruning/slimming.hpp>

namespace axonzoo {

/// The widths that blocks hand to each other are slimmed first and the widths within blocks second (SlimSAM's embedding and bottleneck, Chen et al. 2023), each with
/// scores of its own moment. After each the network is taught by the one it was before either; SlimSAM's second step also looks at the network after the
/// first, which is not done here. Where a model does not tell its bottlenecks, every other group comes first.
struct alternate_slimming : slimming {
  static constexpr std::string_view name = "alternate_slimming";

  alternate_slimming() { rounds = 2; }

  template <class Visitor>
  void options(Visitor&& visit) {
    common_options(visit);
    visit("prune-at", prune_at, "share of the training budget after which the widths between blocks are slimmed, in [0, 1)");
    visit("prune-until", prune_until, "share after which those within blocks are");
  }

  /// Whether the groups lose channels in that round, 0 or 1.
  [[nodiscard]] static std::vector<bool> chosen(const std::vector<channel_group>& groups, int round) {
    const auto within = std::count_if(groups.begin(), groups.end(), [](const auto& group) { return group.bottleneck; });
    const bool told = within > 0 && within < static_cast<std::ptrdiff_t>(groups.size());
    std::vector<bool> now;
    for (std::size_t i = 0; i < groups.size(); ++i) now.push_back((told ? groups[i].bottleneck : i % 2 == 1) == (round == 1));
    return now;
  }

  struct state;
};

struct alternate_slimming::state : structured_state<alternate_slimming> {
  using structured_state::structured_state;
};

}  // namespace axonzoo
