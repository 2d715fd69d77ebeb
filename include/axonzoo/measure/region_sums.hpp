#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <vector>

#include <axonzoo/measure/convex_area.hpp>
#include <axonzoo/measure/region.hpp>
#include <axonzoo/measure/runs.hpp>

namespace axonzoo {

/// What a region's runs add up to. All is in whole numbers, so the order of runs, and parts that are joined later, make no
/// difference.
class region_sums {
 public:
  /// Adds pixels; `hull` keeps what solidity needs, too.
  void add(const instance_run& run, bool hull) {
    const std::int64_t pixels = run.end - run.begin, y = run.row;
    const std::int64_t twice_columns = pixels * (std::int64_t{run.begin} + run.end - 1);
    pixels_ += pixels;
    rows_ += pixels * y;
    twice_columns_ += twice_columns;
    rows_rows_ += wide{pixels * y} * y;
    columns_columns_ += squares_below(run.end) - squares_below(run.begin);
    twice_rows_columns_ += wide{twice_columns} * y;
    left_ = std::min(left_, run.begin);
    right_ = std::max(right_, run.end);
    if (extents_.empty() || !hull) {
      top_ = std::min(top_, run.row);
      bottom_ = std::max(bottom_, run.row + 1);
    }
    if (hull) extend(run.row, {run.begin, run.end});
  }

  /// Adds border pixels by what they weigh in the perimeter: 1, sqrt(2), (1 + sqrt(2)) / 2.
  void add_border(const std::array<std::int64_t, 3>& steps) {
    for (std::size_t i = 0; i < 3; ++i) steps_[i] += steps[i];
  }
  void add_border(int kind) { ++steps_[static_cast<std::size_t>(kind)]; }

  /// Adds another part of the same region.
  void join(const region_sums& other) {
    if (other.pixels_ == 0) return;
    pixels_ += other.pixels_;
    rows_ += other.rows_;
    twice_columns_ += other.twice_columns_;
    rows_rows_ += other.rows_rows_;
    columns_columns_ += other.columns_columns_;
    twice_rows_columns_ += other.twice_rows_columns_;
    left_ = std::min(left_, other.left_);
    right_ = std::max(right_, other.right_);
    add_border(other.steps_);
    const std::int32_t top = other.top_;
    for (std::size_t i = 0; i < other.extents_.size(); ++i) extend(top + static_cast<std::int32_t>(i), other.extents_[i]);
    top_ = std::min(top_, top);
    bottom_ = std::max(bottom_, other.bottom_);
  }

  std::int64_t pixels() const { return pixels_; }
  std::int32_t bottom() const { return bottom_; }

  /// The region; its solidity is NaN unless all runs were added with `hull`.
  region finish() const {
    region found;
    found.pixels = pixels_;
    if (pixels_ == 0) return found;
    const auto n = static_cast<double>(pixels_);
    found.row = static_cast<double>(rows_) / n;
    found.column = static_cast<double>(twice_columns_) / (2 * n);
    set_ellipse(found);
    found.perimeter = static_cast<double>(steps_[0]) + static_cast<double>(steps_[1]) * std::numbers::sqrt2 +
                      static_cast<double>(steps_[2]) * (1 + std::numbers::sqrt2) / 2;
    found.solidity = extents_.empty() ? std::numeric_limits<double>::quiet_NaN() : n / static_cast<double>(convex_area(extents_));
    found.top = top_;
    found.left = left_;
    found.bottom = bottom_;
    found.right = right_;
    return found;
  }

 private:
  __extension__ using wide = __int128;

  /// The sum of x^2 over 0 <= x < end.
  static wide squares_below(std::int64_t end) { return wide{end - 1} * end * (2 * end - 1) / 6; }

  void extend(std::int32_t row, row_extent pixels) {
    if (extents_.empty()) {
      top_ = row;
      bottom_ = row;
    }
    if (row < top_) extents_.insert(extents_.begin(), static_cast<std::size_t>(top_ - row), row_extent{});
    top_ = std::min(top_, row);
    if (row >= bottom_) {
      bottom_ = row + 1;
      extents_.resize(static_cast<std::size_t>(bottom_ - top_));
    }
    auto& extent = extents_[static_cast<std::size_t>(row - top_)];
    extent.begin = std::min(extent.begin, pixels.begin);
    extent.end = std::max(extent.end, pixels.end);
  }

  /// As scikit-image: eigenvalues of the inertia tensor, without the twelfth that a pixel's own extent adds.
  void set_ellipse(region& found) const {
    const wide n = pixels_;
    // Four times n^2 the variances and the covariance.
    const wide of_rows = 4 * (n * rows_rows_ - wide{rows_} * rows_),
               of_columns = 4 * n * columns_columns_ - wide{twice_columns_} * twice_columns_,
               of_both = 2 * (n * twice_rows_columns_ - wide{rows_} * twice_columns_);
    const double scale = 4 * static_cast<double>(pixels_) * static_cast<double>(pixels_);
    const double rows = static_cast<double>(of_rows) / scale, columns = static_cast<double>(of_columns) / scale,
                 both = static_cast<double>(of_both) / scale;
    const double mean = (rows + columns) / 2, spread = std::hypot((rows - columns) / 2, both);
    const double greater = mean + spread, smaller = std::max(mean - spread, 0.);
    found.major_axis = 4 * std::sqrt(greater);
    found.minor_axis = 4 * std::sqrt(smaller);
    found.eccentricity = greater > 0 ? std::sqrt(1 - smaller / greater) : 0;
    if (of_rows == of_columns)
      found.orientation = of_both > 0 ? std::numbers::pi / 4 : -std::numbers::pi / 4;
    else
      found.orientation = 0.5 * std::atan2(2 * both, rows - columns);
  }

  std::int64_t pixels_ = 0, rows_ = 0, twice_columns_ = 0;
  wide rows_rows_ = 0, columns_columns_ = 0, twice_rows_columns_ = 0;
  std::int32_t top_ = std::numeric_limits<std::int32_t>::max(), left_ = top_, bottom_ = std::numeric_limits<std::int32_t>::min(),
               right_ = bottom_;
  std::array<std::int64_t, 3> steps_{};
  std::vector<row_extent> extents_;  // from top_
};

}  // namespace axonzoo
