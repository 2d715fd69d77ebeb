#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <axonzoo/core/image.hpp>
#include <axonzoo/measure/components.hpp>

namespace axonzoo {

/// Gives holes of the background the class `filling`: its 4-connected components that do not reach the image's border, as
/// SciPy's `binary_fill_holes` finds them. AxonDeepSeg does so from its graphical interface only, with myelin. Returns how many
/// pixels were filled.
inline std::size_t fill_holes(label_image& labels, std::uint8_t background, std::uint8_t filling) {
  const auto runs = component_runs(labels, background, connectivity::four);
  const auto height = static_cast<std::int32_t>(labels.shape(0)), width = static_cast<std::int32_t>(labels.shape(1));
  std::int32_t most = 0;
  for (const auto& run : runs) most = std::max(most, run.instance);
  std::vector<bool> open(static_cast<std::size_t>(most) + 1);
  for (const auto& run : runs) {
    if (run.row == 0 || run.row + 1 == height || run.begin == 0 || run.end == width)
      open[static_cast<std::size_t>(run.instance)] = true;
  }
  std::size_t filled = 0;
  for (const auto& run : runs) {
    if (open[static_cast<std::size_t>(run.instance)]) continue;
    std::fill(&labels(run.row, run.begin), &labels(run.row, run.begin) + (run.end - run.begin), filling);
    filled += static_cast<std::size_t>(run.end - run.begin);
  }
  return filled;
}

}  // namespace axonzoo
