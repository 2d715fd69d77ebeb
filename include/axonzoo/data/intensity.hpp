#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include <axonzoo/data/warp.hpp>

namespace axonzoo {

// Changes of grey levels, in place, on n values in a row. Each is one or two loops that the compiler vectorises.

/// Least and greatest value.
inline std::pair<float, float> range_of(const float* values, std::int64_t n) {
  constexpr std::int64_t lanes = 16;
  std::array<float, lanes> low, high;
  low.fill(values[0]);
  high.fill(values[0]);
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    for (std::int64_t k = 0; k < lanes; ++k) {
      const float v = values[i + k];
      low[k] = v < low[k] ? v : low[k];
      high[k] = v > high[k] ? v : high[k];
    }
  }
  for (; i < n; ++i) {
    low[0] = std::min(low[0], values[i]);
    high[0] = std::max(high[0], values[i]);
  }
  return {*std::min_element(low.begin(), low.end()), *std::max_element(high.begin(), high.end())};
}

/// gain x + offset
inline void change_contrast(float* values, std::int64_t n, float gain, float offset) {
  for (std::int64_t i = 0; i < n; ++i) values[i] = gain * values[i] + offset;
}

/// ((x - low) / (high - low))^exponent, stretched back to low..high, the range of the values. The power is linear between 1025
/// knots: within 0.3 % of the range for exponents from 0.6.
inline void change_gamma(float* values, std::int64_t n, double exponent) {
  const auto [low, high] = range_of(values, n);
  if (!(high > low)) return;
  constexpr int knots = 1024;
  std::array<float, knots + 2> curve;
  for (int k = 0; k <= knots; ++k)
    curve[k] = low + (high - low) * static_cast<float>(std::pow(static_cast<double>(k) / knots, exponent));
  curve[knots + 1] = curve[knots];
  const float first = low, per_step = static_cast<float>(knots) / (high - low);
  const float* const table = curve.data();
  for (std::int64_t i = 0; i < n; ++i) {
    const float place = (values[i] - first) * per_step;
    const auto k = static_cast<std::int32_t>(place);
    values[i] = table[k] + (place - static_cast<float>(k)) * (table[k + 1] - table[k]);
  }
}

/// Adds noise of standard deviation sigma, another for each key. A normal deviate is the sum of eight uniform bytes from a
/// counter's hash (excess kurtosis -0.15), which costs a hundredth of an exact one.
inline void add_noise(float* values, std::int64_t n, float sigma, std::uint64_t key) {
  key = (key ^ (key >> 32)) * 0x9E3779B97F4A7C15U;  // so that each half depends on both
  key ^= key >> 29;
  key *= 0xBF58476D1CE4E5B9U;
  const auto key_low = static_cast<std::uint32_t>(key >> 32), key_high = static_cast<std::uint32_t>(key ^ (key >> 31));
  const float scale = sigma / 209.0231F;  // the sum's standard deviation, sqrt(8 (256^2 - 1) / 12)
  const auto mix = [](std::uint32_t x) {  // "lowbias32": https://github.com/skeeto/hash-prospector
    x ^= x >> 16;
    x *= 0x21f0aaadU;
    x ^= x >> 15;
    x *= 0x735a2d97U;
    return x ^ (x >> 15);
  };
  const auto bytes = [](std::uint32_t x) { return (x & 255U) + ((x >> 8) & 255U) + ((x >> 16) & 255U) + (x >> 24); };
  for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(n); ++i) {
    const std::uint32_t a = mix(i * 0x9e3779b9U + key_low), b = mix(a + key_high);
    values[i] += scale * static_cast<float>(static_cast<std::int32_t>(bytes(a) + bytes(b)) - 1020);
  }
}

/// Gaussian blur of [height, width, channels], mirrored at the borders.
inline void blur(float* values, std::int64_t height, std::int64_t width, std::int64_t channels, double sigma) {
  const auto reach = static_cast<std::int64_t>(std::ceil(2.5 * sigma));
  std::vector<float> taps(static_cast<std::size_t>(reach + 1));
  double sum = 0;
  for (std::int64_t k = 0; k <= reach; ++k) {
    const double tap = std::exp(-0.5 * static_cast<double>(k * k) / (sigma * sigma));
    taps[k] = static_cast<float>(tap);
    sum += k == 0 ? tap : 2 * tap;
  }
  for (auto& tap : taps) tap = static_cast<float>(tap / sum);

  const std::int64_t row = width * channels, margin = reach * channels;
  std::vector<float> across(static_cast<std::size_t>(height * row)), padded(static_cast<std::size_t>(row + 2 * margin));
  for (std::int64_t y = 0; y < height; ++y) {
    std::copy_n(values + y * row, row, padded.begin() + margin);
    for (std::int64_t k = 1; k <= reach; ++k) {
      for (std::int64_t c = 0; c < channels; ++c) {
        padded[margin - k * channels + c] = values[y * row + reflect(-k, width) * channels + c];
        padded[margin + row + (k - 1) * channels + c] = values[y * row + reflect(width + k - 1, width) * channels + c];
      }
    }
    const float* const in = padded.data() + margin;
    float* const out = across.data() + y * row;
    for (std::int64_t x = 0; x < row; ++x) out[x] = taps[0] * in[x];
    for (std::int64_t k = 1; k <= reach; ++k) {
      const std::int64_t step = k * channels;
      for (std::int64_t x = 0; x < row; ++x) out[x] += taps[k] * (in[x - step] + in[x + step]);
    }
  }
  for (std::int64_t y = 0; y < height; ++y) {
    float* const out = values + y * row;
    const float* const middle = across.data() + y * row;
    for (std::int64_t x = 0; x < row; ++x) out[x] = taps[0] * middle[x];
    for (std::int64_t k = 1; k <= reach; ++k) {
      const float* const above = across.data() + reflect(y - k, height) * row;
      const float* const below = across.data() + reflect(y + k, height) * row;
      for (std::int64_t x = 0; x < row; ++x) out[x] += taps[k] * (above[x] + below[x]);
    }
  }
}

}  // namespace axonzoo
