#pragma once

#include <algorithm>
#include <cstdint>

#include <axonzoo/nn/kernels/amx.hpp>
#include <axonzoo/nn/kernels/panels.hpp>

#if defined(AXONZOO_AMX)

namespace axonzoo::kernels::amx {

/// kernels::multiply for units along rows that lie side by side; `inner` leaves no rest.
inline void multiply(std::int64_t rows, const panels& lanes, const steps& inner, const std::uint32_t* a, std::int64_t a_pitch, const std::uint32_t* b, float* c,
                     std::int64_t c_pitch, bool add) {
  shapes tiles;
  operands o;
  o.inner = inner;
  o.a_row = 4 * a_pitch;
  memory_is_written();
  for (std::int64_t row = 0; row < rows; row += 2 * side) {
    const std::int64_t first = std::min(side, rows - row), second = std::clamp<std::int64_t>(rows - row - side, 0, side);
    o.a = reinterpret_cast<const char*>(a + row * a_pitch);
    o.second_a = o.a + side * o.a_row;
    for (std::int64_t p = 0; p < lanes.count(); ++p) {
      o.b_unit = 4 * side * lanes.size(p);
      for (std::int64_t v = 0; v < lanes.size(p); v += 2) {
        const bool two = v + 1 < lanes.size(p);
        o.b = reinterpret_cast<const char*>(b + side * (lanes.begin(p) * inner.padded() + v));
        float* const to = c + row * c_pitch + side * (lanes.begin(p) + v);
        tiles.set(first, second, side, two ? side : 0, inner.units);
        with_groups(second != 0, two, [&](auto two_rows, auto two_lanes) {
          multiply_tiles<two_rows, two_lanes>(o, add, to, to + side * c_pitch, 4 * c_pitch);
        });
      }
    }
  }
}

}  // namespace axonzoo::kernels::amx

#endif
