#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace axonzoo {

/// The pixels of a region in one row, from the first to the last: [begin, end). A row without any has begin >= end.
struct row_extent {
  std::int32_t begin = std::numeric_limits<std::int32_t>::max(), end = std::numeric_limits<std::int32_t>::min();
};

/// How many pixels have their centre in or on the convex hull of a region that has `rows`, from its first to its last. A pixel
/// counts as the diamond of the middles of its sides, as in scikit-image's `convex_hull_image`; all is in whole numbers.
std::int64_t convex_area(const std::vector<row_extent>& rows);

namespace detail {

/// One side of a hull that is met from top to bottom, in half pixels.
class hull_side {
 public:
  struct corner {
    std::int64_t y, x;
  };

  /// `sign` 1: the corners with the least x; -1: those with the greatest. Corners come with rising y.
  explicit hull_side(std::int64_t sign) : sign_(sign) {}

  void add(std::int64_t y, std::int64_t x) {
    const corner next{y, sign_ * x};
    if (!corners_.empty() && corners_.back().y == y) {
      if (corners_.back().x <= next.x) return;
      corners_.pop_back();
    }
    while (corners_.size() > 1) {
      const corner &a = corners_[corners_.size() - 2], &b = corners_.back();
      if ((b.x - a.x) * (next.y - a.y) < (next.x - a.x) * (b.y - a.y)) break;  // b stands out beyond the line from a to next
      corners_.pop_back();
    }
    corners_.push_back(next);
  }

  /// The outermost column whose pixel in row `y` (in half pixels, rising from call to call) the side lets in.
  std::int64_t first_inside(std::int64_t y) {
    while (at_ + 2 < corners_.size() && corners_[at_ + 1].y <= y) ++at_;
    const corner &a = corners_[at_], &b = corners_[std::min(at_ + 1, corners_.size() - 1)];
    const std::int64_t height = std::max<std::int64_t>(b.y - a.y, 1);
    const std::int64_t numerator = a.x * height + (b.x - a.x) * (y - a.y), denominator = 2 * height;
    const std::int64_t down = numerator / denominator - (numerator % denominator < 0);
    return sign_ * (down * denominator == numerator ? down : down + 1);
  }

 private:
  std::int64_t sign_;
  std::size_t at_ = 0;
  std::vector<corner> corners_;
};

}  // namespace detail

inline std::int64_t convex_area(const std::vector<row_extent>& rows) {
  detail::hull_side left(1), right(-1);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].begin >= rows[i].end) continue;
    const std::int64_t y = 2 * static_cast<std::int64_t>(i), first = 2 * std::int64_t{rows[i].begin},
                       last = 2 * (std::int64_t{rows[i].end} - 1);
    for (const std::int64_t step : {-1, 0, 1}) {
      left.add(y + step, step == 0 ? first - 1 : first);
      right.add(y + step, step == 0 ? last + 1 : last);
    }
  }
  std::int64_t area = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::int64_t y = 2 * static_cast<std::int64_t>(i);
    area += right.first_inside(y) - left.first_inside(y) + 1;
  }
  return area;
}

}  // namespace axonzoo
