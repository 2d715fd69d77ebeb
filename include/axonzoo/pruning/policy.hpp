#pragma once

#include <vector>

#include <axonzoo/nn/channels.hpp>
#include <axonzoo/nn/network.hpp>

namespace axonzoo {

/// A pruning policy's state during one run. `pruning_policy::state` has these members; the training loop sees them through this.
class pruner {
 public:
  virtual ~pruner() = default;

  /// Whether channels should leave now; `progress` is the share of the training budget that is spent, 0..1.
  [[nodiscard]] virtual bool due(double progress) const = 0;

  /// Removes channels from the network and says which, for what else is shaped like its parameters.
  virtual std::vector<narrowing> prune(network& net) = 0;

  /// Whether nothing more will leave.
  [[nodiscard]] virtual bool finished() const = 0;

  /// Takes up a run whose pruning had `finished` or not.
  virtual void resume(bool finished) = 0;
};

}  // namespace axonzoo
