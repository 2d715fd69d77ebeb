#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/full.h>

#include <axonzoo/nn/network.hpp>

namespace axonzoo {

/// What the training loop asks of a parallel strategy. All calls but rank() and world_size() are collective: every rank makes
/// them in the same order.
class communicator {
 public:
  communicator() = default;
  communicator(const communicator&) = delete;
  communicator& operator=(const communicator&) = delete;
  virtual ~communicator() = default;

  [[nodiscard]] virtual int rank() const = 0;
  [[nodiscard]] virtual int world_size() const = 0;

  /// Makes all ranks' parameters and buffers rank 0's, and from now on averages their gradients. Called again whenever the
  /// network's shapes have changed.
  virtual void attach(network& net) = 0;

  /// Lets go of the parameters before their shapes change.
  virtual void detach() = 0;

  /// Before each backward pass from `loss`.
  virtual void before_backward(const at::Tensor& loss) = 0;

  /// After each backward pass, before its gradients are used.
  virtual void after_backward(network&) {}

  /// In force while the network trains on a batch and the result lives: how its layers share their work; null where they do not.
  [[nodiscard]] virtual std::shared_ptr<void> split_layers() { return nullptr; }

  /// Whether each rank has samples of its own in a batch; otherwise all have all of them.
  [[nodiscard]] virtual bool splits_batches() const { return world_size() > 1; }

  /// Seconds of the last backward pass that went by after this rank's own gradients were complete.
  [[nodiscard]] virtual double exposed_seconds() const = 0;

  /// Sums over ranks, in place.
  virtual void sum(at::Tensor& values) = 0;

  /// Whether it is so on any rank.
  [[nodiscard]] bool any(bool here) {
    auto found = at::full({1}, here ? 1.0 : 0.0, at::kDouble);
    sum(found);
    return found.item<double>() > 0;
  }

  /// The contents that rank `root` has, for all, in place.
  virtual void broadcast(at::Tensor& values, int root = 0) = 0;

  /// Of each parameter that takes gradients, in the network's order and of these numbers of elements, the rank that holds the optimiser's state of it; empty where
  /// every rank holds all. Called before `attach`.
  [[nodiscard]] virtual std::vector<int> share_out(const std::vector<std::int64_t>& /*sizes*/) { return {}; }

  /// Whether, while the network is attached, only the rank to which this parameter is shared out has its values between uses.
  [[nodiscard]] virtual bool scatters(const at::Tensor& /*parameter*/) const { return false; }

  /// While the result lives, every rank has the values of all parameters; null where it always has. Not for a step, but for what is between steps.
  [[nodiscard]] virtual std::shared_ptr<void> gather_all() { return nullptr; }
};

/// One rank alone.
class alone : public communicator {
 public:
  [[nodiscard]] int rank() const override { return 0; }
  [[nodiscard]] int world_size() const override { return 1; }
  void attach(network&) override {}
  void detach() override {}
  void before_backward(const at::Tensor&) override {}
  [[nodiscard]] double exposed_seconds() const override { return 0; }
  void sum(at::Tensor&) override {}
  void broadcast(at::Tensor&, int) override {}
};

}  // namespace axonzoo
