#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <axonzoo/core/image.hpp>
#include <axonzoo/core/random.hpp>
#include <axonzoo/data/dataset.hpp>
#include <axonzoo/data/normalise.hpp>
#include <axonzoo/data/pixel_size.hpp>
#include <axonzoo/data/read.hpp>
#include <axonzoo/data/resample.hpp>
#include <axonzoo/data/target_pixel_size.hpp>

namespace axonzoo {

/// A micrograph as patches are cut from it.
struct prepared_micrograph {
  std::size_t index = 0;  ///< in `dataset::micrographs`
  std::string name;
  image pixels;        ///< resampled, then z-scored per image and channel, [H, W, C]
  label_image labels;  ///< [H, W]; empty where the micrograph has no manual masks

  /// (row, column) of pixels with a class other than background, a sample in which every class that occurs has the same share;
  /// empty where there is none.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> foreground;

  /// What it holds in memory.
  [[nodiscard]] std::size_t bytes() const {
    return sizeof(*this) + pixels.size() * sizeof(float) + labels.size() + foreground.size() * sizeof(foreground[0]);
  }
};

/// The one way from an image's own grey levels to what a network sees, in training and in inference: resampled from `pixel_size`
/// to `target` (um; target 0 leaves the size as it is), then z-scored.
inline image prepare_pixels(image pixels, double pixel_size, double target) {
  if (target > 0) {
    const auto [height, width] = size_at(pixels.shape(0), pixels.shape(1), pixel_size, target);
    if (height != pixels.shape(0) || width != pixels.shape(1)) pixels = resample(pixels, height, width);
  }
  z_score(pixels);
  return pixels;
}

/// Up to `per_class` positions of each class above 0, spread evenly over its pixels in raster order with a jitter that depends on
/// nothing but the labels; a rarer class repeats its pixels, so that all classes come out equally often.
inline std::vector<std::pair<std::uint32_t, std::uint32_t>> sample_foreground(const label_image& labels,
                                                                              std::size_t per_class = 4096) {
  std::array<std::size_t, 256> count{};
  for (const auto label : labels) ++count[label];
  std::array<std::vector<std::size_t>, 256> wanted;  // ordinals among the pixels of the class, ascending
  std::size_t most = 0;
  for (std::size_t label = 1; label < 256; ++label) most = std::max(most, std::min(count[label], per_class));
  for (std::size_t label = 1; label < 256; ++label) {
    if (count[label] == 0) continue;
    random_stream stream(0, label, most);
    for (std::size_t i = 0; i < most; ++i) {
      const double ordinal =
          (static_cast<double>(i) + stream.uniform()) * static_cast<double>(count[label]) / static_cast<double>(most);
      wanted[label].push_back(std::min(count[label] - 1, static_cast<std::size_t>(ordinal)));
    }
  }
  std::vector<std::pair<std::uint32_t, std::uint32_t>> positions;
  std::array<std::size_t, 256> seen{}, taken{};
  for (std::size_t row = 0; row < labels.shape(0); ++row) {
    for (std::size_t column = 0; column < labels.shape(1); ++column) {
      const auto label = labels(row, column);
      if (label == 0) continue;
      for (auto& k = taken[label]; k < wanted[label].size() && wanted[label][k] == seen[label]; ++k) {
        positions.emplace_back(static_cast<std::uint32_t>(row), static_cast<std::uint32_t>(column));
      }
      ++seen[label];
    }
  }
  return positions;
}

/// Reads one micrograph with its masks and prepares it for a target pixel size and `channels` (1 or 3; 0: as
/// the file has). Throws `error` for what cannot be read, and where resampling needs a pixel size that nobody gave.
inline prepared_micrograph prepare_micrograph(const dataset& data, std::size_t index, const target_pixel_size& sizes,
                                              std::optional<double> pixel_size_option, std::size_t channels = 0) {
  const auto& source = data.micrographs.at(index);
  const double target = sizes.of(source.contrast);
  const double pixel_size = target > 0 ? require_pixel_size(source, pixel_size_option) : 0;
  prepared_micrograph made;
  made.index = index;
  made.name = source.name;
  made.pixels = prepare_pixels(read_pixels(source, channels), pixel_size, target);
  if (!source.masks.empty()) {
    made.labels = read_labels(source);
    if (made.labels.shape(0) != made.pixels.shape(0) || made.labels.shape(1) != made.pixels.shape(1)) {
      made.labels = resample_labels(made.labels, made.pixels.shape(0), made.pixels.shape(1));
    }
    made.foreground = sample_foreground(made.labels);
  }
  return made;
}

}  // namespace axonzoo
