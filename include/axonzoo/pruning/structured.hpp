#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/pruning/budget.hpp>
#include <axonzoo/pruning/importance.hpp>
#include <axonzoo/pruning/policy.hpp>
#include <axonzoo/pruning/schedule.hpp>

namespace axonzoo {

/// What all policies that remove channels have in common: how many leave, and when. Channels that must leave together are the network's
/// `channel_groups()`; the network is smaller after, and trains on.
struct structured_pruning : pruning_schedule {
  double across_layers = 0;  ///< 0: each layer keeps that share; 1: the network does, by scores divided by their mean in the layer
  double budget = 0;         ///< what `keep` is a share of, a `pruning_budget`: 0 channels, 1 parameters, 2 multiply-accumulates, 3 measured seconds

  /// Throws `error` where a number is out of its range.
  void check() const {
    pruning_schedule::check();
    if (across_layers != 0 && across_layers != 1) refuse("--across-layers", across_layers, "0 or 1", "give 1 for one budget of the whole network");
    if (!(budget >= 0 && budget <= 3 && budget == std::floor(budget))) refuse("--budget", budget, "channels, parameters, macs or latency", "give one of these");
  }

  template <class Visitor>
  void options(Visitor&& visit) {
    pruning_schedule::options(visit);
    visit("across-layers", across_layers, "1: the whole network keeps that share of its channels; 0: each layer does");
    visit("budget", budget, "what --keep is a share of", {"channels", "parameters", "macs", "latency"});
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
/// `weigh(network&, const calibration&) -> importance`. Where it has `chosen(groups, round) -> std::vector<bool>`, a round removes channels of these groups
/// alone, and, of them, all that are to go. Where it has `distil`, the network is taught by the one it was.
template <class Policy>
class structured_state : public pruner {
 public:
  explicit structured_state(const Policy& policy) : policy_(policy) {}

  [[nodiscard]] bool due(double progress) const override { return policy_.due(progress, rounds_done_); }

  /// All scores are taken before the first channel leaves.
  std::vector<narrowing> prune(network& net, const calibration& data) override {
    const auto weights = policy_.weigh(net, data);
    const auto groups = net.channel_groups();
    if (groups.empty()) throw error("cannot prune channels", "this model says of none that they may leave", "give another pruning policy, or channel_groups()");
    const auto chosen = chosen_of(groups);
    std::vector<at::Tensor> scores;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      if (chosen[i]) scores.push_back(channel_scores(weights, groups[i]));
    }
    const double share = share_of_round();
    ++rounds_done_;
    const auto keep = [&](double of_channels) {
      const auto best = channels_to_keep(scores, of_channels, policy_.across_layers != 0);
      std::vector<at::Tensor> kept;
      for (std::size_t i = 0, next = 0; i < groups.size(); ++i) kept.push_back(chosen[i] ? best[next++] : at::arange(groups[i].channels, at::kLong));
      return kept;
    };
    const auto kept = policy_.budget == 0 ? keep(share) : keep(channel_share(net, data, share, static_cast<pruning_budget>(policy_.budget), keep));
    std::vector<narrowing> done;
    for (std::size_t i = 0; i < kept.size(); ++i) {
      if (!chosen[i]) continue;
      // offsets after a concatenation move with each removal, so groups are asked for anew
      const auto narrowed = keep_channels(net, net.channel_groups()[i], kept[i]);
      done.insert(done.end(), narrowed.begin(), narrowed.end());
    }
    return done;
  }

  [[nodiscard]] bool finished() const override { return policy_.over(rounds_done_); }
  [[nodiscard]] int rounds_done() const override { return rounds_done_; }
  void resume(int rounds_done) override { rounds_done_ = rounds_done; }
  [[nodiscard]] double taught() const override {
    if constexpr (requires { policy_.distil; }) return policy_.distil;
    return 0;
  }

 private:
  static constexpr bool chooses = requires(const Policy& policy, const std::vector<channel_group>& groups) { policy.chosen(groups, 0); };

  [[nodiscard]] std::vector<bool> chosen_of(const std::vector<channel_group>& groups) const {
    if constexpr (chooses) return policy_.chosen(groups, rounds_done_);
    return std::vector<bool>(groups.size(), true);
  }

  /// Of what is there now; of the chosen channels, where channels are what is counted.
  [[nodiscard]] double share_of_round() const {
    if (chooses && policy_.budget == 0) return policy_.keep;
    return policy_.left(rounds_done_ + 1) / policy_.left(rounds_done_);
  }

  Policy policy_;
  int rounds_done_ = 0;
};

}  // namespace axonzoo
