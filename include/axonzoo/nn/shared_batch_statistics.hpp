#pragma once

#include <functional>
#include <utility>

#include <ATen/core/Tensor.h>

namespace axonzoo {

/// While it lives, batch norms of this thread in training take their statistics over the batches of all ranks, so that ranks
/// which share a batch compute what one rank would. `sum` replaces a tensor of doubles by its sum over the ranks; every rank
/// calls it at the same layers, forward and backward. Hold it during the forward pass; the backward pass keeps a copy.
class shared_batch_statistics {
 public:
  using sum_over_ranks = std::function<void(at::Tensor&)>;

  explicit shared_batch_statistics(sum_over_ranks sum) : outer_(std::exchange(active(), std::move(sum))) {}
  ~shared_batch_statistics() { active() = std::move(outer_); }
  shared_batch_statistics(const shared_batch_statistics&) = delete;
  shared_batch_statistics& operator=(const shared_batch_statistics&) = delete;

  /// Empty where no such object lives.
  static sum_over_ranks& active() {
    thread_local sum_over_ranks sum;
    return sum;
  }

 private:
  sum_over_ranks outer_;
};

}  // namespace axonzoo
