#pragma once

#include <string>

#include <axonzoo/pruning/disturbed_taylor.hpp>
#include <axonzoo/pruning/structured.hpp>

namespace axonzoo {

/// What SlimSAM's two ways of slimming have in common (Chen et al. 2023): channels are scored without labels, by disturbed Taylor, and the narrower network
/// then learns what the whole one answered. With `distil` 1 it learns from nothing else, and no label is needed.
struct slimming : structured_pruning {
  double batches = 8;   ///< of the calibration set, over all ranks
  double distil = 0.5;  ///< share of the loss after pruning that the unpruned network gives, in [0, 1]

  /// Throws `error` where a number is out of its range.
  void check() const {
    structured_pruning::check();
    check_batches(batches);
    if (!(distil >= 0 && distil <= 1)) refuse("--distil", distil, "in [0, 1]", "give a share such as 0.5");
  }

  [[nodiscard]] importance weigh(network& net, const calibration& data) const {
    disturbed_taylor scores;
    scores.batches = batches;
    return scores.weigh(net, data);
  }

 protected:
  /// The numbers but those of rounds, which each way of slimming fixes.
  template <class Visitor>
  void common_options(Visitor&& visit) {
    visit("keep", keep, "share that is kept, in (0, 1]");
    visit("across-layers", across_layers, "1: one threshold for all layers that are slimmed together; 0: each keeps that share");
    visit("budget", budget, "what --keep is a share of", {"channels", "parameters", "macs", "latency"});
    visit("calibration", batches, "batches of training patches that scores are computed from");
    visit("distil", distil, "share of the loss after pruning that the unpruned network gives; 1: no label is looked at");
  }
};

}  // namespace axonzoo
