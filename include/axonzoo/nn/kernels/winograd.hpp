#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include <axonzoo/nn/kernels/each_lanes.hpp>
#include <axonzoo/nn/kernels/lanes.hpp>
#include <axonzoo/nn/kernels/pixels.hpp>
#include <axonzoo/nn/kernels/whole_lanes.hpp>

/// The transforms of Winograd's minimal filtering with a 3x3 kernel and tiles of 2x2 outputs, F(2x2, 3x3) (Lavin & Gray 2016): an
/// output tile is A^T [(G w G^T) * (B^T d B)] A with d the 4x4 input pixels under it and * elementwise, so that 16 products replace
/// 36. A tile's 16 components are kept apart: each is a matrix product over the channels. The gradient of the weights is the
/// same with other matrices, F(3x3, 2x2): d as before, the 2x2 output gradients spread to 4x4.
namespace axonzoo::kernels::winograd {

inline constexpr std::int64_t components = 16;

/// A run of tiles in one row of tiles of one image.
struct tile_run {
  std::int64_t image = 0, row = 0, first = 0, count = 0;
};

/// A row of `per_row` tiles is cut into runs of equal length, at most about `most` tiles each.
struct tile_grid {
  std::int64_t images, rows, per_row, cuts;

  tile_grid(std::int64_t images_, std::int64_t height, std::int64_t width, std::int64_t most)
      : images(images_), rows((height + 1) / 2), per_row((width + 1) / 2), cuts((per_row + most - 1) / most) {}

