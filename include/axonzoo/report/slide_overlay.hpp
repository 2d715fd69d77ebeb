#pragma once

#include <algorithm>
#include <cstddef>

#include <axonzoo/core/image.hpp>
#include <axonzoo/io/image_rows.hpp>
#include <axonzoo/io/label_spool.hpp>
#include <axonzoo/report/overlay.hpp>

namespace axonzoo {

/// An overlay of an image that does not fit into memory, of at most `side` px: grey levels are means of squares of pixels, labels those
/// of their middles.
[[nodiscard]] inline rgb_image slide_overlay(image_rows& source, label_spool& labels, std::size_t side = 2048) {
  const auto height = source.size().height, width = source.size().width, channels = source.size().channels;
  const std::size_t factor = std::max<std::size_t>(1, (std::max(height, width) + side - 1) / side);
  const std::size_t high = (height + factor - 1) / factor, wide = (width + factor - 1) / factor;
  image small = image::from_shape({high, wide, channels});
  small.fill(0);
  source.go_to(0);
  for (std::size_t top = 0; top < height;) {
    const auto rows = source.next();
    for (std::size_t y = 0; y < rows.shape(0); ++y)
      for (std::size_t x = 0; x < width; ++x)
        for (std::size_t c = 0; c < channels; ++c) small((top + y) / factor, x / factor, c) += rows(y, x, c);
    top += rows.shape(0);
  }
  const auto covered = [factor](std::size_t i, std::size_t length) { return static_cast<float>(std::min(length, (i + 1) * factor) - i * factor); };
  for (std::size_t y = 0; y < high; ++y)
    for (std::size_t x = 0; x < wide; ++x)
      for (std::size_t c = 0; c < channels; ++c) small(y, x, c) /= covered(y, height) * covered(x, width);

  label_image middle = label_image::from_shape({high, wide});
  std::size_t row = 0;
  labels.read([&](const label_image& rows) {
    for (std::size_t y = 0; y < rows.shape(0); ++y, ++row) {
      const std::size_t of = row / factor;
      if (row != std::min(of * factor + factor / 2, height - 1)) continue;
      for (std::size_t x = 0; x < wide; ++x) middle(of, x) = rows(y, std::min(x * factor + factor / 2, width - 1));
    }
  });
  return overlay(small, middle);
}

}  // namespace axonzoo
