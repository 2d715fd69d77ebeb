#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <axonzoo/core/image.hpp>
#include <axonzoo/measure/components.hpp>
#include <axonzoo/measure/watershed.hpp>

namespace axonzoo {

/// Where a component begins and its centroid, row and column truncated.
struct component_place {
  std::int32_t row, column;  ///< of its first pixel in raster order
  std::int32_t centre_row, centre_column;
};

/// The 8-connected components of one class of an image that comes in strips from top to bottom; only the last row is kept, and
/// sums for each component.
class component_stream {
 public:
  explicit component_stream(std::uint8_t value) : value_(value) {}

  /// The next rows of the image, [n, W], W always the same.
  void add(const label_image& strip) {
    const auto width = static_cast<std::int32_t>(strip.shape(1));
    std::vector<instance_run> here;
    for (std::size_t y = 0; y < strip.shape(0); ++y, ++row_) {
      here.clear();
      detail::find_runs(strip.data() + y * strip.shape(1), row_, width, value_, here);
      std::size_t above = 0;
      for (auto& run : here) {
        while (above < above_.size() && above_[above].end < run.begin) ++above;
        run.instance = -1;
        for (std::size_t a = above; a < above_.size() && above_[a].begin <= run.end; ++a) {
          const auto root = detail::find_root(parent_, above_[a].instance);
          run.instance = run.instance < 0 ? root : join(run.instance, root);
        }
        if (run.instance < 0) {
          run.instance = static_cast<std::int32_t>(parent_.size());
          parent_.push_back(run.instance);
          of_.push_back({run.row, run.begin, 0, 0, 0});
        }
        auto& sums = of_[static_cast<std::size_t>(run.instance)];
        const std::int64_t pixels = run.end - run.begin;
        sums.pixels += pixels;
        sums.rows += pixels * run.row;
        sums.twice_columns += pixels * (std::int64_t{run.begin} + run.end - 1);
        pixels_ += static_cast<std::uint64_t>(pixels);
      }
      above_.swap(here);
    }
  }

  [[nodiscard]] std::uint64_t pixels() const { return pixels_; }

  /// All components in raster order of their first pixels, as `component_runs` numbers them.
  [[nodiscard]] std::vector<component_place> finish() const {
    std::vector<component_place> found;
    for (std::size_t i = 0; i < of_.size(); ++i) {
      if (parent_[i] != static_cast<std::int32_t>(i)) continue;
      const auto& s = of_[i];
      found.push_back({s.row, s.column, static_cast<std::int32_t>(s.rows / s.pixels),
                       static_cast<std::int32_t>(s.twice_columns / (2 * s.pixels))});
    }
    return found;
  }

 private:
  struct sums {
    std::int32_t row, column;
    std::int64_t pixels, rows, twice_columns;
  };

  /// The earlier of two roots takes the other's sums: components are found in raster order, so it holds the first pixel.
  std::int32_t join(std::int32_t one, std::int32_t other) {
    if (one == other) return one;
    if (other < one) std::swap(one, other);
    parent_[static_cast<std::size_t>(other)] = one;
    auto &to = of_[static_cast<std::size_t>(one)], &from = of_[static_cast<std::size_t>(other)];
    to.pixels += from.pixels;
    to.rows += from.rows;
    to.twice_columns += from.twice_columns;
    return one;
  }

  std::uint8_t value_;
  std::int32_t row_ = 0;
  std::uint64_t pixels_ = 0;
  std::vector<instance_run> above_;  // with provisional components
  std::vector<std::int32_t> parent_;
  std::vector<sums> of_;
};

}  // namespace axonzoo