  [[nodiscard]] std::int64_t runs() const { return images * rows * cuts; }
  [[nodiscard]] std::int64_t longest() const { return (per_row + cuts - 1) / cuts; }
  [[nodiscard]] tile_run operator[](std::int64_t i) const {
    const std::int64_t cut = i % cuts, row = i / cuts, begin = per_row * cut / cuts;
    return {row / rows, row % rows, begin, per_row * (cut + 1) / cuts - begin};
  }
};

/// At least `elements`, such that the same element of all components falls into different sets of the first-level cache.
template <class T>
std::int64_t component_stride_for(std::int64_t elements) {
  constexpr std::int64_t line = 64 / static_cast<std::int64_t>(sizeof(T)), sets = 64, apart = 5;
  const std::int64_t lines = (elements + line - 1) / line;
  return (lines + (apart + sets - lines % sets) % sets) * line;
}

namespace detail {

/// What a transform of T is computed in.
template <class T>
using lanes_of = std::conditional_t<std::is_same_v<T, std::int16_t>, short_lanes, lanes>;

template <class Lanes>
struct four_lanes {
  Lanes a, b, c, d;
};

}  // namespace detail

/// B^T d B of a run's tiles: to[component][tile][channel], `component_stride` and `tile_stride` in elements. The tile at (row, i)
/// reads input rows from 2 row + top and columns from 2 i + left; outside of the image is zero.
template <class T, class To>
void transform_input(const pixels<const T>& input, const tile_run& run, std::int64_t top, std::int64_t left, To* to,
                     std::int64_t component_stride, std::int64_t tile_stride) {
  const T* rows[4];
  for (std::int64_t r = 0; r < 4; ++r) {
    const std::int64_t y = 2 * run.row + top + r;
    rows[r] = y >= 0 && y < input.height ? input.row(run.image, y) : nullptr;
  }
  const bool all_rows = rows[0] != nullptr && rows[1] != nullptr && rows[2] != nullptr && rows[3] != nullptr;
  const std::int64_t begin = 2 * run.first + left;

  each_lanes(0, input.channels, [&](std::int64_t c, auto count) {
    using wide = detail::lanes_of<T>;
    using four = detail::four_lanes<wide>;
    const auto differences = [](const wide& r0, const wide& r1, const wide& r2, const wide& r3) __attribute__((always_inline)) {
      return four{r0 - r2, r1 + r2, r2 - r1, r1 - r3};
    };
    const auto inner_column = [&](std::int64_t x) __attribute__((always_inline)) {
      const std::int64_t at = x * input.pixel_stride + c;
      return differences(load_lanes<wide>(rows[0] + at, count), load_lanes<wide>(rows[1] + at, count),
                         load_lanes<wide>(rows[2] + at, count), load_lanes<wide>(rows[3] + at, count));
    };
    const auto any_column = [&](std::int64_t x) __attribute__((noinline)) {
      const auto pixel = [&](int r) {
        const bool inside = x >= 0 && x < input.width && rows[r] != nullptr;
        return inside ? load_lanes<wide>(rows[r] + x * input.pixel_stride + c, count) : wide::all(0);
      };
      return differences(pixel(0), pixel(1), pixel(2), pixel(3));
    };
    To* tile = to + c;
    const auto put = [&](const wide& d0, const wide& d1, const wide& d2, const wide& d3, To* component) __attribute__((always_inline)) {
      store_lanes(d0 - d2, component, count);
      store_lanes(d1 + d2, component + component_stride, count);
      store_lanes(d2 - d1, component + 2 * component_stride, count);
      store_lanes(d1 - d3, component + 3 * component_stride, count);
    };
    four first = any_column(begin), second = any_column(begin + 1);
    const auto finish = [&](const four& third, const four& fourth) __attribute__((always_inline)) {
      put(first.a, second.a, third.a, fourth.a, tile);
      put(first.b, second.b, third.b, fourth.b, tile + 4 * component_stride);
      put(first.c, second.c, third.c, fourth.c, tile + 8 * component_stride);
      put(first.d, second.d, third.d, fourth.d, tile + 12 * component_stride);
      first = third;
      second = fourth;
      tile += tile_stride;
    };
    for (std::int64_t i = 0; i < run.count; ++i) {
      const std::int64_t x = begin + 2 * i + 2;
      if (all_rows && x + 1 < input.width && x >= 0) {
        finish(inner_column(x), inner_column(x + 1));
      } else {
        finish(any_column(x), any_column(x + 1));
      }
    }
  });
}

/// Output gradients of a run's tiles spread to 16 components, layout as above.
template <class T, class To>
void transform_gradient(const pixels<const T>& gradient, const tile_run& run, To* to, std::int64_t component_stride,
                        std::int64_t tile_stride) {
  const T* const upper = gradient.row(run.image, 2 * run.row);
  const T* const lower = 2 * run.row + 1 < gradient.height ? gradient.row(run.image, 2 * run.row + 1) : nullptr;
  const lanes half = lanes::all(0.5F), zero = lanes::all(0);
  const auto spread = [&half](const lanes& a, const lanes& b, lanes(&d)[4]) __attribute__((always_inline)) {
    d[0] = a;
    d[1] = (a + b) * half;
    d[2] = (a - b) * half;
    d[3] = b;
  };
  each_lanes(0, gradient.channels, [&](std::int64_t c, auto count) {
    To* tile = to + c;
    for (std::int64_t i = 0; i < run.count; ++i, tile += tile_stride) {
      const std::int64_t x = 2 * (run.first + i), at = x * gradient.pixel_stride + c, next = at + gradient.pixel_stride;
      const bool beside = x + 1 < gradient.width;
      lanes left[4], right[4], d[4];
      spread(load_lanes(upper + at, count), lower ? load_lanes(lower + at, count) : zero, left);
      spread(beside ? load_lanes(upper + next, count) : zero,
             beside && lower ? load_lanes(lower + next, count) : zero, right);
      To* component = tile;
      for (int r = 0; r < 4; ++r, component += 4 * component_stride) {
        spread(left[r], right[r], d);
        for (int s = 0; s < 4; ++s) store_lanes(d[s], component + s * component_stride, count);
      }
    }
  });
}

namespace detail {

/// A^T m A of a run's tiles, m[component][tile][lane]: to the 2x2 pixels of each tile, channels from `channel` on. `last(c)` gives what makes a sum in `Sums` the
/// pixel's, for the channels from c on.
template <class Sums, class From, class To, class Last>
[[gnu::always_inline]] inline void transform_tiles(const From* m, std::int64_t component_stride, std::int64_t tile_stride, const pixels<To>& output, std::int64_t channel,
                                                   std::int64_t channels, const tile_run& run, const Last& last) {
  for (std::int64_t i = 0; i < run.count; ++i, m += tile_stride) {
    const std::int64_t y = 2 * run.row, x = 2 * (run.first + i);
    To* const pixel = output.row(run.image, y) + x * output.pixel_stride + channel;
    const bool below = y + 1 < output.height, beside = x + 1 < output.width;
    each_lanes(0, channels, [&](std::int64_t c, auto count) __attribute__((always_inline)) {
      const auto value = last(c);
      Sums upper[4], lower[4];
      for (int s = 0; s < 4; ++s) {
        const From* const from = m + s * component_stride + c;
        const Sums r0 = Sums::load(from), r1 = Sums::load(from + 4 * component_stride), r2 = Sums::load(from + 8 * component_stride),
                   r3 = Sums::load(from + 12 * component_stride);
        upper[s] = r0 + r1 + r2;
        lower[s] = r1 - r2 - r3;
      }
      const auto finish = [&](const Sums(&row)[4], To* to) __attribute__((always_inline)) {
        store_lanes(value(row[0] + row[1] + row[2]), to, count);
        if (beside) store_lanes(value(row[1] - row[2] - row[3]), to + output.pixel_stride, count);
      };
      finish(upper, pixel + c);
      if (below) finish(lower, pixel + output.row_stride + c);
    });
  }
}

inline lanes bias_lanes(const float* bias, std::int64_t c) { return bias == nullptr ? lanes::all(0) : lanes::load(bias + c); }

}  // namespace detail

/// A^T m A + bias[lane] of a run's tiles, m[component][tile][lane] in float32: to the 2x2 pixels of each tile, channels from `channel` on.
template <class T>
void transform_output(const float* m, std::int64_t component_stride, std::int64_t tile_stride, const float* bias,
                      const pixels<T>& output, std::int64_t channel, std::int64_t channels, const tile_run& run) {
  detail::transform_tiles<lanes>(m, component_stride, tile_stride, output, channel, channels, run, [bias](std::int64_t c) __attribute__((always_inline)) {
    return [start = detail::bias_lanes(bias, c)](const lanes& sum) __attribute__((always_inline)) { return sum + start; };
  });
}

#if defined(AXONZOO_VECTORS)

/// The same of 32-bit whole numbers: A^T m A scale[lane] + bias[lane].
inline void transform_whole_output(const std::int32_t* m, std::int64_t component_stride, std::int64_t tile_stride, const float* scale, const float* bias,
                                   const pixels<float>& output, std::int64_t channel, std::int64_t channels, const tile_run& run) {
  detail::transform_tiles<whole_lanes>(m, component_stride, tile_stride, output, channel, channels, run, [scale, bias](std::int64_t c) __attribute__((always_inline)) {
    return [start = detail::bias_lanes(bias, c), factor = lanes::load(scale + c)](const whole_lanes& sum) __attribute__((always_inline)) {
      return fma(sum.floats(), factor, start);
    };
  });
}

#endif

}  // namespace axonzoo::kernels::winograd
