#pragma once

#include <cstdint>
#include <functional>

#include <ATen/core/Tensor.h>

namespace axonzoo {

/// What a pruning policy may learn from before it chooses: batches of training patches, this rank's part of them.
struct calibration {
  struct batch {
    at::Tensor images;              ///< [N, C, H, W]
    at::Tensor labels;              ///< [N, H, W] uint8, or whatever `loss` takes: a row an image
    std::int64_t first_sample = 0;  ///< number of the first image in the calibration set of all ranks
  };

  /// Visits this rank's part of the first `count` batches, the same ones at each call.
  std::function<void(std::int64_t count, const std::function<void(const batch&)>& visit)> each_batch;

  /// The training loss of what the network gives, logits [N, K, H, W] or embeddings; a mean over images.
  std::function<at::Tensor(const at::Tensor& logits, const at::Tensor& labels)> loss;

  /// Sums a tensor over all ranks, in place.
  std::function<void(at::Tensor&)> sum;

  int world_size = 1;

  double loss_scale = 1;  ///< what a loss is multiplied with so that its gradients are numbers of the run's precision
};

}  // namespace axonzoo
