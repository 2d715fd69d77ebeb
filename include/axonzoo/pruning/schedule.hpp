#pragma once

#include <cmath>
#include <string>

#include <axonzoo/core/concepts.hpp>
#include <axonzoo/core/error.hpp>
#include <axonzoo/fwd.hpp>

namespace axonzoo {

/// When and how much is pruned, for every policy that does: at once, in rounds of the same factor with training between (iterative), or in rounds
/// that take much at first and ever less (gradual; Zhu & Gupta 2018).
struct pruning_schedule {
  using axis = axes::pruning;

  double keep = 0.5;         ///< share kept in the end, in (0, 1]
  double prune_at = 0.3;     ///< share of the training budget after which the first round comes, in [0, 1)
  double prune_until = 0.6;  ///< and the last, where there are several
  double rounds = 1;         ///< 1: all at once
  double gradual = 0;        ///< 0: every round keeps the same share of what is there; 1: the pruned share rises as 1 - (1 - t)^3

  /// Throws `error` where a number is out of its range.
  void check() const {
    if (!(keep > 0 && keep <= 1)) refuse("--keep", keep, "in (0, 1]", "give a share such as 0.5");
    if (!(prune_at >= 0 && prune_at < 1)) refuse("--prune-at", prune_at, "in [0, 1)", "give a share such as 0.3");
    if (!(rounds >= 1 && rounds <= 100 && rounds == std::floor(rounds))) refuse("--rounds", rounds, "a whole number from 1 to 100", "give 1 to prune once");
    if (!(prune_until < 1 && (rounds == 1 || prune_until >= prune_at))) refuse("--prune-until", prune_until, "from --prune-at to 1", "give a share such as 0.6");
    if (gradual != 0 && gradual != 1) refuse("--gradual", gradual, "0 or 1", "give 1 for rounds that take ever less");
  }

  /// Shows each number to a visitor: name on the command line, reference, help, and the words that stand for 0, 1, ... where there are such.
  template <class Visitor>
  void options(Visitor&& visit) {
    visit("keep", keep, "share that is kept, in (0, 1]");
    visit("prune-at", prune_at, "share of the training budget after which pruning begins, in [0, 1)");
    visit("prune-until", prune_until, "share after which the last round comes, where --rounds is above 1");
    visit("rounds", rounds, "in how many rounds");
    visit("gradual", gradual, "0: each round keeps the same share of what is there; 1: the first rounds take most");
  }

  /// Whether round `done` (from 0) is due at this share of the training budget.
  [[nodiscard]] bool due(double progress, int done) const {
    const double spread = rounds > 1 ? (prune_until - prune_at) / (rounds - 1) : 0;
    return !over(done) && progress >= prune_at + spread * done;
  }

  [[nodiscard]] bool over(int done) const { return done >= static_cast<int>(rounds); }

  /// Share of the whole that is left after `done` rounds.
  [[nodiscard]] double left(int done) const {
    const double t = done / rounds;
    return gradual != 0 ? keep + (1 - keep) * std::pow(1 - t, 3) : std::pow(keep, t);
  }

 protected:
  [[noreturn]] static void refuse(const std::string& option, double value, const std::string& range, const std::string& mend) {
    throw error("cannot prune with " + option + " " + std::to_string(value), "it is not " + range, mend);
  }
};

}  // namespace axonzoo
