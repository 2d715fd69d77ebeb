#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

#include <axonzoo/core/pixel_box.hpp>

namespace axonzoo {

/// Which boxes stay when each takes away those of lower score that overlap it by an IoU above `most`; in the order of their
/// scores, and of their places where these are equal. As torchvision's nms.
[[nodiscard]] inline std::vector<std::size_t> suppress_boxes(const std::vector<pixel_box>& boxes, const std::vector<float>& scores, double most) {
  std::vector<std::size_t> order(boxes.size()), kept;
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  const auto area = [](const pixel_box& box) { return (box.right - box.left) * (box.bottom - box.top); };
  std::vector<char> gone(boxes.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (gone[order[i]]) continue;
    const pixel_box& box = boxes[order[i]];
    kept.push_back(order[i]);
    for (std::size_t j = i + 1; j < order.size(); ++j) {
      const pixel_box& other = boxes[order[j]];
      const double width = std::max(std::min(box.right, other.right) - std::max(box.left, other.left), 0.0);
      const double height = std::max(std::min(box.bottom, other.bottom) - std::max(box.top, other.top), 0.0);
      const double shared = width * height;
      if (shared / (area(box) + area(other) - shared) > most) gone[order[j]] = 1;
    }
  }
  return kept;
}

}  // namespace axonzoo
