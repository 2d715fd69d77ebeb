#pragma once

#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include <axonzoo/core/random.hpp>

namespace axonzoo {

/// Which of n members each sample of an endless training takes: pass after pass over all, shuffled anew for each pass. A pure
/// function of (seed, n, sample); an object only remembers the last pass, and belongs to one thread.
class sample_order {
 public:
  sample_order() = default;
  sample_order(std::uint64_t seed, std::size_t members) : seed_(seed), order_(members) { shuffle(0); }

  /// Index below `members`.
  [[nodiscard]] std::size_t at(std::uint64_t sample) {
    const std::uint64_t pass = sample / order_.size();
    if (pass != pass_) shuffle(pass);
    return order_[sample % order_.size()];
  }

 private:
  void shuffle(std::uint64_t pass) {
    pass_ = pass;
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    random_stream stream(seed_, pass, 0, 2);
    for (std::size_t i = order_.size(); i > 1; --i)
      std::swap(order_[i - 1], order_[static_cast<std::size_t>(stream.below(static_cast<std::int64_t>(i)))]);
  }

  std::uint64_t seed_ = 0, pass_ = 0;
  std::vector<std::size_t> order_;
};

}  // namespace axonzoo
