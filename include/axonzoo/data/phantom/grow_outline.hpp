#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <utility>
#include <vector>

#include <axonzoo/core/random.hpp>
#include <axonzoo/data/phantom/packing.hpp>
#include <axonzoo/data/phantom/star_outline.hpp>

namespace axonzoo {

/// Smooth closed curves: 1 + sum of cosines of the orders `lowest`.. with random phases, at each of n angles, at least 0.4.
inline std::vector<double> wobble(std::size_t n, int lowest, int highest, double amplitude, random_stream& stream) {
  std::vector<double> factor(n, 1.0);
  for (int order = lowest; order <= highest; ++order) {
    const double size = amplitude * stream.normal() / (order - lowest + 1), phase = stream.uniform(0, 2 * std::numbers::pi);
    for (std::size_t k = 0; k < n; ++k) {
      factor[k] += size * std::cos(order * 2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(n) + phase);
    }
  }
  for (auto& f : factor) f = std::max(f, 0.4);
  return factor;
}

/// The part of the plane that belongs to one disc of a packing: its cell in the power diagram (the points whose power distance
/// d^2 - r^2 to this disc is the least), made smaller by half of the gap on each side and cut at `reach` radii. Cells are convex
/// and disjoint, so polygons with vertices within them never overlap, even where discs still do.
class power_cell {
 public:
  static constexpr double reach = 1.8;

  power_cell(double radius, std::size_t vertices) : radius_(radius), limit_(vertices, reach * radius) {}

  /// Leaves to a disc at (dx, dy) what is its own.
  void cut(double dx, double dy, double other_radius, double gap) {
    const double distance = std::hypot(dx, dy);
    if (distance < 1e-9) {
      limit_.assign(limit_.size(), 0);
      return;
    }
    const double near = (distance * distance + radius_ * radius_ - other_radius * other_radius) / (2 * distance) - gap / 2;
    if (near >= reach * radius_) return;
    const double step = 2 * std::numbers::pi / static_cast<double>(limit_.size()), cos_step = std::cos(step),
                 sin_step = std::sin(step);
    double cosine = dx / distance, sine = -dy / distance;  // of the angle from the other disc's direction, turned step by step
    for (auto& limit : limit_) {
      if (cosine > 1e-6)
        limit = std::min(limit, near / cosine);
      else if (near <= 0)
        limit = 0;
      const double turned = cosine * cos_step - sine * sin_step;
      sine = sine * cos_step + cosine * sin_step;
      cosine = turned;
    }
  }

  /// Rounds the corners off, staying within: the least over five neighbours, then their mean (each of them looked at this
  /// vertex).
  void smooth() {
    const std::size_t n = limit_.size(), last = n - 1;
    const auto pass = [&](auto&& combine) {
      std::vector<double> made(n);
      for (std::size_t k = 0; k < n; ++k) {
        made[k] =
            combine(limit_[(k + last - 1) % n], limit_[(k + last) % n], limit_[k], limit_[(k + 1) % n], limit_[(k + 2) % n]);
      }
      limit_ = std::move(made);
    };
    pass([](auto... r) { return std::min({r...}); });
    pass([](auto... r) { return (r + ...) / 5; });
  }

  /// Whether enough is left around the centre for a profile.
  [[nodiscard]] bool alive() const { return *std::min_element(limit_.begin(), limit_.end()) > 0.15 * radius_; }

  [[nodiscard]] const std::vector<double>& limit() const { return limit_; }

 private:
  double radius_;
  std::vector<double> limit_;
};

/// A profile of the wanted area within a cell, shaped like `shape` where there is room and like the cell where there is none;
/// smaller than wanted only where the cell is.
inline std::vector<float> fill_cell(const power_cell& cell, const std::vector<double>& shape, double radius, double wanted_area) {
  const std::size_t n = shape.size();
  star_outline made;
  made.radii.resize(n);
  const auto grow = [&](double size) {
    for (std::size_t k = 0; k < n; ++k) {
      // A soft minimum (p-norm, p = 8), below both.
      const double a = size * shape[k] * radius, b = cell.limit()[k], ratio = std::min(a, b) / std::max(a, b);
      const double squared = ratio * ratio, fourth = squared * squared;
      made.radii[k] = static_cast<float>(std::min(a, b) / std::sqrt(std::sqrt(std::sqrt(1 + fourth * fourth))));
    }
    return made.area();
  };
  double low = 0.2, high = 2.5;
  if (grow(high) <= wanted_area) return made.radii;
  for (int i = 0; i < 22; ++i) {
    const double middle = (low + high) / 2;
    (grow(middle) < wanted_area ? low : high) = middle;
  }
  grow(low);
  return made.radii;
}

/// The axon within a fibre: the outline less a sheath of nearly even thickness (`evenness` is about 1 at each angle), such that
/// the ratio of areas is g_ratio^2.
inline std::vector<float> shrink_outline(const star_outline& fibre, const std::vector<double>& evenness, double g_ratio) {
  const double wanted = g_ratio * g_ratio * fibre.area();
  star_outline made{fibre.x, fibre.y, fibre.radii};
  const auto shrink = [&](double thickness) {
    for (std::size_t k = 0; k < made.radii.size(); ++k) {
      const double outer = fibre.radii[k];
      made.radii[k] = static_cast<float>(std::max(outer - thickness * evenness[k], 0.2 * outer));
    }
    return made.area();
  };
  double low = 0, high = 2.5 * fibre.reach();
  for (int i = 0; i < 28; ++i) {
    const double middle = (low + high) / 2;
    (shrink(middle) > wanted ? low : high) = middle;
  }
  shrink(high);
  return made.radii;
}

}  // namespace axonzoo
