#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <axonzoo/measure/runs.hpp>

namespace axonzoo {

/// A corner of pixels: (0, 0) is the upper left corner of the image.
struct outline_corner {
  std::int32_t x, y;
  friend bool operator==(const outline_corner&, const outline_corner&) = default;
};

/// The outer outline of an 8-connected instance along its pixels' sides, clockwise on the screen from its first pixel; only
/// corners where it turns, the first not repeated. Holes are left out. `runs` are those of one instance.
std::vector<outline_corner> outline_of(const std::vector<instance_run>& runs);

/// The runs of each instance by its number: element i is instance i + 1.
inline std::vector<std::vector<instance_run>> runs_by_instance(const std::vector<instance_run>& runs) {
  std::vector<std::vector<instance_run>> of;
  for (const auto& run : runs) {
    if (of.size() < static_cast<std::size_t>(run.instance)) of.resize(static_cast<std::size_t>(run.instance));
    of[static_cast<std::size_t>(run.instance) - 1].push_back(run);
  }
  return of;
}

/// The pixels of one instance within its bounding box.
class instance_bitmap {
 public:
  explicit instance_bitmap(const std::vector<instance_run>& runs) {
    if (runs.empty()) return;
    top = runs.front().row;
    left = runs.front().begin;
    std::int32_t right = 0;
    for (const auto& run : runs) {
      left = std::min(left, run.begin);
      right = std::max(right, run.end);
    }
    height = runs.back().row - top + 1;
    width = right - left;
    pixels_.resize(static_cast<std::size_t>(height) * static_cast<std::size_t>(width));
    for (const auto& run : runs) std::fill_n(pixels_.begin() + at(run.row, run.begin), run.end - run.begin, true);
  }
  /// By row and column of the image; false outside.
  bool operator()(std::int32_t row, std::int32_t column) const {
    return row >= top && row < top + height && column >= left && column < left + width &&
           pixels_[static_cast<std::size_t>(at(row, column))];
  }

  std::int32_t top = 0, left = 0, height = 0, width = 0;

 private:
  std::ptrdiff_t at(std::int32_t row, std::int32_t column) const {
    return static_cast<std::ptrdiff_t>(row - top) * width + (column - left);
  }
  std::vector<bool> pixels_;
};

inline std::vector<outline_corner> outline_of(const std::vector<instance_run>& runs) {
  if (runs.empty()) return {};
  const instance_bitmap inside(runs);
  // Directions right, down, left, up, with the instance on the right hand; pixels ahead on the left and the right hand.
  constexpr std::int32_t step_x[] = {1, 0, -1, 0}, step_y[] = {0, 1, 0, -1};
  constexpr std::int32_t left_x[] = {0, 0, -1, -1}, left_y[] = {-1, 0, 0, -1}, right_x[] = {0, -1, -1, 0},
                         right_y[] = {0, 0, -1, -1};
  const outline_corner start{runs.front().begin, runs.front().row};
  std::vector<outline_corner> corners = {start};
  outline_corner at = start;
  int direction = 0;
  do {
    at.x += step_x[direction];
    at.y += step_y[direction];
    int turn = 1;
    if (inside(at.y + left_y[direction], at.x + left_x[direction]))
      turn = 3;
    else if (inside(at.y + right_y[direction], at.x + right_x[direction]))
      turn = 0;
    if (turn != 0 && !(at == start && (direction + turn) % 4 == 0)) corners.push_back(at);
    direction = (direction + turn) % 4;
  } while (!(at == start && direction == 0));
  return corners;
}

}  // namespace axonzoo
