#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include <axonzoo/data/prepared_micrograph.hpp>
#include <axonzoo/data/warp.hpp>

namespace axonzoo {

/// One of the eight symmetries of the square: mirrored top to bottom (bit 0), left to right (bit 1), then transposed (bit 2).
using quarter_turn = unsigned;

namespace detail {

template <class T>
void crop_plane(const T* source, std::int64_t pitch, const std::vector<std::int64_t>& rows,
                const std::vector<std::int64_t>& columns, std::int64_t channels, bool transposed, T* target) {
  const auto size = static_cast<std::int64_t>(rows.size());
  const bool in_order = !transposed && columns.back() - columns.front() == size - 1;
  if (in_order) {
    for (std::int64_t i = 0; i < size; ++i) {
      std::memcpy(target + i * size * channels, source + (rows[i] * pitch + columns[0]) * channels, sizeof(T) * size * channels);
    }
    return;
  }
  // Blocks keep a transposition's cache lines until all of their pixels are used.
  constexpr std::int64_t block = 16;
  for (std::int64_t top = 0; top < size; top += block) {
    for (std::int64_t left = 0; left < size; left += block) {
      for (std::int64_t i = top; i < std::min(top + block, size); ++i) {
        for (std::int64_t j = left; j < std::min(left + block, size); ++j) {
          const T* const from = source + (transposed ? rows[j] * pitch + columns[i] : rows[i] * pitch + columns[j]) * channels;
          for (std::int64_t c = 0; c < channels; ++c) target[(i * size + j) * channels + c] = from[c];
        }
      }
    }
  }
}

}  // namespace detail

/// Copies the square whose first pixel is (top, left), turned; beyond its borders the image is mirrored.
inline void crop_patch(const prepared_micrograph& source, std::int64_t top, std::int64_t left, quarter_turn turn,
                       const patch_target& target) {
  const auto height = static_cast<std::int64_t>(source.pixels.shape(0)),
             width = static_cast<std::int64_t>(source.pixels.shape(1));
  const auto channels = static_cast<std::int64_t>(source.pixels.shape(2));
  std::vector<std::int64_t> rows(static_cast<std::size_t>(target.size)), columns(rows.size());
  for (std::int64_t k = 0; k < target.size; ++k) {
    rows[k] = reflect(top + k, height);
    columns[k] = reflect(left + k, width);
  }
  if (turn & 1U) std::reverse(rows.begin(), rows.end());
  if (turn & 2U) std::reverse(columns.begin(), columns.end());
  const bool transposed = (turn & 4U) != 0;
  detail::crop_plane(source.pixels.data(), width, rows, columns, channels, transposed, target.pixels);
  if (source.labels.size() == 0) {
    std::memset(target.labels, 0, static_cast<std::size_t>(target.size * target.size));
  } else {
    detail::crop_plane(source.labels.data(), width, rows, columns, 1, transposed, target.labels);
  }
}

}  // namespace axonzoo
