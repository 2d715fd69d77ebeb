#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/ops/zeros.h>

#include <axonzoo/core/concepts.hpp>
#include <axonzoo/core/error.hpp>
#include <axonzoo/fwd.hpp>
#include <axonzoo/pruning/policy.hpp>

namespace axonzoo {

/// Structured magnitude pruning (Li et al. 2017, over groups of coupled channels as in Fang et al. 2023): once, at a share of the
/// training budget, each group keeps the channels of the largest weights; the narrower network trains on.
struct magnitude {
  using axis = axes::pruning;
  static constexpr std::string_view name = "magnitude";

  double keep = 0.5;      ///< share of channels kept in each group, in (0, 1]
  double prune_at = 0.3;  ///< share of the training budget after which channels leave, in [0, 1)
  double norm = 2;        ///< p of sum |w|^p, 1 or 2

  /// Throws `error` where a number is out of its range.
  void check() const {
    if (!(keep > 0 && keep <= 1)) throw error("cannot prune with --keep " + std::to_string(keep), "it is not in (0, 1]", "give a share such as 0.5");
    if (!(prune_at >= 0 && prune_at < 1)) throw error("cannot prune with --prune-at " + std::to_string(prune_at), "it is not in [0, 1)", "give a share such as 0.3");
    if (norm != 1 && norm != 2) throw error("cannot prune with --norm " + std::to_string(norm), "only 1 and 2 are norms here", "give 1 or 2");
  }

  /// Shows each number to a visitor: name on the command line, reference, help.
  template <class Visitor>
  void options(Visitor&& visit) {
    visit("keep", keep, "share of the channels that each layer keeps, in (0, 1]");
    visit("prune-at", prune_at, "share of the training budget after which channels leave, in [0, 1)");
    visit("norm", norm, "p of the score sum |w|^p: 1 or 2");
  }

  class state;
};

/// Score of each channel, [channels]: mean over the group's weights of sum |w_c|^p. Norms' statistics do not count.
inline at::Tensor magnitude_scores(const network& net, const channel_group& group, double p) {
  const auto parameters = net.named_parameters();
  at::Tensor sum = at::zeros({group.channels});
  std::int64_t weights = 0;
  for (const auto& axis : group.axes) {
    const auto* weight = parameters.find(axis.tensor);
    if (weight == nullptr || axis.tensor.ends_with(".bias")) continue;
    const auto channels_first = weight->detach().narrow(axis.axis, axis.offset, group.channels).transpose(0, axis.axis).reshape({group.channels, -1});
    sum += channels_first.abs().pow(p).sum(1).cpu();
    ++weights;
  }
  return sum / static_cast<double>(std::max<std::int64_t>(weights, 1));
}

class magnitude::state : public pruner {
 public:
  explicit state(const magnitude& policy) : policy_(policy) {}

  [[nodiscard]] bool due(double progress) const override { return !finished_ && progress >= policy_.prune_at; }

  /// All scores are taken before the first channel leaves.
  std::vector<narrowing> prune(network& net) override {
    finished_ = true;
    std::vector<at::Tensor> kept;
    for (const auto& group : net.channel_groups()) {
      const auto count = std::max<std::int64_t>(1, std::llround(policy_.keep * static_cast<double>(group.channels)));
      const auto best = magnitude_scores(net, group, policy_.norm).argsort(/*stable=*/true, /*dim=*/0, /*descending=*/true);
      kept.push_back(std::get<0>(best.narrow(0, 0, count).sort()));
    }
    std::vector<narrowing> done;
    for (std::size_t i = 0; i < kept.size(); ++i) {
      // offsets after a concatenation move with each removal, so groups are asked for anew
      const auto narrowed = keep_channels(net, net.channel_groups()[i], kept[i]);
      done.insert(done.end(), narrowed.begin(), narrowed.end());
    }
    return done;
  }

  [[nodiscard]] bool finished() const override { return finished_; }
  void resume(bool finished) override { finished_ = finished; }

 private:
  magnitude policy_;
  bool finished_ = false;
};

}  // namespace axonzoo
