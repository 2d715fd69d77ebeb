#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <axonzoo/core/image.hpp>
#include <axonzoo/measure/runs.hpp>

namespace axonzoo {

/// The answer to a prompt: its mask as runs of px of the image, and the IoU that the network expects of it.
struct found_mask {
  std::size_t kind = 0;
  std::int32_t instance = 0;
  std::vector<instance_run> runs;
  double score = 0;
};

/// Classes of pixels [height, width] from masks: what a fibre covers and no axon does is myelin. Where masks of other kinds overlap, the more confident one
/// counts.
inline label_image labels_of_masks(std::vector<found_mask> masks, const std::vector<std::string>& kinds, const std::vector<std::string>& classes,
                                   std::size_t height, std::size_t width) {
  const auto is_fibre = [&](const found_mask& mask) { return kinds[mask.kind] == "fibre"; };
  std::stable_sort(masks.begin(), masks.end(),
                   [&](const found_mask& a, const found_mask& b) { return is_fibre(a) != is_fibre(b) ? is_fibre(a) : a.score < b.score; });
  label_image labels = label_image::from_shape({height, width});
  labels.fill(0);
  for (const auto& mask : masks) {
    const auto name = is_fibre(mask) ? std::string("myelin") : kinds[mask.kind];
    const auto value = static_cast<std::uint8_t>(std::find(classes.begin(), classes.end(), name) - classes.begin());
    for (const auto& run : mask.runs) std::fill_n(labels.data() + static_cast<std::size_t>(run.row) * width + run.begin, run.end - run.begin, value);
  }
  return labels;
}

}  // namespace axonzoo
