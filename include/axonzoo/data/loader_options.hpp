#pragma once

#include <cstdint>
#include <string>

#include <axonzoo/core/error.hpp>
#include <axonzoo/data/augmentation.hpp>

namespace axonzoo {

/// How training batches are made.
struct loader_options {
  std::int64_t batch = 4;  ///< patches in a step, over all ranks
  std::int64_t patch = 256;
  int workers = 1;  ///< threads; 0 works in the thread that calls next()
  std::uint64_t seed = 0;
  int rank = 0;
  int world_size = 1;
  double foreground_share = 1. / 3;
  augmentation augment;
  std::int64_t first_step = 0;  ///< where a resumed training goes on

  /// Throws `error` for what makes no sense.
  void check() const {
    const auto refuse = [](const std::string& wrong, const std::string& mend) {
      throw error("starting the loader", wrong, mend);
    };
    if (patch < 1) refuse("a patch of " + std::to_string(patch) + " pixels", "give a positive size");
    if (workers < 0) refuse(std::to_string(workers) + " workers", "give 0 or more");
    if (rank < 0 || rank >= world_size)
      refuse("rank " + std::to_string(rank) + " of " + std::to_string(world_size), "number ranks from 0");
    if (batch < world_size) {
      refuse("a batch of " + std::to_string(batch) + " for " + std::to_string(world_size) + " ranks leaves some without a patch",
             "give at least one patch a rank");
    }
    if (!(foreground_share >= 0 && foreground_share <= 1)) refuse("a foreground share outside 0 to 1", "give one within");
    augment.check();
  }
};

}  // namespace axonzoo
