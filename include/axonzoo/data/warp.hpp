#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include <axonzoo/data/prepared_micrograph.hpp>

namespace axonzoo {

/// Where a patch is written: pixels [size, size, channels] and labels [size, size], row-major, in memory of the caller.
struct patch_target {
  float* pixels;
  std::uint8_t* labels;
  std::int64_t size;
};

/// Position in 0..n-1 of any position on a line of n pixels that is mirrored at its ends (... 1 0 | 0 1 ... n-1 | n-1 ...).
inline std::int64_t reflect(std::int64_t position, std::int64_t n) {
  if (position >= 0 && position < n) return position;
  position %= 2 * n;
  if (position < 0) position += 2 * n;
  return position < n ? position : 2 * n - 1 - position;
}

/// Geometry of a patch: pixel (i, j) of it shows the point centre + matrix (i - h, j - h) + displacement(i, j) of the image,
/// where h = (size - 1) / 2. Displacements are given at the nodes of a grid of `cells` x `cells` and bilinear between them.
struct warp {
  double row = 0, column = 0;  ///< centre
  double matrix[2][2] = {{1, 0}, {0, 1}};
  std::int64_t cells = 0;           ///< 0: no displacement
  std::vector<float> row_shift;     ///< [cells + 1, cells + 1]
  std::vector<float> column_shift;  ///< [cells + 1, cells + 1]
};

namespace detail {

/// A stretch of one row of a patch: its first point in the image and the step from pixel to pixel.
struct warp_stretch {
  double row, column, row_step, column_step;
  std::int64_t length;
};

template <class Channels>
void warp_inside(const prepared_micrograph& source, const warp_stretch& s, float* pixels, std::uint8_t* labels,
                 Channels channels) {
  // Local coordinates, positive up to rounding, keep floats exact to 1e-4 px in images of any size and offsets within 32 bits.
  const auto width = static_cast<std::int64_t>(source.pixels.shape(1));
  const double last = static_cast<double>(s.length - 1);
  const auto top = static_cast<std::int64_t>(std::min(s.row, s.row + last * s.row_step));
  const auto left = static_cast<std::int64_t>(std::min(s.column, s.column + last * s.column_step));
  const float y0 = static_cast<float>(s.row - static_cast<double>(top)),
              x0 = static_cast<float>(s.column - static_cast<double>(left));
  const float dy = static_cast<float>(s.row_step), dx = static_cast<float>(s.column_step);
  const auto across = static_cast<std::int32_t>(width);
  const std::int64_t corner = top * width + left;
  const float* const p = source.pixels.data() + corner * channels;
  const auto pitch = static_cast<std::int32_t>(width * channels);
  const auto next = static_cast<std::int32_t>(channels);
  for (std::int32_t k = 0; k < static_cast<std::int32_t>(s.length); ++k) {
    const float y = y0 + static_cast<float>(k) * dy, x = x0 + static_cast<float>(k) * dx;
    const auto iy = static_cast<std::int32_t>(y), ix = static_cast<std::int32_t>(x);
    const float wy = y - static_cast<float>(iy), wx = x - static_cast<float>(ix);
    const std::int32_t at = iy * pitch + ix * next;
    for (std::int32_t c = 0; c < next; ++c) {
      const float above = p[at + c] + wx * (p[at + c + next] - p[at + c]);
      const float below = p[at + c + pitch] + wx * (p[at + c + pitch + next] - p[at + c + pitch]);
      pixels[k * next + c] = above + wy * (below - above);
    }
  }
  if (source.labels.size() == 0) return;
  const std::uint8_t* const q = source.labels.data() + corner;
  for (std::int32_t k = 0; k < static_cast<std::int32_t>(s.length); ++k) {
    const float y = y0 + static_cast<float>(k) * dy, x = x0 + static_cast<float>(k) * dx;
    labels[k] = q[static_cast<std::int32_t>(y + 0.5F) * across + static_cast<std::int32_t>(x + 0.5F)];
  }
}

inline void warp_across_border(const prepared_micrograph& source, const warp_stretch& s, float* pixels, std::uint8_t* labels) {
  const auto height = static_cast<std::int64_t>(source.pixels.shape(0)),
             width = static_cast<std::int64_t>(source.pixels.shape(1));
  const auto channels = static_cast<std::int64_t>(source.pixels.shape(2));
  const float* const p = source.pixels.data();
  for (std::int64_t k = 0; k < s.length; ++k) {
    const double y = s.row + static_cast<double>(k) * s.row_step, x = s.column + static_cast<double>(k) * s.column_step;
    const double fy = std::floor(y), fx = std::floor(x);
    const auto iy = static_cast<std::int64_t>(fy), ix = static_cast<std::int64_t>(fx);
    const auto wy = static_cast<float>(y - fy), wx = static_cast<float>(x - fx);
    const std::int64_t above = reflect(iy, height) * width, below = reflect(iy + 1, height) * width;
    const std::int64_t left = reflect(ix, width), right = reflect(ix + 1, width);
    for (std::int64_t c = 0; c < channels; ++c) {
      const float a = p[(above + left) * channels + c], b = p[(below + left) * channels + c];
      const float upper = a + wx * (p[(above + right) * channels + c] - a),
                  lower = b + wx * (p[(below + right) * channels + c] - b);
      pixels[k * channels + c] = upper + wy * (lower - upper);
    }
    if (source.labels.size() != 0) {
      const auto ny = static_cast<std::int64_t>(std::floor(y + 0.5)), nx = static_cast<std::int64_t>(std::floor(x + 0.5));
      labels[k] = source.labels.data()[reflect(ny, height) * width + reflect(nx, width)];
    }
  }
}

inline void warp_along(const prepared_micrograph& source, const warp_stretch& s, float* pixels, std::uint8_t* labels) {
  constexpr double margin = 0.01;  // more than float rounding of the local coordinates
  const double last = static_cast<double>(s.length - 1);
  const auto [top, bottom] = std::minmax({s.row, s.row + last * s.row_step});
  const auto [left, right] = std::minmax({s.column, s.column + last * s.column_step});
  const bool inside = top >= margin && left >= margin && bottom < static_cast<double>(source.pixels.shape(0)) - 1 - margin &&
                      right < static_cast<double>(source.pixels.shape(1)) - 1 - margin;
  if (!inside) return warp_across_border(source, s, pixels, labels);
  const auto channels = static_cast<std::int64_t>(source.pixels.shape(2));
  if (channels == 1) return warp_inside(source, s, pixels, labels, std::integral_constant<std::int64_t, 1>{});
  if (channels == 3) return warp_inside(source, s, pixels, labels, std::integral_constant<std::int64_t, 3>{});
  warp_inside(source, s, pixels, labels, channels);
}

}  // namespace detail

/// Pixels bilinear, labels nearest, both mirrored beyond the image's borders. Source coordinates are linear between the nodes of
/// the displacement grid, so that each stretch of a row between two nodes is one loop without a branch.
inline void warp_patch(const prepared_micrograph& source, const warp& w, const patch_target& target) {
  const std::int64_t size = target.size, cells = std::max<std::int64_t>(w.cells, 1);
  const auto channels = static_cast<std::int64_t>(source.pixels.shape(2));
  const double half = static_cast<double>(size - 1) / 2;
  std::vector<double> rows(static_cast<std::size_t>(cells + 1), 0.0), columns(static_cast<std::size_t>(cells + 1), 0.0);
  if (source.labels.size() == 0) std::memset(target.labels, 0, static_cast<std::size_t>(size * size));
  for (std::int64_t i = 0; i < size; ++i) {
    if (w.cells > 0) {
      const double place = static_cast<double>(i * cells) / static_cast<double>(size);
      const auto above = static_cast<std::size_t>(place) * rows.size();
      const double weight = place - std::floor(place);
      for (std::size_t n = 0; n < rows.size(); ++n) {
        rows[n] = (1 - weight) * w.row_shift[above + n] + weight * w.row_shift[above + rows.size() + n];
        columns[n] = (1 - weight) * w.column_shift[above + n] + weight * w.column_shift[above + rows.size() + n];
      }
    }
    const double y = static_cast<double>(i) - half;
    for (std::int64_t cell = 0; cell < cells; ++cell) {
      const std::int64_t begin = (cell * size + cells - 1) / cells, end = ((cell + 1) * size + cells - 1) / cells;
      if (begin == end) continue;
      const auto n = static_cast<std::size_t>(cell);
      const double per_pixel = static_cast<double>(cells) / static_cast<double>(size);
      const double row_slope = (rows[n + 1] - rows[n]) * per_pixel, column_slope = (columns[n + 1] - columns[n]) * per_pixel;
      const double into = static_cast<double>(begin) - static_cast<double>(cell) / per_pixel,
                   x = static_cast<double>(begin) - half;
      const detail::warp_stretch stretch{w.row + w.matrix[0][0] * y + w.matrix[0][1] * x + rows[n] + into * row_slope,
                                         w.column + w.matrix[1][0] * y + w.matrix[1][1] * x + columns[n] + into * column_slope,
                                         w.matrix[0][1] + row_slope, w.matrix[1][1] + column_slope, end - begin};
      detail::warp_along(source, stretch, target.pixels + (i * size + begin) * channels, target.labels + i * size + begin);
    }
  }
}

}  // namespace axonzoo
