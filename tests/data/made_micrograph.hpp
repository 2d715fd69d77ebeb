#pragma once

#include <cmath>
#include <cstdint>
#include <functional>

#include <axonzoo/data/prepared_micrograph.hpp>

/// A prepared micrograph of h x w whose pixel and label at (row, column, channel) a function gives.
inline axonzoo::prepared_micrograph made_micrograph(std::size_t h, std::size_t w, std::size_t channels,
                                                    const std::function<double(std::size_t, std::size_t, std::size_t)>& level,
                                                    const std::function<int(std::size_t, std::size_t)>& label) {
  axonzoo::prepared_micrograph made;
  made.pixels = axonzoo::image::from_shape({h, w, channels});
  made.labels = axonzoo::label_image::from_shape({h, w});
  for (std::size_t y = 0; y < h; ++y)
    for (std::size_t x = 0; x < w; ++x) {
      for (std::size_t c = 0; c < channels; ++c) made.pixels(y, x, c) = static_cast<float>(level(y, x, c));
      made.labels(y, x) = static_cast<std::uint8_t>(label(y, x));
    }
  made.foreground = axonzoo::sample_foreground(made.labels);
  return made;
}

/// Levels without any symmetry, in 0..1.
inline double scattered(std::size_t y, std::size_t x, std::size_t c) {
  const double s =
      std::sin(12.9898 * static_cast<double>(y) + 78.233 * static_cast<double>(x) + 37.719 * static_cast<double>(c)) * 43758.5453;
  return s - std::floor(s);
}
