#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <vector>

#include <axonzoo/nn/kernels/amx.hpp>
#include <axonzoo/nn/kernels/amx_convolution.hpp>
#include <axonzoo/nn/kernels/band.hpp>
#include <axonzoo/nn/kernels/filters.hpp>
#include <axonzoo/nn/kernels/in_turns.hpp>
#include <axonzoo/nn/kernels/pixels.hpp>
#include <axonzoo/nn/kernels/rounding.hpp>
#include <axonzoo/nn/kernels/scratch.hpp>
#include <axonzoo/nn/kernels/tile.hpp>
#include <axonzoo/nn/kernels/vector.hpp>

#if defined(AXONZOO_VECTORS)

namespace axonzoo::kernels {

/// How numbers are multiplied as whole ones: rounded first, and sums, which begin with start[k] (null: 0), turned to sum scale[k] + bias[k].
struct whole_products {
  rounding inputs;
  const float* scale = nullptr;
  const std::int32_t* start = nullptr;
};

/// Direct convolution of channels_last images, a band of rows at a time: all rows of taps of a pixel are contiguous in memory because
/// channels are. outputs[n, y, x, k] = bias[k] + sum over taps and c of inputs[n, y stride + top + row, x stride + left + column, c] w[k, c, row, column].
/// Inputs, and outputs, stand side by side in the channels. `bias`, and what belongs to `whole`, has zeros up to the end of its last vector, or
/// is null.
template <class T, class F = factor<T>>
void convolve(const std::vector<pixels<const T>>& inputs, const window& taps, const packed_filters<F>& filters, const float* bias,
              const std::vector<pixels<T>>& outputs, const whole_products& whole = {}) {
  constexpr bool is_whole = std::is_integral_v<F>;
  const pixels<const T>& input = inputs.front();
  const pixels<T>& output = outputs.front();
  const std::int64_t columns = (output.width - 1) * taps.stride + taps.columns, pitch = filters.pitch();
  const bool in_place = std::is_same_v<T, F> && inputs.size() == 1 && input.pixel_stride == pitch && input.channels == pitch && taps.top >= 0 &&
                        taps.left >= 0 && (output.height - 1) * taps.stride + taps.top + taps.rows <= input.height &&
                        columns + taps.left <= input.width && input.row_stride % elements_per_unit<F> == 0 &&
                        input.image_stride % elements_per_unit<F> == 0 && reinterpret_cast<std::uintptr_t>(input.data) % 4 == 0;
  // Half of the second-level cache for input rows, the rest for weights and output; products of 8 bits pass through the weights the fastest, and a quarter leaves more to those.
  const std::int64_t band_elements = std::int64_t{sizeof(F) == 1 ? 128 << 10 : 256 << 10} / static_cast<std::int64_t>(sizeof(F));
  const std::int64_t band_row = columns * pitch;

  const std::int64_t most_rows = std::max<std::int64_t>(band_elements / (band_row * taps.stride), 1);

  const auto& how = [&]() -> const auto& {
    if constexpr (is_whole) {
      return whole.inputs;
    } else {
      static constexpr copying as_they_are;
      return as_they_are;
    }
  }();
  [[maybe_unused]] static constexpr float none[16 * block_vectors] = {};
  [[maybe_unused]] const bool in_tiles = amx::multiplies<F>();
  const auto work = [&](std::int64_t first, std::int64_t last) {
    const scratch<F> band(in_place ? 0 : (last - first) * (taps.rows + taps.stride) * band_row);
    std::vector<const char*> begins;
    std::int64_t row_bytes = 0;
    F* free = band.data();
    for (std::int64_t row = first; row < last;) {
      const std::int64_t n = row / output.height, y = row % output.height;
      const std::int64_t count = std::min(last - row, output.height - y), above = y * taps.stride + taps.top;
      if (in_place) {
        row_bytes = input.row_stride * static_cast<std::int64_t>(sizeof(T));
        for (std::int64_t r = 0; r < count; ++r) {
          begins.push_back(reinterpret_cast<const char*>(input.row(n, above + r * taps.stride) + taps.left * pitch));
        }
      } else {
        row_bytes = band_row * static_cast<std::int64_t>(sizeof(F));
        const std::int64_t needed = (count - 1) * taps.stride + taps.rows;
        for (std::int64_t r = 0; r < needed; ++r) copy_row(inputs, n, above + r, taps.left, columns, pitch, free + r * band_row, how);
        for (std::int64_t r = 0; r < count; ++r) begins.push_back(reinterpret_cast<const char*>(free + r * taps.stride * band_row));
        free += needed * band_row;
      }
      row += count;
    }
#if defined(AXONZOO_AMX)
    amx::shapes tiles;
#endif
    std::size_t target = 0;
    std::int64_t first_channel = 0;
    for (const filter_block& block : filters.blocks()) {
      while (block.channel >= first_channel + outputs[target].channels) first_channel += outputs[target++].channels;
      const pixels<T>& out = outputs[target];
      const direct::tile_strides strides{filters.rows(),
                                         filters.row_units(),
                                         pitch * taps.stride * static_cast<std::int64_t>(sizeof(F)),
                                         row_bytes,
                                         out.pixel_stride,
                                         block.lanes};
      const std::uint32_t* const weights = filters.data(block);
      const auto of_block = [&](const auto* of_channels) { return of_channels == nullptr ? nullptr : of_channels + block.channel; };
      direct::channel_terms terms{of_block(bias), nullptr, nullptr};
      if constexpr (is_whole) terms = {reinterpret_cast<const float*>(of_block(whole.start)), of_block(whole.scale), bias == nullptr ? none : of_block(bias)};
      const auto line_of = [&](std::int64_t row) { return out.row(row / out.height, row % out.height) + block.channel - first_channel; };
#if defined(AXONZOO_AMX)
      if constexpr (amx::has_products<F>) {
        if (in_tiles) {
          const auto begin_of = [&](std::int64_t row) { return begins[static_cast<std::size_t>(row - first)]; };
          amx::tile_rows<F>(tiles, strides, block.halves, first, last, out.width, begin_of, weights, terms, line_of);
          continue;
        }
      }
#endif
      for (std::int64_t row = first; row < last; ++row) {
        direct::tile_row<F>(strides, block.halves, out.width, begins[static_cast<std::size_t>(row - first)], weights, terms, line_of(row));
      }
    }
  };
  in_turns(output.images * output.height, most_rows, work);
}

}  // namespace axonzoo::kernels

#endif
