#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <axonzoo/data/phantom/star_outline.hpp>

namespace axonzoo {

/// Pixels of a phantom: rows top .. top + height - 1 and columns left .. left + width - 1. The centre of pixel (row, column) lies
/// at ((column + 0.5), (row + 0.5)) pixels. A phantom may be drawn window by window.
struct phantom_window {
  std::int64_t top, left, height, width;
};

/// Calls paint(row, column, dx, dy, sector, depth) for the window's pixels whose depth within the outline is -`beyond` um or
/// more: row and column within the window, dx and dy in um from the outline's centre.
template <class Paint>
void visit_pixels(const star_outline& outline, double beyond, double pixel, const phantom_window& window, Paint&& paint) {
  const double reach = outline.reach() + beyond;
  const auto first = [pixel](double at) { return static_cast<std::int64_t>(std::floor(at / pixel - 0.5)); };
  const auto top = std::max(first(outline.y - reach), window.top),
             bottom = std::min(first(outline.y + reach) + 1, window.top + window.height - 1);
  const auto left = std::max(first(outline.x - reach), window.left),
             right = std::min(first(outline.x + reach) + 1, window.left + window.width - 1);
  if (top > bottom || left > right) return;
  const star_edges edges(outline);
  const auto least = static_cast<float>(-beyond);
  for (auto row = top; row <= bottom; ++row) {
    const auto dy = static_cast<float>((static_cast<double>(row) + 0.5) * pixel - outline.y);
    for (auto column = left; column <= right; ++column) {
      const auto dx = static_cast<float>((static_cast<double>(column) + 0.5) * pixel - outline.x);
      if (static_cast<double>(dx) * dx + static_cast<double>(dy) * dy > reach * reach) continue;
      const auto sector = edges.sector(dx, dy);
      const float depth = edges.depth(sector, dx, dy);
      if (depth >= least) paint(row - window.top, column - window.left, dx, dy, sector, depth);
    }
  }
}

}  // namespace axonzoo
