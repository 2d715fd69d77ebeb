#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <axonzoo/core/image.hpp>

namespace axonzoo {

/// A horizontal stretch of one instance: pixels [begin, end) of `row`. A few runs a row describe the instances of an image in
/// a hundredth of its memory. Lists of runs are in raster order, and a run ends where its instance does.
struct instance_run {
  std::int32_t row, begin, end;
  std::int32_t instance;  ///< from 1
};

/// The runs of an instance image [H, W].
std::vector<instance_run> runs_of(const instance_image& instances);

/// The instance image [height, width] that has these runs.
instance_image paint(const std::vector<instance_run>& runs, std::size_t height, std::size_t width);

/// The parts of runs whose pixels are of class `value` in `labels` ([H, W]).
std::vector<instance_run> restrict_to(const std::vector<instance_run>& runs, const label_image& labels, std::uint8_t value);

namespace detail {

/// Appends the runs of one row: stretches of equal numbers > 0.
inline void append_runs(const std::int32_t* numbers, std::int32_t row, std::int32_t width, std::vector<instance_run>& runs) {
  for (std::int32_t x = 0; x < width;) {
    const std::int32_t instance = numbers[x], begin = x;
    if (instance <= 0) {
      ++x;
      continue;
    }
    while (x < width && numbers[x] == instance) ++x;
    runs.push_back({row, begin, x, instance});
  }
}

}  // namespace detail

inline std::vector<instance_run> runs_of(const instance_image& instances) {
  const auto height = static_cast<std::int32_t>(instances.shape(0)), width = static_cast<std::int32_t>(instances.shape(1));
  std::vector<instance_run> runs;
  for (std::int32_t y = 0; y < height; ++y) {
    detail::append_runs(instances.data() + static_cast<std::size_t>(y) * instances.shape(1), y, width, runs);
  }
  return runs;
}

inline instance_image paint(const std::vector<instance_run>& runs, std::size_t height, std::size_t width) {
  instance_image painted = instance_image::from_shape({height, width});
  std::fill_n(painted.data(), painted.size(), 0);
  for (const auto& run : runs) {
    std::int32_t* row = painted.data() + static_cast<std::size_t>(run.row) * width;
    std::fill(row + run.begin, row + run.end, run.instance);
  }
  return painted;
}

inline std::vector<instance_run> restrict_to(const std::vector<instance_run>& runs, const label_image& labels,
                                             std::uint8_t value) {
  std::vector<instance_run> kept;
  kept.reserve(runs.size());
  for (const auto& run : runs) {
    const std::uint8_t* label = labels.data() + static_cast<std::size_t>(run.row) * labels.shape(1);
    for (std::int32_t x = run.begin; x < run.end;) {
      const std::int32_t begin = x;
      while (x < run.end && label[x] == value) ++x;
      if (x > begin) kept.push_back({run.row, begin, x, run.instance});
      while (x < run.end && label[x] != value) ++x;
    }
  }
  return kept;
}

}  // namespace axonzoo
