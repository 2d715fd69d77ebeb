#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <axonzoo/nn/kernels/pair_rows.hpp>
#include <axonzoo/nn/kernels/panel_product.hpp>
#include <axonzoo/nn/kernels/transpose.hpp>
#include <axonzoo/nn/kernels/vector.hpp>

#if defined(AXONZOO_VECTORS)

namespace axonzoo::kernels {

/// Rows of a matrix in memory, `size` elements each side by side.
template <class T>
struct matrix {
  T* data = nullptr;
  std::int64_t rows = 0, size = 0, pitch = 0;

  [[nodiscard]] T* row(std::int64_t r) const { return data + r * pitch; }
  [[nodiscard]] matrix slice(std::int64_t begin, std::int64_t end) const { return {row(begin), end - begin, size, pitch}; }
};

/// Units that hold `count` elements.
template <class T>
constexpr std::int64_t units_of(std::int64_t count) {
  return (count + elements_per_unit<T> - 1) / elements_per_unit<T>;
}

#if defined(AXONZOO_AVX512)

namespace detail {

/// The first `count` elements (all that fit, where they are more), zeros after.
template <class T>
[[gnu::always_inline]] inline __m512i load_units(const T* p, std::int64_t count) {
  if constexpr (std::is_same_v<T, float>) {
    return _mm512_maskz_loadu_epi32(static_cast<__mmask16>((1U << std::clamp<std::int64_t>(count, 0, 16)) - 1U), p);
  } else {
    return _mm512_maskz_loadu_epi16(static_cast<__mmask32>((std::uint64_t{1} << std::clamp<std::int64_t>(count, 0, 32)) - 1U), p);
  }
}

/// Units (a[i], b[i]) of sixteen bfloat16 each.
[[gnu::always_inline]] inline __m512i side_by_side(__m256i a, __m256i b) {
  constexpr __mmask16 every = 0xffff;
  return _mm512_or_si512(_mm512_maskz_cvtepu16_epi32(every, a),
                         _mm512_maskz_slli_epi32(every, _mm512_maskz_cvtepu16_epi32(every, b), 16));
}

}  // namespace detail

/// to[row][unit], `rows` of them, those that `from` lacks zero. Writes up to 15 units beyond.
template <class T>
void pack_rows(const matrix<const T>& from, std::int64_t rows, std::uint32_t* to) {
  const std::int64_t inner = units_of<T>(from.size);
  for (std::int64_t r = 0; r < from.rows; ++r) {
    const T* const row = from.row(r);
    for (std::int64_t u = 0; u < inner; u += 16) {
      _mm512_storeu_si512(to + r * inner + u,
                          detail::load_units(row + u * elements_per_unit<T>, from.size - u * elements_per_unit<T>));
    }
  }
  std::memset(to + from.rows * inner, 0, static_cast<std::size_t>((rows - from.rows) * inner) * 4);
}

/// Panels whose lanes are the rows of `from` and whose inner units are those of a row.
template <class T>
void pack_across(const matrix<const T>& from, std::uint32_t* to) {
  constexpr std::int64_t elements = elements_per_unit<T>;
  const panels lanes = panels::of(from.rows);
  const std::int64_t inner = units_of<T>(from.size);
  for (std::int64_t p = 0; p < lanes.count(); ++p) {
    const std::int64_t width = 16 * lanes.size(p);
    for (std::int64_t v = 0; v < lanes.size(p); ++v) {
      const std::int64_t first = 16 * (lanes.begin(p) + v);
      std::uint32_t* const target = to + 16 * lanes.begin(p) * inner + 16 * v;
      for (std::int64_t u = 0; u < inner; u += 16) {
        __m512i block[16];
        unrolled<16>([&](auto r) __attribute__((always_inline)) {
          block[r] = first + r < from.rows ? detail::load_units(from.row(first + r) + u * elements, from.size - u * elements)
                                           : _mm512_setzero_si512();
        });
        transpose(block);
        const std::int64_t count = std::min<std::int64_t>(16, inner - u);
        unrolled<16>([&](auto i) __attribute__((always_inline)) {
          if (i < count) _mm512_storeu_si512(target + (u + i) * width, block[i]);
        });
      }
    }
  }
}

/// Panels whose lanes are the elements of a row and whose inner units are the rows (of bfloat16, pairs of them).
template <class T>
void pack_along(const matrix<const T>& from, std::uint32_t* to) {
  const panels lanes = panels::of(from.size);
  const std::int64_t inner = units_of<T>(from.rows);
  for (std::int64_t p = 0; p < lanes.count(); ++p) {
    const std::int64_t begin = lanes.begin(p), vectors = lanes.size(p);
    std::uint32_t* target = to + 16 * begin * inner;
    for (std::int64_t u = 0; u < inner; ++u) {
      for (std::int64_t v = 0; v < vectors; ++v, target += 16) {
        const std::int64_t element = 16 * (begin + v), count = from.size - element;
        if constexpr (std::is_same_v<T, float>) {
          _mm512_storeu_si512(target, detail::load_units(from.row(u) + element, count));
        } else {
          const auto mask = static_cast<__mmask16>((1U << std::min<std::int64_t>(count, 16)) - 1U);
          const __m256i a = _mm256_maskz_loadu_epi16(mask, from.row(2 * u) + element);
          const __m256i b =
              2 * u + 1 < from.rows ? _mm256_maskz_loadu_epi16(mask, from.row(2 * u + 1) + element) : _mm256_setzero_si256();
          _mm512_storeu_si512(target, detail::side_by_side(a, b));
        }
      }
    }
  }
}

#else

/// to[row][unit], `rows` of them, those that `from` lacks zero.
template <class T>
void pack_rows(const matrix<const T>& from, std::int64_t rows, std::uint32_t* to) {
  const std::int64_t inner = units_of<T>(from.size);
  std::memset(to, 0, static_cast<std::size_t>(rows * inner) * 4);
  for (std::int64_t r = 0; r < from.rows; ++r) std::memcpy(to + r * inner, from.row(r), static_cast<std::size_t>(from.size) * sizeof(T));
}

/// Panels whose lanes are the rows of `from` and whose inner units are those of a row.
template <class T>
void pack_across(const matrix<const T>& from, std::uint32_t* to) {
  const panels lanes = panels::of(from.rows);
  const std::int64_t inner = units_of<T>(from.size), whole = from.size / elements_per_unit<T>;
  if (from.rows < lanes.lanes() || whole < inner) std::memset(to, 0, static_cast<std::size_t>(lanes.lanes() * inner) * 4);
  for (std::int64_t r = 0; r < from.rows; ++r) {
    std::uint32_t* const target = to + r / 16 * 16 * inner + r % 16;
    const T* const row = from.row(r);
    for (std::int64_t u = 0; u < whole; ++u) std::memcpy(target + u * 16, row + u * elements_per_unit<T>, 4);
    if (whole < inner) std::memcpy(target + whole * 16, row + whole * elements_per_unit<T>, sizeof(T));
  }
}

/// Panels whose lanes are the elements of a row and whose inner units are the rows (of bfloat16, pairs of them).
template <class T>
void pack_along(const matrix<const T>& from, std::uint32_t* to) {
  const panels across = panels::of(from.size);
  const std::int64_t inner = units_of<T>(from.rows);
  for (std::int64_t p = 0; p < across.count(); ++p) {
    const std::int64_t element = 16 * p, count = std::min<std::int64_t>(from.size - element, 16);
    std::uint32_t* target = to + element * inner;
    for (std::int64_t u = 0; u < inner; ++u, target += 16) {
      std::memset(target, 0, 64);
      if constexpr (std::is_same_v<T, float>) {
        std::memcpy(target, from.row(u) + element, static_cast<std::size_t>(count) * 4);
      } else {
        interleave(from.row(2 * u) + element, 2 * u + 1 < from.rows ? from.row(2 * u + 1) + element : nullptr, count, target);
      }
    }
  }
}

#endif

}  // namespace axonzoo::kernels

#endif
