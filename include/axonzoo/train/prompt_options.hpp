#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include <axonzoo/core/error.hpp>

namespace axonzoo {

/// What a promptable model needs besides `train_options`.
struct prompt_options {
  std::int64_t boxes = 4;              ///< of a view in a step
  double jitter = 0.1;                 ///< share of a box's side by which each of its sides moves in training, at most 2 % of the view
  int turns = 1;                       ///< flips and quarter turns that views are trained in: so many embeddings of each
  std::int64_t validation_boxes = 64;  ///< of a micrograph at validation
  std::int64_t corrections = 0;        ///< further rounds of a step, each with points where the former answer errs
  bool recompute = false;              ///< activations of an encoder that trains are computed again in the backward pass instead of kept
  double score_weight = 0.1;           ///< of the predicted IoU's squared error in the loss
  std::filesystem::path cache;         ///< folder of embeddings; empty: <out>/embeddings
  double cache_gigabytes = 4;          ///< most that it holds

  /// Throws `error` for a number out of its range.
  void check() const {
    const auto refuse = [](const std::string& option, const std::string& wrong, const std::string& mend) { throw error("cannot train with " + option, wrong, mend); };
    if (boxes < 1 || boxes > 4096) refuse("--boxes " + std::to_string(boxes), "it is not in 1 to 4096", "give a number such as 4");
    if (!(jitter >= 0 && jitter <= 0.4)) refuse("--jitter " + std::to_string(jitter), "it is not in [0, 0.4]", "give a share such as 0.1");
    if (turns != 1 && turns != 2 && turns != 4 && turns != 8) refuse("--turned-views " + std::to_string(turns), "it is not 1, 2, 4 or 8", "give one of these");
    if (validation_boxes < 1) refuse("--validation-boxes " + std::to_string(validation_boxes), "it is below 1", "give a number such as 64");
    if (corrections < 0 || corrections > 64) refuse("--corrections " + std::to_string(corrections), "it is not in 0 to 64", "give a number of rounds such as 3");
    if (!(score_weight > 0 && score_weight <= 100)) refuse("--score-weight " + std::to_string(score_weight), "it is not in (0, 100]", "give a weight such as 0.1");
    if (!(cache_gigabytes >= 0 && cache_gigabytes <= 1e6)) refuse("--cache-gigabytes " + std::to_string(cache_gigabytes), "it is not a size", "give a size such as 4");
  }
};

}  // namespace axonzoo
