#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <numeric>
#include <vector>

namespace axonzoo {

using pixel_box = std::array<float, 4>;  ///< left, top, right, bottom

/// Which boxes stay when each takes away those of lower score that overlap it by an IoU above `most`; in the order of their
/// scores, and of their places where these are equal. As torchvision's nms.
[[nodiscard]] inline std::vector<std::size_t> suppress_boxes(const std::vector<pixel_box>& boxes, const std::vector<float>& scores, double most) {
  std::vector<std::size_t> order(boxes.size()), kept;
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  const auto area = [](const pixel_box& box) { return (box[2] - box[0]) * (box[3] - box[1]); };
  std::vector<char> gone(boxes.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (gone[order[i]]) continue;
    const pixel_box& box = boxes[order[i]];
    kept.push_back(order[i]);
    for (std::size_t j = i + 1; j < order.size(); ++j) {
      const pixel_box& other = boxes[order[j]];
      const float width = std::max(std::min(box[2], other[2]) - std::max(box[0], other[0]), 0.f);
      const float height = std::max(std::min(box[3], other[3]) - std::max(box[1], other[1]), 0.f);
      const float shared = width * height;
      if (static_cast<double>(shared / (area(box) + area(other) - shared)) > most) gone[order[j]] = 1;
    }
  }
  return kept;
}

}  // namespace axonzoo
