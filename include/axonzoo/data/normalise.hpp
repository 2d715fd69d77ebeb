#pragma once

#include <cmath>
#include <cstddef>

#include <axonzoo/core/image.hpp>

namespace axonzoo {

/// Mean 0 and standard deviation 1 for each channel of the image [H, W, C], in place. A constant channel becomes zeros.
inline void z_score(image& pixels) {
  const std::size_t channels = pixels.shape(2);
  const std::size_t count = pixels.shape(0) * pixels.shape(1);
  float* const first = pixels.data();
  for (std::size_t c = 0; c < channels; ++c) {
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i) sum += static_cast<double>(first[i * channels + c]);
    const double mean = count ? sum / static_cast<double>(count) : 0;
    double squares = 0;  // about the mean: E[x^2] - mean^2 would cancel for 16-bit levels
    for (std::size_t i = 0; i < count; ++i) {
      const double off = static_cast<double>(first[i * channels + c]) - mean;
      squares += off * off;
    }
    const double deviation = count ? std::sqrt(squares / static_cast<double>(count)) : 0;
    // Below the resolution of float the differences are rounding, not signal.
    const double scale = deviation > 1e-7 * std::abs(mean) ? 1 / deviation : 0;
    for (std::size_t i = 0; i < count; ++i) {
      auto& value = first[i * channels + c];
      value = static_cast<float>((static_cast<double>(value) - mean) * scale);
    }
  }
}

}  // namespace axonzoo
