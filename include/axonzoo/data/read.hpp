#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/data/dataset.hpp>
#include <axonzoo/data/listing.hpp>
#include <axonzoo/data/picture.hpp>

namespace axonzoo {

/// 3 when any image of the data set is in colour, else 1; from the headers, without decoding.
inline std::size_t channels_of(const dataset& data) {
  for (const auto& one : data.micrographs)
    if (detail::read_picture_size(one.path).channels == 3) return 3;
  return 1;
}

/// Pixels [H, W, C] with `channels` of them, 1 or 3: grey is repeated into colours, colours become luma (ITU-R BT.601).
inline image with_channels(image pixels, std::size_t channels) {
  const std::size_t own = pixels.shape(2);
  if (channels == own) return pixels;
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

/// Decoded pixels [H, W, C] in the file's own levels. C is the file's own (1 or 3), or `channels` where that is 1 or 3. Throws
/// axonzoo::error, also for pixels that are not finite.
inline image read_pixels(const micrograph& one, std::size_t channels = 0) {
  image pixels = detail::read_picture(one.path);
  if (!std::all_of(pixels.begin(), pixels.end(), [](float level) { return std::isfinite(level); }))
    throw error("cannot read image " + detail::quoted(one.path), "it has pixels that are not finite numbers",
                "replace them in the file");
  return channels == 0 ? pixels : with_channels(std::move(pixels), channels);
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
    const image stored = detail::read_picture(mask.path);
    detail::check_mask_size(one.path, size, mask.path, {stored.shape(0), stored.shape(1), stored.shape(2), 0});
    const float largest = *std::max_element(stored.begin(), stored.end());
    const float scale = largest > 255 && mask.how != mask_file::kind::index ? 1.f / 257 : 1.f;
    const auto paint = [&](auto label_of) {
      const std::size_t channels = stored.shape(2);
      const float* const level = stored.data();
      auto* const label = labels.data();
      for (std::size_t i = 0; i < labels.size(); ++i)
        if (const auto painted = static_cast<std::uint8_t>(label_of(level[i * channels] * scale))) label[i] = painted;
    };
    // Masks that store 0 and 1, or 0, 1 and 2, are as common as those that store grey levels.
    switch (mask.how) {
      case mask_file::kind::axonmyelin: {
        const float myelin = largest <= 2 ? 1.f : 64.f, axon = largest <= 2 ? 2.f : 192.f;
        paint([&](float level) { return level >= axon ? 2 : level >= myelin ? 1 : 0; });
        break;
      }
      case mask_file::kind::binary: {
        const float threshold = largest <= 1 ? 0.f : 127.f;
        paint([&](float level) { return level > threshold ? mask.label : 0; });
        break;
      }
      case mask_file::kind::index:
        if (mask.label == 0 && largest > 255)
          throw error("cannot use mask " + detail::quoted(mask.path), "it has class numbers above 255", "number the classes from 1");
        paint([&](float level) { return mask.label == 0 ? static_cast<int>(level) : level > 0 ? mask.label : 0; });
    }
  }
  return labels;
}

}  // namespace axonzoo
