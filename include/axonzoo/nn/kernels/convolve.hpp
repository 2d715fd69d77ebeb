#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include <ATen/Parallel.h>

#include <axonzoo/nn/kernels/band.hpp>
#include <axonzoo/nn/kernels/filters.hpp>
#include <axonzoo/nn/kernels/pixels.hpp>
#include <axonzoo/nn/kernels/scratch.hpp>
#include <axonzoo/nn/kernels/vector.hpp>

#if defined(AXONZOO_AVX512)

namespace axonzoo::kernels {

/// Direct convolution of channels_last images. A tile of pixels times a block of output channels stays in registers while all
/// taps and input channels pass: each step broadcasts one unit of each pixel and multiplies it with the block's weights. Rows of
/// taps are contiguous in memory because channels are.
namespace direct {

struct tile_strides {
  std::int64_t rows, row_units;       ///< taps
  std::int64_t pixel, row;            ///< of the input, in bytes
  std::int64_t output;                ///< of an output pixel, in elements
  int lanes;                          ///< real output channels of the block
};

template <class T>
using tile_kernel = void (*)(const tile_strides&, const char*, const std::uint32_t*, const float*, T*);

template <class T, int Pixels, int Halves>
void tile(const tile_strides& s, const char* input, const std::uint32_t* weights, const float* bias, T* output) {
  constexpr int full = Halves / 2, tail = Halves % 2, width = Halves * 8;
  using wide = vector<16>;
  using half = vector<8>;
  typename wide::type sums[Pixels][full + 1];
  typename half::type tails[Pixels];
  unrolled<Pixels>([&](auto p) __attribute__((always_inline)) {
    unrolled<full>([&](auto v) __attribute__((always_inline)) { sums[p][v] = bias ? wide::load(bias + 16 * v) : wide::zero(); });
    if constexpr (tail != 0) tails[p] = bias ? half::load(bias + 16 * full) : half::zero();
  });
  // Every third pixel has a pointer of its own; the two after it are reached by the addressing modes.
  constexpr int bases = (Pixels + 2) / 3;
  const std::int64_t step = s.pixel;
  for (std::int64_t row = 0; row < s.rows; ++row, input += s.row) {
    const char* base[bases];
    unrolled<bases>([&](auto b) __attribute__((always_inline)) { base[b] = input + 3 * b * step; });
    for (std::int64_t unit = 0; unit < s.row_units; ++unit, weights += width) {
      typename wide::type w[full + 1];
      typename half::type t;
      unrolled<full>([&](auto v) __attribute__((always_inline)) { w[v] = wide::load(weights + 16 * v); });
      if constexpr (tail != 0) t = half::load(weights + 16 * full);
      unrolled<Pixels>([&](auto p) __attribute__((always_inline)) {
        const auto* const unit = reinterpret_cast<const std::uint32_t*>(base[p / 3] + (p % 3) * step);
        if constexpr (full == 0) {
          tails[p] = half::multiply_add<T>(tails[p], half::broadcast(unit), t);
        } else {
          const auto x = wide::broadcast(unit);
          unrolled<full>([&](auto v) __attribute__((always_inline)) { sums[p][v] = wide::multiply_add<T>(sums[p][v], x, w[v]); });
          if constexpr (tail != 0) tails[p] = half::multiply_add<T>(tails[p], half::narrow(x), t);
        }
      });
      unrolled<bases>([&](auto b) __attribute__((always_inline)) { base[b] += 4; });
    }
  }
  unrolled<Pixels>([&](auto p) __attribute__((always_inline)) {
    T* const to = output + p * s.output;
    unrolled<full>([&](auto v) __attribute__((always_inline)) {
      if constexpr (tail == 0 && v + 1 == full) {
        wide::store(to + 16 * v, sums[p][v], s.lanes - 16 * v);
      } else {
        wide::store(to + 16 * v, sums[p][v]);
      }
    });
    if constexpr (tail != 0) half::store(to + 16 * full, tails[p], s.lanes - 16 * full);
  });
}

/// Pixels of a tile, by falling size; blocks of more than four halves have registers for eight pixels only.
inline constexpr std::array<int, 5> tile_pixels{12, 8, 4, 2, 1};

template <class T, int Halves, std::size_t... Sizes>
constexpr std::array<tile_kernel<T>, 5> tiles_of(std::index_sequence<Sizes...>) {
  return {tile<T, Halves <= 4 || tile_pixels[Sizes] <= 8 ? tile_pixels[Sizes] : 8, Halves>...};
}

template <class T>
tile_kernel<T> tile_for(int halves, std::size_t size) {
  static constexpr auto sizes = std::make_index_sequence<5>();
  static constexpr std::array<std::array<tile_kernel<T>, 5>, 6> table{tiles_of<T, 1>(sizes), tiles_of<T, 2>(sizes),
                                                                     tiles_of<T, 3>(sizes), tiles_of<T, 4>(sizes),
                                                                     tiles_of<T, 5>(sizes), tiles_of<T, 6>(sizes)};
  return table[static_cast<std::size_t>(halves - 1)][size];
}

/// Where the input pixels of output row `row` of a band begin, and how they go on.
struct band_rows {
  std::vector<const char*> begin;
  std::int64_t row_bytes = 0;
};

}  // namespace direct

/// outputs[n, y, x, k] = bias[k] + sum over taps and c of inputs[n, y stride + top + row, x stride + left + column, c] w[k, c, row, column].
/// Inputs, and outputs, stand side by side in the channels. `bias` has zeros up to the end of its last vector, or is null.
template <class T>
void convolve(const std::vector<pixels<const T>>& inputs, const window& taps, const packed_filters<T>& filters,
              const float* bias, const std::vector<pixels<T>>& outputs) {
  const pixels<const T>& input = inputs.front();
  const pixels<T>& output = outputs.front();
  const std::int64_t columns = (output.width - 1) * taps.stride + taps.columns, pitch = filters.pitch();
  const bool in_place = inputs.size() == 1 && input.pixel_stride == pitch && input.channels == pitch && taps.top >= 0 &&
                        taps.left >= 0 && (output.height - 1) * taps.stride + taps.top + taps.rows <= input.height &&
                        columns + taps.left <= input.width && input.row_stride % elements_per_unit<T> == 0 &&
                        input.image_stride % elements_per_unit<T> == 0 && reinterpret_cast<std::uintptr_t>(input.data) % 4 == 0;
  // Half of the second-level cache for input rows, the rest for weights and output.
  const std::int64_t band_elements = std::int64_t{256 << 10} / static_cast<std::int64_t>(sizeof(T));
  const std::int64_t band_row = columns * pitch;

  const auto work = [&](std::int64_t from, std::int64_t to) {
    const std::int64_t most_rows = std::clamp<std::int64_t>(band_elements / (band_row * taps.stride), 1, to - from);
    const scratch<T> band(in_place ? 0 : most_rows * (taps.rows + taps.stride) * band_row);
    std::vector<const char*> begins;
    std::int64_t row_bytes = 0;
    for (std::int64_t first = from; first < to; first += most_rows) {
      const std::int64_t last = std::min(first + most_rows, to);
      begins.clear();
      T* free = band.data();
      for (std::int64_t row = first; row < last;) {
        const std::int64_t n = row / output.height, y = row % output.height;
        const std::int64_t count = std::min(last - row, output.height - y), above = y * taps.stride + taps.top;
        if (in_place) {
          row_bytes = input.row_stride * static_cast<std::int64_t>(sizeof(T));
          for (std::int64_t r = 0; r < count; ++r) {
            begins.push_back(reinterpret_cast<const char*>(input.row(n, above + r * taps.stride) + taps.left * pitch));
          }
        } else {
          row_bytes = band_row * static_cast<std::int64_t>(sizeof(T));
          const std::int64_t needed = (count - 1) * taps.stride + taps.rows;
          for (std::int64_t r = 0; r < needed; ++r) copy_row(inputs, n, above + r, taps.left, columns, pitch, free + r * band_row);
          for (std::int64_t r = 0; r < count; ++r) begins.push_back(reinterpret_cast<const char*>(free + r * taps.stride * band_row));
          free += needed * band_row;
        }
        row += count;
      }
      std::size_t target = 0;
      std::int64_t first_channel = 0;
      for (const filter_block& block : filters.blocks()) {
        while (block.channel >= first_channel + outputs[target].channels) first_channel += outputs[target++].channels;
        const pixels<T>& out = outputs[target];
        const direct::tile_strides strides{filters.rows(),
                                           filters.row_units(),
                                           pitch * taps.stride * static_cast<std::int64_t>(sizeof(T)),
                                           row_bytes,
                                           out.pixel_stride,
                                           block.lanes};
        const std::uint32_t* const weights = filters.data(block);
        const float* const start = bias == nullptr ? nullptr : bias + block.channel;
        for (std::int64_t row = first; row < last; ++row) {
          T* const line = out.row(row / out.height, row % out.height) + block.channel - first_channel;
          const char* const begin = begins[static_cast<std::size_t>(row - first)];
          std::int64_t x = 0;
          for (std::size_t size = block.halves <= 4 ? 0 : 1; size < direct::tile_pixels.size(); ++size) {
            const auto kernel = direct::tile_for<T>(block.halves, size);
            for (const int step = direct::tile_pixels[size]; x + step <= out.width; x += step) {
              kernel(strides, begin + x * strides.pixel, weights, start, line + x * out.pixel_stride);
            }
          }
        }
      }
    }
  };
  const std::int64_t row_work = output.width * filters.rows() * filters.row_units() * static_cast<std::int64_t>(filters.blocks().size());
  at::parallel_for(0, output.images * output.height, 1 + (1 << 12) / row_work, work);
}

}  // namespace axonzoo::kernels

#endif
