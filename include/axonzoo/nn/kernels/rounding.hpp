#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <type_traits>

#include <axonzoo/nn/activation_range.hpp>
#include <axonzoo/nn/kernels/lanes.hpp>
#include <axonzoo/nn/kernels/vector.hpp>

namespace axonzoo::kernels {

/// Floats, and bfloat16, to whole numbers, as a range says. Those of 16 bits are the numbers themselves; those of 8 bits have no sign and count from the lowest.
struct rounding {
  float inverse = 1;
  int lowest = 0, highest = 0;

  rounding() = default;
  explicit rounding(const activation_range& range) : inverse(1 / range.scale), lowest(range.lowest), highest(range.highest()) {}

  /// What stands for 0.
  template <class Whole>
  [[nodiscard]] Whole zero() const {
    return static_cast<Whole>(std::is_same_v<Whole, std::uint8_t> ? -lowest : 0);
  }

  template <class Whole>
  void convert(float from, Whole& to) const {
    constexpr float shift = 12582912.0F;  // 1.5 * 2^23: its last bit is worth one, so that adding it rounds
    const auto low = static_cast<float>(lowest), high = static_cast<float>(highest);
    float value = from * inverse;
    value = value > low ? value : low;
    value = value < high ? value : high;
    to = static_cast<Whole>(std::bit_cast<std::int32_t>(value + shift) - std::bit_cast<std::int32_t>(shift) + zero<Whole>());
  }

  template <class T, class Whole>
  void convert(const T* from, std::int64_t count, Whole* to) const {
    std::int64_t i = 0;
#if defined(AXONZOO_AVX512)
    if constexpr (std::is_same_v<Whole, std::uint8_t>) {
      for (; i + 64 <= count; i += 64) convert_64(from + i, to + i);
      for (; i + 16 <= count; i += 16) convert_16(from + i, to + i);
      if (i < count && count >= 16) {
        convert_16(from + count - 16, to + count - 16);  // some of them anew, which is quicker than a mask
      } else if (i < count) {
        convert_fewer(from, count, to);
      }
      return;
    }
#endif
    for (; i < count; ++i) convert(static_cast<float>(from[i]), to[i]);
  }

 private:
#if defined(AXONZOO_AVX512)
  // g++ 12 takes the unmasked forms of some instructions for reads of uninitialised registers
  static constexpr __mmask16 every = 0xffff;

  /// Too large ones are cut; what is too small, or no number, is negative.
  [[nodiscard]] __m512i wholes(__m512 from) const {
    const __m512 value = _mm512_maskz_min_ps(every, _mm512_set1_ps(static_cast<float>(highest)), _mm512_mul_ps(from, _mm512_set1_ps(inverse)));
    return _mm512_add_epi32(_mm512_maskz_cvtps_epi32(every, value), _mm512_set1_epi32(-lowest));
  }
  template <class T>
  void convert_64(const T* from, std::uint8_t* to) const {
    const auto part = [&](int i) __attribute__((always_inline)) { return wholes(lanes::load(from + 16 * i).v); };
    // packing cuts at 0, and works in quarters of a register
    const __m512i packed = _mm512_packus_epi16(_mm512_packs_epi32(part(0), part(1)), _mm512_packs_epi32(part(2), part(3)));
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    _mm512_storeu_si512(to, _mm512_maskz_permutexvar_epi32(every, order, packed));
  }
  [[nodiscard]] __m128i bytes(lanes from) const {
    return _mm512_maskz_cvtepi32_epi8(every, _mm512_maskz_max_epi32(every, wholes(from.v), _mm512_setzero_si512()));
  }
  template <class T>
  void convert_16(const T* from, std::uint8_t* to) const {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes(lanes::load(from)));
  }
  template <class T>
  void convert_fewer(const T* from, std::int64_t count, std::uint8_t* to) const {
    _mm_mask_storeu_epi8(to, static_cast<__mmask16>((1U << count) - 1U), bytes(lanes::load(from, count)));
  }
#endif
};

}  // namespace axonzoo::kernels
