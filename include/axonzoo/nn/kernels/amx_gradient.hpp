#pragma once

#include <algorithm>
#include <cstdint>

#include <axonzoo/nn/kernels/amx.hpp>
#include <axonzoo/nn/kernels/transpose.hpp>
#include <axonzoo/nn/kernels/vector.hpp>

#if defined(AXONZOO_AMX)

namespace axonzoo::kernels::amx {

/// to[channel][pixel], `pitch` pixels apart, of from[pixel][channel]; channels are a multiple of 16. Pixels from `count` to the next multiple of 16 become 0.
inline void turn_row(const std::uint32_t* from, std::int64_t count, std::int64_t channels, std::int64_t pitch, std::uint32_t* to) {
  for (std::int64_t x = 0; x < count; x += side) {
    for (std::int64_t c = 0; c < channels; c += side) {
      __m512i rows[side];
      unrolled<side>([&](auto i) __attribute__((always_inline)) {
        rows[i] = x + i < count ? _mm512_loadu_si512(from + (x + i) * channels + c) : _mm512_setzero_si512();
      });
      transpose(rows);
      unrolled<side>([&](auto i) __attribute__((always_inline)) { _mm512_storeu_si512(to + (c + i) * pitch + x, rows[i]); });
    }
  }
}

/// Pixels that a gradient sums over: `rows` of them, `count` units each.
struct summed_pixels {
  std::int64_t rows = 0, count = 0;
  std::int64_t input_pixel = 0, input_row = 0;  ///< in units
  std::int64_t output_row = 0, output_pitch = 0;  ///< of turned rows, in units
};

/// sums[k][lane] (+)= sum over pixels of output[k][pixel] * input[pixel][lane], for `outs` channels k and `lanes` lanes, multiples of 16 and 8.
inline void add_gradient(shapes& tiles, const summed_pixels& p, const std::uint32_t* input, const std::uint32_t* output, std::int64_t outs, std::int64_t lanes,
                         float* sums, std::int64_t sum_pitch, bool add) {
  operands o;
  o.inner = steps::of(p.count);
  o.blocks = p.rows;
  o.a_row = 4 * p.output_pitch;
  o.a_block = 4 * p.output_row;
  o.b_unit = 4 * p.input_pixel;
  o.b_block = 4 * p.input_row;
  const std::int64_t pitch = 4 * sum_pitch;
  memory_is_written();
  for (std::int64_t lane = 0; lane < lanes; lane += 2 * side) {
    const std::int64_t first = std::min(side, lanes - lane), second = std::clamp<std::int64_t>(lanes - lane - side, 0, side);
    o.b = reinterpret_cast<const char*>(input + lane);
    for (std::int64_t k = 0; k < outs; k += 2 * side) {
      const bool two = k + side < outs;
      o.a = reinterpret_cast<const char*>(output + k * p.output_pitch);
      o.second_a = o.a + side * o.a_row;
      tiles.set(side, two ? side : 0, first, second, o.inner.units);
      float* const to = sums + k * sum_pitch + lane;
      with_groups(two, second != 0, [&](auto two_outs, auto two_lanes) {
        multiply_tiles<two_outs, two_lanes>(o, add, to, to + side * sum_pitch, pitch);
      });
    }
  }
}

}  // namespace axonzoo::kernels::amx

#endif
