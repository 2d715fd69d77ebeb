#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <axonzoo/core/image.hpp>
#include <axonzoo/core/random.hpp>

namespace axonzoo::detail {

/// Adds noise that is correlated over `spacing` px: random levels on a lattice, interpolated smoothly. Its standard deviation is
/// that of the pixel's class.
inline void add_texture(image& pixels, const label_image& labels, double spacing, const std::array<float, 3>& strength,
                        std::uint64_t seed, std::uint64_t purpose) {
  const std::size_t rows = pixels.shape(0), columns = pixels.shape(1);
  spacing = std::max(1.0, spacing);
  struct weight {
    std::size_t at;
    float of_next;
  };
  const auto weight_at = [spacing](std::size_t i) {
    const double place = static_cast<double>(i) / spacing, floor = std::floor(place), t = place - floor;
    return weight{static_cast<std::size_t>(floor), static_cast<float>(t * t * (3 - 2 * t))};
  };
  std::vector<weight> across;
  for (std::size_t x = 0; x < columns; ++x) across.push_back(weight_at(x));
  const std::size_t nodes = across.back().at + 2;
  const auto line = [&](std::size_t row) {
    random_stream random(seed, purpose, row);
    std::vector<float> made(nodes);
    for (auto& one : made) one = static_cast<float>(random.normal());
    return made;
  };
  const float restore = spacing > 1 ? 1.35f : 1.f;  // interpolation averages, and averages are quieter
  std::size_t row = 0;
  auto above = line(0), below = line(1), level = above;
  for (std::size_t y = 0; y < rows; ++y) {
    const auto down = weight_at(y);
    while (row < down.at) {
      above.swap(below);
      below = line(++row + 1);
    }
    for (std::size_t i = 0; i < nodes; ++i) level[i] = above[i] + down.of_next * (below[i] - above[i]);
    float* const to = pixels.data() + y * columns;
    const std::uint8_t* const label = labels.data() + y * columns;
    for (std::size_t x = 0; x < columns; ++x) {
      const auto& [at, next] = across[x];
      to[x] += restore * strength[label[x]] * (level[at] + next * (level[at + 1] - level[at]));
    }
  }
}

/// Convolves with a Gaussian; the image is mirrored at its borders.
inline void blur(image& pixels, double sigma) {
  if (sigma < 0.05) return;
  const auto reach = static_cast<std::ptrdiff_t>(std::ceil(3 * sigma));
  std::vector<float> kernel;
  float sum = 0;
  for (std::ptrdiff_t i = -reach; i <= reach; ++i) {
    kernel.push_back(static_cast<float>(std::exp(-static_cast<double>(i * i) / (2 * sigma * sigma))));
    sum += kernel.back();
  }
  for (auto& one : kernel) one /= sum;
  const auto rows = static_cast<std::ptrdiff_t>(pixels.shape(0)), columns = static_cast<std::ptrdiff_t>(pixels.shape(1));
  const auto mirrored = [](std::ptrdiff_t i, std::ptrdiff_t n) {
    i %= 2 * n;
    if (i < 0) i += 2 * n;
    return i < n ? i : 2 * n - 1 - i;
  };
  std::vector<float> padded(static_cast<std::size_t>(columns + 2 * reach));
  for (std::ptrdiff_t y = 0; y < rows; ++y) {
    float* const row = pixels.data() + y * columns;
    for (std::ptrdiff_t x = -reach; x < columns + reach; ++x) padded[static_cast<std::size_t>(x + reach)] = row[mirrored(x, columns)];
    std::fill_n(row, columns, 0.f);
    for (std::size_t k = 0; k < kernel.size(); ++k)
      for (std::ptrdiff_t x = 0; x < columns; ++x) row[x] += kernel[k] * padded[k + static_cast<std::size_t>(x)];
  }
  const image across = pixels;
  for (std::ptrdiff_t y = 0; y < rows; ++y) {
    float* const row = pixels.data() + y * columns;
    std::fill_n(row, columns, 0.f);
    for (std::size_t k = 0; k < kernel.size(); ++k) {
      const float* const from = across.data() + mirrored(y + static_cast<std::ptrdiff_t>(k) - reach, rows) * columns;
      for (std::ptrdiff_t x = 0; x < columns; ++x) row[x] += kernel[k] * from[x];
    }
  }
}

}  // namespace axonzoo::detail
