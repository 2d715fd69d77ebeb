#pragma once

#include <map>
#include <string>
#include <vector>

#include <axonzoo/nn/calibration.hpp>
#include <axonzoo/nn/channels.hpp>
#include <axonzoo/nn/network.hpp>

namespace axonzoo {

/// A pruning policy's state during one run. `pruning_policy::state` has these members; the training loop sees them through this.
class pruner {
 public:
  virtual ~pruner() = default;

  /// Whether channels should leave now; `progress` is the share of the training budget that is spent, 0..1.
  [[nodiscard]] virtual bool due(double progress) const = 0;

  /// Removes channels from the network and says which, for what else is shaped like its parameters. All ranks remove the same.
  virtual std::vector<narrowing> prune(network& net, const calibration& data) = 0;

  /// Whether nothing more will leave.
  [[nodiscard]] virtual bool finished() const = 0;

  /// How often channels left; `resume` takes up a run where that was so.
  [[nodiscard]] virtual int rounds_done() const = 0;
  virtual void resume(int rounds_done) = 0;

  /// Share of the loss that, once channels have left, the network as it was before the first of them gives; the rest is the labels'.
  [[nodiscard]] virtual double taught() const { return 0; }

  /// After each step of the optimiser: what was pruned in place is zero again in `tensors`, some or all of the network's, or others of their names and shapes.
  virtual void hold(const std::map<std::string, at::Tensor>& /*tensors*/) const {}

  /// What a resumed run must know besides `rounds_done`, and takes back.
  [[nodiscard]] virtual std::map<std::string, at::Tensor> tensors() const { return {}; }
  virtual void resume_tensors(std::map<std::string, at::Tensor> /*tensors*/, const network& /*net*/) {}
};

}  // namespace axonzoo
