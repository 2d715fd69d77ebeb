#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <ATen/ops/cat.h>

#include <axonzoo/core/concepts.hpp>
#include <axonzoo/core/error.hpp>
#include <axonzoo/fwd.hpp>
#include <axonzoo/pruning/importance.hpp>
#include <axonzoo/pruning/policy.hpp>

namespace axonzoo {

/// What all policies that remove channels have in common: how many leave, and when. Channels that must leave together are the network's
/// `channel_groups()`; the network is smaller after, and trains on.
struct structured_pruning {
  using axis = axes::pruning;

  double keep = 0.5;         ///< share of channels kept in the end, in (0, 1]
  double prune_at = 0.3;     ///< share of the training budget after which the first channels leave, in [0, 1)
  double prune_until = 0.6;  ///< and the last, where there are several rounds
  double rounds = 1;         ///< 1: all at once; more: in so many steps of the same factor
  double across_layers = 0;  ///< 0: each layer keeps that share; 1: the network does, by scores divided by their mean in the layer

  /// Throws `error` where a number is out of its range.
  void check() const {
    const auto refuse = [](const std::string& what, double value, const std::string& range, const std::string& mend) {
      throw error("cannot prune with " + what + " " + std::to_string(value), "it is not " + range, mend);
    };
    if (!(keep > 0 && keep <= 1)) refuse("--keep", keep, "in (0, 1]", "give a share such as 0.5");
    if (!(prune_at >= 0 && prune_at < 1)) refuse("--prune-at", prune_at, "in [0, 1)", "give a share such as 0.3");
    if (!(rounds >= 1 && rounds <= 100 && rounds == std::floor(rounds))) refuse("--rounds", rounds, "a whole number from 1 to 100", "give 1 to prune once");
    if (!(prune_until < 1 && (rounds == 1 || prune_until >= prune_at))) refuse("--prune-until", prune_until, "from --prune-at to 1", "give a share such as 0.6");
    if (across_layers != 0 && across_layers != 1) refuse("--across-layers", across_layers, "0 or 1", "give 1 for one budget of the whole network");
  }

  /// Shows each number to a visitor: name on the command line, reference, help.
  template <class Visitor>
  void options(Visitor&& visit) {
    visit("keep", keep, "share of the channels that is kept, in (0, 1]");
    visit("prune-at", prune_at, "share of the training budget after which channels leave, in [0, 1)");
    visit("prune-until", prune_until, "share after which the last leave, where --rounds is above 1");
    visit("rounds", rounds, "in how many steps channels leave");
    visit("across-layers", across_layers, "1: the whole network keeps that share of its channels; 0: each layer does");
  }

  /// Adds the check of the number of calibration batches, for policies that have one.
  static void check_batches(double batches) {
    if (!(batches >= 1 && batches <= 1e6 && batches == std::floor(batches))) {
      throw error("cannot prune with --calibration " + std::to_string(batches), "it is not a number of batches", "give a number such as 8");
    }
  }
};

/// Ascending indices of the channels that stay, for each group. `share` is of the channels of now. With `across_layers` one threshold holds for all groups;
/// each keeps one channel at least.
inline std::vector<at::Tensor> channels_to_keep(const std::vector<at::Tensor>& scores, double share, bool across_layers) {
  double threshold = 0;
  std::vector<at::Tensor> comparable = scores;
  if (across_layers) {
    for (auto& score : comparable) score = score / score.mean().clamp_min(1e-300);
    const auto all = std::get<0>(at::cat(comparable).sort(/*dim=*/0, /*descending=*/true));
    const auto count = std::clamp<std::int64_t>(std::llround(share * static_cast<double>(all.size(0))), 1, all.size(0));
    threshold = all[count - 1].item<double>();
  }
  std::vector<at::Tensor> kept;
  for (const auto& score : comparable) {
    const auto own = across_layers ? score.ge(threshold).sum().item<std::int64_t>() : std::llround(share * static_cast<double>(score.size(0)));
    const auto best = score.argsort(/*stable=*/true, /*dim=*/0, /*descending=*/true);
    kept.push_back(std::get<0>(best.narrow(0, 0, std::max<std::int64_t>(1, own)).sort()));
  }
  return kept;
}

/// The state of every policy that removes channels. `Policy` has the numbers of `structured_pruning` and
/// `weigh(network&, const calibration&) -> importance`.
template <class Policy>
class structured_state : public pruner {
 public:
  explicit structured_state(const Policy& policy) : policy_(policy) {}

  [[nodiscard]] bool due(double progress) const override {
    if (finished()) return false;
    const double spread = policy_.rounds > 1 ? (policy_.prune_until - policy_.prune_at) / (policy_.rounds - 1) : 0;
    return progress >= policy_.prune_at + spread * rounds_done_;
  }

  /// All scores are taken before the first channel leaves.
  std::vector<narrowing> prune(network& net, const calibration& data) override {
    const auto weights = policy_.weigh(net, data);
    std::vector<at::Tensor> scores;
    for (const auto& group : net.channel_groups()) scores.push_back(channel_scores(weights, group));
    ++rounds_done_;
    const auto kept = channels_to_keep(scores, std::pow(policy_.keep, 1 / policy_.rounds), policy_.across_layers != 0);
    std::vector<narrowing> done;
    for (std::size_t i = 0; i < kept.size(); ++i) {
      // offsets after a concatenation move with each removal, so groups are asked for anew
      const auto narrowed = keep_channels(net, net.channel_groups()[i], kept[i]);
      done.insert(done.end(), narrowed.begin(), narrowed.end());
    }
    return done;
  }

  [[nodiscard]] bool finished() const override { return rounds_done_ >= static_cast<int>(policy_.rounds); }
  [[nodiscard]] int rounds_done() const override { return rounds_done_; }
  void resume(int rounds_done) override { rounds_done_ = rounds_done; }

 private:
  Policy policy_;
  int rounds_done_ = 0;
};

}  // namespace axonzoo
