#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <utility>
#include <vector>

#include <axonzoo/core/random.hpp>

namespace axonzoo::detail {

/// A closed outline around a centre: a polygon of corners at equal angles, whose area is exact. um.
struct outline {
  static constexpr std::size_t corners = 64;
  static constexpr double step = 2 * std::numbers::pi / corners;

  double x = 0, y = 0;
  std::array<double, corners> radius{};
  double inner = 0, outer = 0;  ///< circles around the centre that lie inside and outside

  static const std::array<std::pair<double, double>, corners>& directions() {
    static const auto table = [] {
      std::array<std::pair<double, double>, corners> made;
      for (std::size_t i = 0; i < corners; ++i) made[i] = {std::cos(step * static_cast<double>(i)), std::sin(step * static_cast<double>(i))};
      return made;
    }();
    return table;
  }

  void measure() {
    const auto [least, most] = std::minmax_element(radius.begin(), radius.end());
    inner = *least * std::cos(step / 2);
    outer = *most;
  }

  double area() const {
    double sum = 0;
    for (std::size_t i = 0; i < corners; ++i) sum += radius[i] * radius[(i + 1) % corners];
    return sum * std::sin(step) / 2;
  }

  /// Makes it as large as a circle of this diameter.
  void fit(double diameter) {
    const double factor = std::sqrt(std::numbers::pi * diameter * diameter / 4 / area());
    for (auto& one : radius) one *= factor;
    measure();
  }

  std::pair<double, double> corner(std::size_t i, double grown = 0) const {
    const auto& [c, s] = directions()[i];
    return {x + (radius[i] + grown) * c, y + (radius[i] + grown) * s};
  }

  std::pair<double, double> centroid() const {
    double cx = 0, cy = 0, sum = 0;
    for (std::size_t i = 0; i < corners; ++i) {
      const auto [ax, ay] = corner(i);
      const auto [bx, by] = corner((i + 1) % corners);
      const double cross = (ax - x) * (by - y) - (bx - x) * (ay - y);
      cx += (ax + bx - 2 * x) * cross;
      cy += (ay + by - 2 * y) * cross;
      sum += cross;
    }
    return {x + cx / (3 * sum), y + cy / (3 * sum)};
  }

  bool contains(double px, double py) const {
    const double dx = px - x, dy = py - y, squared = dx * dx + dy * dy;
    if (squared < inner * inner) return true;
    if (squared > outer * outer) return false;
    double turn = std::atan2(dy, dx) / step;
    if (turn < 0) turn += corners;
    const auto i = static_cast<std::size_t>(turn) % corners, next = (i + 1) % corners;
    const auto& [ci, si] = directions()[i];
    const auto& [cn, sn] = directions()[next];
    const double ax = radius[i] * ci, ay = radius[i] * si, bx = radius[next] * cn, by = radius[next] * sn;
    return (bx - ax) * (dy - ay) - (by - ay) * (dx - ax) >= 0;
  }
};

/// Whether two outlines come nearer than the gap.
inline bool collide(const outline& a, const outline& b, double gap) {
  const double dx = a.x - b.x, dy = a.y - b.y, squared = dx * dx + dy * dy;
  const double apart = a.outer + b.outer + gap, within = a.inner + b.inner + gap;
  if (squared >= apart * apart) return false;
  if (squared < within * within) return true;
  for (std::size_t i = 0; i < outline::corners; ++i) {
    const auto [ax, ay] = a.corner(i, gap);
    if (b.contains(ax, ay)) return true;
    const auto [bx, by] = b.corner(i, gap);
    if (a.contains(bx, by)) return true;
  }
  return false;
}

/// A smooth irregular outline of mean radius near 1: a circle with low harmonics, the more the lower.
inline outline random_outline(random_stream& random, double irregularity) {
  constexpr std::array<double, 6> amplitude{0.085, 0.04, 0.022, 0.014, 0.009, 0.006};  // of harmonics 2 .. 7
  outline made;
  made.radius.fill(1);
  for (std::size_t k = 0; k < amplitude.size(); ++k) {
    const double size = irregularity * amplitude[k] * std::clamp(random.normal(), -2.0, 2.0);
    const double phase = random.uniform(0, 2 * std::numbers::pi);
    for (std::size_t i = 0; i < outline::corners; ++i)
      made.radius[i] += size * std::cos(static_cast<double>(k + 2) * outline::step * static_cast<double>(i) + phase);
  }
  made.measure();
  return made;
}

/// Calls paint(row, first, last) for the runs of pixels whose centres lie inside, last excluded.
template <class Paint>
void scan(const outline& shape, double pixel_size, std::size_t rows, std::size_t columns, Paint&& paint) {
  const double width = static_cast<double>(columns);
  std::array<std::pair<double, double>, outline::corners> corner;
  double top = 1e300, bottom = -1e300;
  for (std::size_t i = 0; i < outline::corners; ++i) {
    const auto [cx, cy] = shape.corner(i);
    corner[i] = {cx / pixel_size - 0.5, cy / pixel_size - 0.5};
    top = std::min(top, corner[i].second);
    bottom = std::max(bottom, corner[i].second);
  }
  const double first = std::max(0.0, std::ceil(top)), last = std::min(static_cast<double>(rows) - 1, std::floor(bottom));
  std::vector<double> crossings;
  for (double row = first; row <= last; ++row) {
    crossings.clear();
    for (std::size_t i = 0; i < outline::corners; ++i) {
      const auto [ax, ay] = corner[i];
      const auto [bx, by] = corner[(i + 1) % outline::corners];
      if ((ay <= row) != (by <= row)) crossings.push_back(ax + (row - ay) / (by - ay) * (bx - ax));
    }
    std::sort(crossings.begin(), crossings.end());
    for (std::size_t i = 0; i + 1 < crossings.size(); i += 2) {
      const double from = std::clamp(std::ceil(crossings[i]), 0.0, width), to = std::clamp(std::ceil(crossings[i + 1]), 0.0, width);
      if (from < to) paint(static_cast<std::size_t>(row), static_cast<std::size_t>(from), static_cast<std::size_t>(to));
    }
  }
}

}  // namespace axonzoo::detail
