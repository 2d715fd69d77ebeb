#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include <axonzoo/core/random.hpp>

namespace axonzoo {

/// A disc of a packing, in um. `kind` is the caller's.
struct disc {
  double x, y, radius;
  int kind;
};

/// A rectangle whose opposite sides meet.
struct periodic_box {
  double width, height;

  /// Shortest step along an axis of that length between points that are not farther out than half of it.
  static double shortest(double step, double length) {
    return step > length / 2 ? step - length : (step < -length / 2 ? step + length : step);
  }
};

/// Two discs and how the second lies to the first.
struct disc_pair {
  std::uint32_t larger, smaller;
};

/// All pairs whose centres are nearer than larger * the larger radius + smaller * the smaller one, larger >= smaller. Each disc
/// looks for smaller ones only, so that the work follows the area of the discs, whatever their sizes. The longest of these
/// distances may be half of the box.
inline std::vector<disc_pair> near_pairs(const std::vector<disc>& discs, const periodic_box& box, double larger, double smaller) {
  const double side = std::sqrt(2 * box.width * box.height / static_cast<double>(std::max<std::size_t>(discs.size(), 1)));
  const auto columns = std::max<std::int64_t>(1, static_cast<std::int64_t>(box.width / side));
  const auto rows = std::max<std::int64_t>(1, static_cast<std::int64_t>(box.height / side));
  const double across = box.width / static_cast<double>(columns), down = box.height / static_cast<double>(rows);
  const auto cell = [&](const disc& d) {
    const auto column = std::clamp<std::int64_t>(static_cast<std::int64_t>(d.x / across), 0, columns - 1);
    const auto row = std::clamp<std::int64_t>(static_cast<std::int64_t>(d.y / down), 0, rows - 1);
    return row * columns + column;
  };
  std::vector<std::uint32_t> first(static_cast<std::size_t>(rows * columns) + 1, 0), sorted(discs.size());
  for (const auto& d : discs) ++first[cell(d) + 1];
  std::partial_sum(first.begin(), first.end(), first.begin());
  auto next = first;
  for (std::uint32_t i = 0; i < discs.size(); ++i) sorted[next[cell(discs[i])]++] = i;
  std::vector<disc> in_cells;  // side by side in memory, as they are looked at
  for (const auto i : sorted) in_cells.push_back(discs[i]);

  std::vector<disc_pair> pairs;
  const auto wrap = [](std::int64_t k, std::int64_t n) { return k < 0 ? k + n : (k >= n ? k - n : k); };
  for (std::uint32_t i = 0; i < discs.size(); ++i) {
    const auto& a = discs[i];
    const double limit = (larger + smaller) * a.radius;
    const auto home = cell(a);
    const auto wide = std::min<std::int64_t>(static_cast<std::int64_t>(limit / across) + 1, (columns - 1) / 2);
    const auto high = std::min<std::int64_t>(static_cast<std::int64_t>(limit / down) + 1, (rows - 1) / 2);
    for (std::int64_t dy = -high; dy <= high; ++dy) {
      const auto row = wrap(home / columns + dy, rows) * columns;
      for (std::int64_t dx = -wide; dx <= wide; ++dx) {
        const auto at = row + wrap(home % columns + dx, columns);
        for (auto k = first[at]; k < first[at + 1]; ++k) {
          const auto& b = in_cells[k];
          if (b.radius > a.radius || (b.radius == a.radius && sorted[k] >= i)) continue;
          const double sx = periodic_box::shortest(b.x - a.x, box.width), sy = periodic_box::shortest(b.y - a.y, box.height);
          const double near = larger * a.radius + smaller * b.radius;
          if (sx * sx + sy * sy < near * near) pairs.push_back({i, sorted[k]});
        }
      }
    }
  }
  return pairs;
}

/// Spreads discs over the box: random places, then all grow beyond their size while those that overlap push each other apart, the
/// smaller one farther; that closes voids. What overlap is left (below 1 % of a radius in most packings up to 0.8 of the area) is
/// the caller's.
inline void pack(std::vector<disc>& discs, const periodic_box& box, double gap, random_stream& stream) {
  for (auto& d : discs) {
    d.x = stream.uniform() * box.width;
    d.y = stream.uniform() * box.height;
  }
  constexpr int growing = 80, spreading = 120, most = 180, between_searches = 6;
  constexpr double spread = 1.1;
  std::vector<disc_pair> pairs;
  for (int step = 0; step < most; ++step) {
    const double size = step < spreading ? std::min(spread, 0.5 + (spread - 0.5) * static_cast<double>(step) / growing) : 1.0;
    if (step % between_searches == 0) pairs = near_pairs(discs, box, 1.2, 1.2);
    double worst = 0;
    for (const auto& pair : pairs) {
      auto &a = discs[pair.larger], &b = discs[pair.smaller];
      const double sx = periodic_box::shortest(b.x - a.x, box.width), sy = periodic_box::shortest(b.y - a.y, box.height);
      const double wanted = size * (a.radius + b.radius) + gap, squared = sx * sx + sy * sy;
      if (squared >= wanted * wanted) continue;
      const double distance = std::sqrt(std::max(squared, 1e-12)), overlap = wanted - distance;
      worst = std::max(worst, overlap / b.radius);
      const double light = a.radius * a.radius / (a.radius * a.radius + b.radius * b.radius);
      const double push_b = 0.8 * overlap * light / distance, push_a = 0.8 * overlap * (1 - light) / distance;
      b.x += push_b * sx;
      b.y += push_b * sy;
      a.x -= push_a * sx;
      a.y -= push_a * sy;
    }
    if (step % between_searches == between_searches - 1) {
      for (auto& d : discs) {
        d.x -= box.width * std::floor(d.x / box.width);
        d.y -= box.height * std::floor(d.y / box.height);
      }
    }
    if (step > spreading && worst < 0.01) break;
  }
  for (auto& d : discs) {
    d.x -= box.width * std::floor(d.x / box.width);
    d.y -= box.height * std::floor(d.y / box.height);
  }
}

}  // namespace axonzoo
