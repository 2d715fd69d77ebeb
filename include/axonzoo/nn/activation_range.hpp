#pragma once

#include <algorithm>
#include <cmath>

namespace axonzoo {

/// How the numbers of one tensor become 8 bits: round(x / scale), cut to [lowest, lowest + 255]. 0 stays 0, so that padding does (Jacob et al. 2018).
struct activation_range {
  float scale = 1;
  int lowest = -128;

  [[nodiscard]] int highest() const { return lowest + 255; }

  /// The finest that reaches from `low` to `high`, both widened to include 0.
  static activation_range reaching(double low, double high) {
    low = std::min(low, 0.0);
    high = std::max(high, 0.0);
    if (!(high - low > 0)) return {};
    const double scale = (high - low) / 255;
    return {static_cast<float>(scale), static_cast<int>(std::lround(low / scale))};
  }
};

}  // namespace axonzoo
