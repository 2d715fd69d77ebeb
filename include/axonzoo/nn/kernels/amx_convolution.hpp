#pragma once

#include <algorithm>
#include <cstdint>

#include <c10/util/BFloat16.h>

#include <axonzoo/nn/kernels/amx.hpp>
#include <axonzoo/nn/kernels/tile.hpp>
#include <axonzoo/nn/kernels/vector.hpp>

#if defined(AXONZOO_AMX)

namespace axonzoo::kernels::amx {

/// Sums of `rows` pixels and of as many again at `second`, to bfloat16.
template <bool TwoRows>
void store_pixels(std::int64_t rows, int lanes, std::int64_t stride, const float (&sums)[2][side][2 * side], c10::BFloat16* first, c10::BFloat16* second) {
  const auto mask = static_cast<__mmask32>((std::uint64_t{1} << lanes) - 1U);
  const auto store = [&](const float(&from)[side][2 * side], c10::BFloat16* to) {
    for (std::int64_t p = 0; p < rows; ++p) {
      _mm512_mask_storeu_epi16(to + p * stride, mask, (__m512i)_mm512_cvtne2ps_pbh(_mm512_load_ps(from[p] + side), _mm512_load_ps(from[p])));
    }
  };
  store(sums[0], first);
  if constexpr (TwoRows) store(sums[1], second);
}

/// One or two groups of `rows` pixels by one block of output channels.
template <bool TwoRows, bool TwoLanes>
void convolve_groups(const direct::tile_strides& s, operands o, std::int64_t rows, const float* bias, c10::BFloat16* first, c10::BFloat16* second) {
  alignas(64) float sums[2][side][2 * side];
  if (bias != nullptr) {  // at stride 0, every row of a tile
    load_sums<TwoRows, TwoLanes>(bias, bias, 0);
  } else {
    zero_sums<TwoRows, TwoLanes>();
  }
  add_products<TwoRows, TwoLanes>(o);
  store_sums<TwoRows, TwoLanes>(sums[0][0], sums[1][0], sizeof sums[0][0]);
  store_pixels<TwoRows>(rows, s.lanes, s.output, sums, first, second);
}

/// What direct::tile_row does, for rows `first` ... `last` - 1 of `count` pixels each, which begin(row) gives and line(row) takes.
template <class Begin, class Line>
void tile_rows(shapes& tiles, const direct::tile_strides& s, int halves, std::int64_t first, std::int64_t last, std::int64_t count, const Begin& begin,
               const std::uint32_t* weights, const float* bias, const Line& line) {
  const std::int64_t width = 8 * halves, lanes[2] = {std::min(width, side), std::max<std::int64_t>(width - side, 0)};
  operands o;
  o.b = reinterpret_cast<const char*>(weights);
  o.inner = steps::of(s.row_units);
  o.a_row = s.pixel;
  o.a_block = s.row;
  o.b_unit = 4 * width;
  o.b_block = s.row_units * o.b_unit;
  o.blocks = s.rows;
  memory_is_written();
  const auto groups = [&](std::int64_t skipped, std::int64_t in_a_row, std::int64_t pixels) {
    const std::int64_t all = (last - first) * in_a_row;
    const auto from = [&](std::int64_t g) { return begin(first + g / in_a_row) + (skipped + g % in_a_row * side) * s.pixel; };
    const auto to = [&](std::int64_t g) { return line(first + g / in_a_row) + (skipped + g % in_a_row * side) * s.output; };
    for (std::int64_t g = 0; g < all; g += 2) {
      const bool two = g + 1 < all;
      o.a = from(g);
      o.second_a = two ? from(g + 1) : nullptr;
      tiles.set(pixels, two ? pixels : 0, lanes[0], lanes[1], o.inner.units);
      with_groups(two, lanes[1] != 0, [&](auto two_rows, auto two_lanes) {
        convolve_groups<two_rows, two_lanes>(s, o, pixels, bias, to(g), two_rows ? to(g + 1) : nullptr);
      });
    }
  };
  const std::int64_t whole = count / side, rest = count % side;
  if (whole != 0) groups(0, whole, side);
  if (rest != 0) groups(whole * side, 1, rest);
}

}  // namespace axonzoo::kernels::amx

#endif
