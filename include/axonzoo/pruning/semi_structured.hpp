#pragma once

#include <cstdint>
#include <string_view>

#include <ATen/ops/zeros_like.h>

#include <axonzoo/pruning/masks.hpp>
#include <axonzoo/pruning/schedule.hpp>

namespace axonzoo {

/// Of every four weights next to each other along the input channels, the two smaller become zero and stay so (2:4; Mishra et al. 2021): the pattern that
/// sparse tensor cores compute at twice the rate. Channels beyond the last whole four stay, so a first layer of one channel does too.
struct semi_structured {
  using axis = axes::pruning;
  static constexpr std::string_view name = "semi_structured";

  double prune_at = 0.3;  ///< share of the training budget after which it happens, in [0, 1)

  void check() const { when().check(); }

  template <class Visitor>
  void options(Visitor&& visit) {
    visit("prune-at", prune_at, "share of the training budget after which weights are zeroed, in [0, 1)");
  }

  [[nodiscard]] bool due(double progress, int done) const { return when().due(progress, done); }
  [[nodiscard]] bool over(int done) const { return when().over(done); }
  [[nodiscard]] double left(int) const { return 0.5; }

  [[nodiscard]] weight_masks masks(const network& net, double) const {
    weight_masks made;
    for (const auto& [name, weight] : maskable_weights(net)) {
      const auto axis = input_axis(net, name);
      const auto fours = weight.size(axis) / 4;
      auto mask = at::zeros_like(weight, weight.options().dtype(at::kBool));
      if (fours > 0) {
        const auto last = weight.narrow(axis, 0, 4 * fours).movedim(axis, -1);
        const auto sizes = last.abs().reshape({-1, 4});
        // a stable order, so that ranks and devices break ties alike
        const auto smaller = sizes.argsort(/*stable=*/true, /*dim=*/1, /*descending=*/true).narrow(1, 2, 2);
        const auto gone = at::zeros_like(sizes, sizes.options().dtype(at::kBool)).scatter(1, smaller, true);
        mask.narrow(axis, 0, 4 * fours).copy_(gone.reshape(last.sizes()).movedim(-1, axis));
      }
      made.emplace(name, mask);
    }
    return made;
  }

  struct state;

 private:
  [[nodiscard]] pruning_schedule when() const {
    pruning_schedule once;
    once.prune_at = prune_at;
    return once;
  }
};

struct semi_structured::state : masked_state<semi_structured> {
  using masked_state::masked_state;
};

}  // namespace axonzoo
