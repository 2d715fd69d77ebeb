#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/data/dataset.hpp>
#include <axonzoo/data/listing.hpp>
#include <axonzoo/data/mask_levels.hpp>
#include <axonzoo/data/picture.hpp>
#include <axonzoo/data/pixel_size.hpp>

namespace axonzoo {

/// 3 when any image of the data set is in colour, else 1; from the headers, without decoding.
inline std::size_t channels_of(const dataset& data) {
  for (const auto& one : data.micrographs)
    if (detail::read_picture_size(one.path).channels == 3) return 3;
  return 1;
}

/// Decoded pixels [H, W, C] in the file's own levels. C is the file's own (1 or 3), or `channels` where that is 1 or 3: grey
/// is repeated into colours, colours become luma (ITU-R BT.601). Throws axonzoo::error, also for pixels that are not finite.
inline image read_pixels(const micrograph& one, std::size_t channels = 0) {
  image pixels = detail::read_picture(one.path);
  if (!std::all_of(pixels.begin(), pixels.end(), [](float level) { return std::isfinite(level); }))
    throw error("cannot read image " + detail::quoted(one.path), "it has pixels that are not finite numbers",
                "replace them in the file");
  const std::size_t own = pixels.shape(2);
  if (channels == 0 || channels == own) return pixels;
  image converted = image::from_shape({pixels.shape(0), pixels.shape(1), channels});
  const float* from = pixels.data();
  float* to = converted.data();
  const std::size_t count = pixels.shape(0) * pixels.shape(1);
  for (std::size_t i = 0; i < count; ++i) {
    if (own == 1) std::fill_n(to + i * channels, channels, from[i]);
    else to[i] = 0.299f * from[3 * i] + 0.587f * from[3 * i + 1] + 0.114f * from[3 * i + 2];
  }
  return converted;
}

/// Class index of each pixel [H, W] from the manual masks, which are painted in their order: what comes later wins. Throws
/// axonzoo::error when the micrograph has no masks, or one of another size than the image.
inline label_image read_labels(const micrograph& one) {
  if (one.masks.empty())
    throw error("cannot read the manual mask of " + detail::quoted(one.path), "there is none",
                "add the mask, or take the image out of the data set");
  const auto size = detail::read_picture_size(one.path);
  label_image labels = label_image::from_shape({size.height, size.width});
  labels.fill(0);
  for (const auto& mask : one.masks) {
    std::size_t height = 0, width = 0;
    auto levels = detail::read_mask(mask.path, height, width);
    if (height != size.height || width != size.width)
      throw error("cannot use mask " + detail::quoted(mask.path),
                  "it is " + std::to_string(width) + " x " + std::to_string(height) + " pixels and its image " +
                      detail::quoted(one.path) + " is " + std::to_string(size.width) + " x " + std::to_string(size.height),
                  "give a mask of the image's size");
    const float largest = levels.empty() ? 0.f : *std::max_element(levels.begin(), levels.end());
    auto* label = labels.data();
    if (mask.how == mask_file::kind::index) {
      if (mask.label == 0 && largest > 255)
        throw error("cannot use mask " + detail::quoted(mask.path), "it has class numbers above 255", "number the classes from 1");
      for (std::size_t i = 0; i < levels.size(); ++i)
        if (levels[i] > 0) label[i] = mask.label ? mask.label : static_cast<std::uint8_t>(levels[i]);
      continue;
    }
    detail::to_eight_bits(levels);
    if (mask.how == mask_file::kind::binary) {
      const float threshold = largest <= 1 ? 0.f : 127.f;  // 0 and 1 are as common as 0 and 255
      for (std::size_t i = 0; i < levels.size(); ++i)
        if (levels[i] > threshold) label[i] = mask.label;
    } else {
      const bool numbers = largest <= 2;
      const float myelin = numbers ? 1.f : 64.f, axon = numbers ? 2.f : 192.f;
      for (std::size_t i = 0; i < levels.size(); ++i)
        label[i] = levels[i] >= axon ? 2 : levels[i] >= myelin ? 1 : 0;
    }
  }
  return labels;
}

}  // namespace axonzoo
