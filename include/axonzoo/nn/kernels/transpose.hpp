#pragma once

#include <array>
#include <cstdint>

#include <axonzoo/nn/kernels/vector.hpp>

#if defined(AXONZOO_AVX512)

namespace axonzoo::kernels {

/// Columns that stage `Step` of the transpose takes: from the first row's 16 values and the second row's 16 after them.
template <int Step, bool Second>
inline constexpr auto transpose_columns = [] {
  std::array<std::int32_t, 16> columns{};
  for (int c = 0; c < 16; ++c) {
    const bool from_second = (c & Step) != 0;
    columns[static_cast<std::size_t>(c)] = Second ? (from_second ? 16 + c : c + Step) : (from_second ? 16 + c - Step : c);
  }
  return columns;
}();

/// rows[i][j] becomes rows[j][i], 16 x 16 of 32 bits, by exchanging ever smaller blocks.
inline void transpose(__m512i (&rows)[16]) {
  const auto stage = [&rows](auto step) __attribute__((always_inline)) {
    const __m512i first = _mm512_loadu_si512(transpose_columns<step, false>.data());
    const __m512i second = _mm512_loadu_si512(transpose_columns<step, true>.data());
    unrolled<16>([&](auto i) __attribute__((always_inline)) {
      if constexpr ((i & step) == 0) {
        const __m512i a = rows[i], b = rows[i + step];
        rows[i] = _mm512_permutex2var_epi32(a, first, b);
        rows[i + step] = _mm512_permutex2var_epi32(a, second, b);
      }
    });
  };
  stage(std::integral_constant<int, 8>());
  stage(std::integral_constant<int, 4>());
  stage(std::integral_constant<int, 2>());
  stage(std::integral_constant<int, 1>());
}

}  // namespace axonzoo::kernels

#endif
