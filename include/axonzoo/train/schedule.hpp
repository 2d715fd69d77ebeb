#pragma once

#include <cmath>
#include <numbers>
#include <string>

namespace axonzoo {

/// Learning rate at a share of the budget: rises linearly over `warm_up`, then falls to 0 by a half cosine (Loshchilov &
/// Hutter 2017) or as (1 - p)^0.9 (nnU-Net's poly).
inline double scheduled_rate(const std::string& schedule, double peak, double progress, double warm_up) {
  if (progress < warm_up) return peak * (0.05 + 0.95 * progress / warm_up);
  const double p = warm_up < 1 ? std::fmin(1.0, (progress - warm_up) / (1 - warm_up)) : 1.0;
  return schedule == "poly" ? peak * std::pow(1 - p, 0.9) : peak * 0.5 * (1 + std::cos(std::numbers::pi * p));
}

}  // namespace axonzoo
