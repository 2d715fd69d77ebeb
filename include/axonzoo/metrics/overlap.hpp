#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>

namespace axonzoo {

/// Agreement of two sets of pixels A and B.
struct overlap {
  double iou = 1;   ///< |A and B| / |A or B|
  double dice = 1;  ///< 2 |A and B| / (|A| + |B|)
};

/// From counts of pixels: 1 where both sets are empty, 0 where one is.
overlap overlap_of_counts(std::uint64_t common, std::uint64_t one, std::uint64_t other);

/// The overlap of each class but the first (background) of `classes` over all pixels of two label images of one shape [H, W];
/// with two or more foreground classes also "any", all of them together against background.
///
/// Throws `error` where the images differ in size or a pixel's value has no class.
std::map<std::string, overlap> class_overlaps(const label_image& predicted, const label_image& manual,
                                              const std::vector<std::string>& classes);

/// Throws `error`, naming both sizes, unless `predicted` and `manual` have one shape.
void require_same_size(const label_image& predicted, const label_image& manual);

inline overlap overlap_of_counts(std::uint64_t common, std::uint64_t one, std::uint64_t other) {
  if (one + other == 0) return {1, 1};
  return {static_cast<double>(common) / static_cast<double>(one + other - common),
          2 * static_cast<double>(common) / static_cast<double>(one + other)};
}

inline void require_same_size(const label_image& predicted, const label_image& manual) {
  if (predicted.shape() == manual.shape()) return;
  const auto size = [](const label_image& labels) {
    return std::to_string(labels.shape(0)) + " x " + std::to_string(labels.shape(1));
  };
  throw error("cannot compare a predicted mask with a manual one",
              "the prediction is " + size(predicted) + " px (rows x columns), the manual mask " + size(manual),
              "compare masks of the same image at the same size");
}

inline std::map<std::string, overlap> class_overlaps(const label_image& predicted, const label_image& manual,
                                                     const std::vector<std::string>& classes) {
  require_same_size(predicted, manual);
  std::vector<std::uint64_t> counts(256 * 256, 0);  // [manual, predicted]
  const std::uint8_t *p = predicted.data(), *m = manual.data();
  for (std::size_t i = 0, size = predicted.size(); i < size;) {
    // Masks are made of long runs: one addition a run keeps the counter out of the loop.
    const std::uint8_t here = p[i], there = m[i];
    const std::size_t begin = i;
    while (i < size && p[i] == here && m[i] == there) ++i;
    counts[std::size_t{there} * 256 + here] += i - begin;
  }

  std::array<std::uint64_t, 256> in_predicted{}, in_manual{}, in_both{};
  std::uint64_t foreground_both = 0;
  for (std::size_t there = 0; there < 256; ++there) {
    for (std::size_t here = 0; here < 256; ++here) {
      const std::uint64_t count = counts[there * 256 + here];
      if (count == 0) continue;
      for (const std::size_t value : {here, there}) {
        if (value < classes.size()) continue;
        throw error(
            "cannot compare a predicted mask with a manual one",
            "a pixel holds the label " + std::to_string(value) + " but there are " + std::to_string(classes.size()) + " classes",
            "give labels that count the classes from 0");
      }
      in_predicted[here] += count;
      in_manual[there] += count;
      if (here == there) in_both[here] += count;
      if (here != 0 && there != 0) foreground_both += count;
    }
  }

  std::map<std::string, overlap> scores;
  for (std::size_t c = 1; c < classes.size(); ++c) {
    scores[classes[c]] = overlap_of_counts(in_both[c], in_predicted[c], in_manual[c]);
  }
  if (classes.size() > 2) {
    scores["any"] = overlap_of_counts(foreground_both, predicted.size() - in_predicted[0], manual.size() - in_manual[0]);
  }
  return scores;
}

}  // namespace axonzoo
