#pragma once

#include <string_view>
#include <vector>

#include <axonzoo/core/concepts.hpp>
#include <axonzoo/fwd.hpp>
#include <axonzoo/pruning/policy.hpp>

namespace axonzoo {

/// No channel leaves.
struct none {
  using axis = axes::pruning;
  static constexpr std::string_view name = "none";

  class state : public pruner {
   public:
    explicit state(const none&) {}
    [[nodiscard]] bool due(double) const override { return false; }
    std::vector<narrowing> prune(network&, const calibration&) override { return {}; }
    [[nodiscard]] bool finished() const override { return true; }
    [[nodiscard]] int rounds_done() const override { return 0; }
    void resume(int) override {}
  };
};

}  // namespace axonzoo
