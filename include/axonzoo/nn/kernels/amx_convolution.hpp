#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include <axonzoo/nn/kernels/amx.hpp>
#include <axonzoo/nn/kernels/tile.hpp>
#include <axonzoo/nn/kernels/vector.hpp>

#if defined(AXONZOO_AMX)

namespace axonzoo::kernels::amx {

/// Sums of products of T, of `rows` pixels and of as many again at `second`, to their outputs.
template <class T, bool TwoRows, class Out>
void store_pixels(std::int64_t rows, int lanes, std::int64_t stride, const direct::channel_terms& terms, const float (&sums)[2][side][2 * side], Out* first, Out* second) {
  const auto mask = static_cast<__mmask32>((std::uint64_t{1} << lanes) - 1U);
  const auto low_mask = static_cast<__mmask16>(mask), high_mask = static_cast<__mmask16>(mask >> side);
  const auto store = [&](const float(&from)[side][2 * side], Out* to) {
    for (std::int64_t p = 0; p < rows; ++p) {
      __m512 low = _mm512_load_ps(from[p]), high = _mm512_load_ps(from[p] + side);
      if constexpr (std::is_integral_v<T>) {
        low = vector<16>::rescaled(low, terms.scale, terms.offset);
        high = vector<16>::rescaled(high, terms.scale + side, terms.offset + side);
      }
      Out* const pixel = to + p * stride;
      if constexpr (std::is_same_v<Out, float>) {
        _mm512_mask_storeu_ps(pixel, low_mask, low);
        _mm512_mask_storeu_ps(pixel + side, high_mask, high);
      } else {
        _mm512_mask_storeu_epi16(pixel, mask, (__m512i)_mm512_cvtne2ps_pbh(high, low));
      }
    }
  };
  store(sums[0], first);
  if constexpr (TwoRows) store(sums[1], second);
}

/// One or two groups of `rows` pixels by one block of output channels.
template <class T, bool TwoRows, bool TwoLanes, class Out>
void convolve_groups(const direct::tile_strides& s, operands o, std::int64_t rows, const direct::channel_terms& terms, Out* first, Out* second) {
  alignas(64) float sums[2][side][2 * side];
  if (terms.start != nullptr) {  // at stride 0, every row of a tile
    load_sums<TwoRows, TwoLanes>(terms.start, terms.start, 0);
  } else {
    zero_sums<TwoRows, TwoLanes>();
  }
  add_products<T, TwoRows, TwoLanes>(o);
  store_sums<TwoRows, TwoLanes>(sums[0][0], sums[1][0], sizeof sums[0][0]);
  store_pixels<T, TwoRows>(rows, s.lanes, s.output, terms, sums, first, second);
}

/// What direct::tile_row does, for rows `first` ... `last` - 1 of `count` pixels each, which begin(row) gives and line(row) takes.
template <class T, class Begin, class Line>
void tile_rows(shapes& tiles, const direct::tile_strides& s, int halves, std::int64_t first, std::int64_t last, std::int64_t count, const Begin& begin,
               const std::uint32_t* weights, const direct::channel_terms& terms, const Line& line) {
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
        convolve_groups<T, two_rows, two_lanes>(s, o, pixels, terms, to(g), two_rows ? to(g + 1) : nullptr);
      });
    }
  };
  const std::int64_t whole = count / side, rest = count % side;
  if (whole != 0) groups(0, whole, side);
  if (rest != 0) groups(whole * side, 1, rest);
}

}  // namespace axonzoo::kernels::amx

#endif
