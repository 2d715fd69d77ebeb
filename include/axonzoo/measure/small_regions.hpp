#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <axonzoo/core/image.hpp>
#include <axonzoo/measure/components.hpp>

namespace axonzoo {

namespace detail {

inline std::vector<std::int64_t> areas_of(const std::vector<instance_run>& runs) {
  std::vector<std::int64_t> areas;
  for (const auto& run : runs) {
    if (static_cast<std::size_t>(run.instance) > areas.size()) areas.resize(static_cast<std::size_t>(run.instance));
    areas[static_cast<std::size_t>(run.instance) - 1] += run.end - run.begin;
  }
  return areas;
}

}  // namespace detail

/// Fills the holes (8-connected stretches of 0) of a mask [H, W] of 0 and 1 that are smaller than `area` pixels, then removes its
/// islands that are; the largest stays where all are. Returns whether anything changed. As segment-anything's generator does.
inline bool remove_small_regions(label_image& mask, double area) {
  bool changed = false;
  const std::size_t width = mask.shape(1);
  for (const std::uint8_t value : {std::uint8_t{0}, std::uint8_t{1}}) {
    const auto runs = component_runs(mask, value);
    const auto areas = detail::areas_of(runs);
    const auto is_small = [&](std::int64_t size) { return static_cast<double>(size) < area; };
    if (std::none_of(areas.begin(), areas.end(), is_small)) continue;
    changed = true;
    const bool all = value == 1 && std::all_of(areas.begin(), areas.end(), is_small);
    const auto largest = static_cast<std::int32_t>(std::max_element(areas.begin(), areas.end()) - areas.begin()) + 1;
    for (const auto& run : runs) {
      const bool keep = all ? run.instance == largest : !is_small(areas[static_cast<std::size_t>(run.instance) - 1]);
      if (!keep) std::fill_n(mask.data() + static_cast<std::size_t>(run.row) * width + static_cast<std::size_t>(run.begin), run.end - run.begin,
                             static_cast<std::uint8_t>(1 - value));
    }
  }
  return changed;
}

}  // namespace axonzoo
