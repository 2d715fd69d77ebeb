#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <axonzoo/core/image.hpp>

namespace axonzoo {

namespace detail {

/// The samples that each output sample is a mean of, with weights in units of 2^-22.
struct fixed_point_taps {
  std::vector<std::size_t> first, count;
  std::vector<std::int32_t> weight;  ///< [outputs, most]
  std::size_t most = 0;
};

/// A triangle as wide as an output sample (as wide as an input sample when enlarging), sampled at the centres.
inline fixed_point_taps triangle_taps(std::size_t in, std::size_t out) {
  const double scale = static_cast<double>(in) / static_cast<double>(out), reach = std::max(scale, 1.0);
  fixed_point_taps taps;
  taps.first.resize(out);
  taps.count.resize(out);
  taps.most = static_cast<std::size_t>(std::ceil(reach)) * 2 + 1;
  taps.weight.assign(out * taps.most, 0);
  std::vector<double> weight(taps.most);
  for (std::size_t o = 0; o < out; ++o) {
    const double centre = (static_cast<double>(o) + 0.5) * scale;
    const auto begin = static_cast<std::size_t>(std::max(centre - reach + 0.5, 0.0));
    const auto end = std::min(static_cast<std::size_t>(centre + reach + 0.5), in);
    double sum = 0;
    for (std::size_t i = begin; i < end; ++i)
      sum += weight[i - begin] = std::max(1 - std::abs((static_cast<double>(i) - centre + 0.5) / reach), 0.0);
    taps.first[o] = begin;
    taps.count[o] = end - begin;
    for (std::size_t i = 0; i < end - begin; ++i)
      taps.weight[o * taps.most + i] = static_cast<std::int32_t>(0.5 + weight[i] / sum * (1 << 22));
  }
  return taps;
}

inline std::uint8_t rounded_level(std::int32_t sum) { return static_cast<std::uint8_t>(std::clamp(sum >> 22, 0, 255)); }

}  // namespace detail

/// Resizes a picture with a triangle filter, first along the rows, then along the columns, rounding to 8 bits after each: bit by
/// bit what Pillow's resize with BILINEAR gives, which SAM's images are made with.
[[nodiscard]] inline rgb_image resize_8bit(const rgb_image& from, std::size_t height, std::size_t width) {
  const std::size_t rows = from.shape(0), columns = from.shape(1);
  constexpr std::int32_t half = 1 << 21;
  rgb_image wide = from;
  if (width != columns) {
    const auto taps = detail::triangle_taps(columns, width);
    wide = rgb_image::from_shape({rows, width, 3});
    for (std::size_t y = 0; y < rows; ++y) {
      for (std::size_t x = 0; x < width; ++x) {
        const std::uint8_t* source = from.data() + 3 * (y * columns + taps.first[x]);
        const std::int32_t* weight = taps.weight.data() + x * taps.most;
        std::int32_t sum[3] = {half, half, half};
        for (std::size_t i = 0; i < taps.count[x]; ++i)
          for (std::size_t c = 0; c < 3; ++c) sum[c] += source[3 * i + c] * weight[i];
        for (std::size_t c = 0; c < 3; ++c) wide.data()[3 * (y * width + x) + c] = detail::rounded_level(sum[c]);
      }
    }
  }
  if (height == rows) return wide;
  const auto taps = detail::triangle_taps(rows, height);
  auto made = rgb_image::from_shape({height, width, 3});
  std::vector<std::int32_t> sum(3 * width);
  for (std::size_t y = 0; y < height; ++y) {
    std::fill(sum.begin(), sum.end(), half);
    for (std::size_t i = 0; i < taps.count[y]; ++i) {
      const std::uint8_t* source = wide.data() + 3 * width * (taps.first[y] + i);
      const std::int32_t weight = taps.weight[y * taps.most + i];
      for (std::size_t x = 0; x < 3 * width; ++x) sum[x] += source[x] * weight;
    }
    for (std::size_t x = 0; x < 3 * width; ++x) made.data()[3 * width * y + x] = detail::rounded_level(sum[x]);
  }
  return made;
}

}  // namespace axonzoo
