#pragma once

#include <cstdint>

#include <c10/util/BFloat16.h>

#include <axonzoo/nn/kernels/vector.hpp>

#if defined(AXONZOO_AVX512)

namespace axonzoo::kernels {

/// lanes.hpp, in one register.
struct lanes {
  static constexpr std::int64_t width = 16;

  __m512 v;
  using mask = __mmask16;

  static lanes all(float x) { return {_mm512_set1_ps(x)}; }
  static lanes load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static lanes load(const c10::BFloat16* p) { return widen(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))); }
  /// The first n, zeros after.
  static lanes load(const float* p, std::int64_t n) { return {_mm512_maskz_loadu_ps(first(n), p)}; }
  static lanes load(const c10::BFloat16* p, std::int64_t n) { return widen(_mm256_maskz_loadu_epi16(first(n), p)); }

  static lanes load(const std::uint8_t* p) {
    return {
        _mm512_maskz_cvtepi32_ps(every, _mm512_maskz_cvtepu8_epi32(every, _mm_loadu_si128(reinterpret_cast<const __m128i*>(p))))};
  }

  void store(float* p) const { _mm512_storeu_ps(p, v); }
  void store(c10::BFloat16* p) const { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), narrow(v)); }
  /// Whole numbers from 0 to 255.
  void store(std::uint8_t* p) const {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_maskz_cvtepi32_epi8(every, _mm512_maskz_cvtps_epi32(every, v)));
  }
  void store(float* p, std::int64_t n) const { _mm512_mask_storeu_ps(p, first(n), v); }
  void store(c10::BFloat16* p, std::int64_t n) const { _mm256_mask_storeu_epi16(p, first(n), narrow(v)); }

  friend lanes operator+(lanes a, lanes b) { return {_mm512_add_ps(a.v, b.v)}; }
  friend lanes operator-(lanes a, lanes b) { return {_mm512_sub_ps(a.v, b.v)}; }
  friend lanes operator*(lanes a, lanes b) { return {_mm512_mul_ps(a.v, b.v)}; }
  friend lanes operator/(lanes a, lanes b) { return {_mm512_div_ps(a.v, b.v)}; }
  /// a b + c
  friend lanes fma(lanes a, lanes b, lanes c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
  /// The larger; b where either is not a number.
  friend lanes max(lanes a, lanes b) { return {_mm512_maskz_max_ps(every, a.v, b.v)}; }
  /// a where x > 0, else 0.
  friend lanes where_positive(lanes x, lanes a) {
    return {_mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x.v, _mm512_setzero_ps(), _CMP_GT_OQ), a.v)};
  }
  friend mask equal(lanes a, lanes b) { return _mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ); }
  /// Where a > b or a is not a number.
  friend mask beats(lanes a, lanes b) {
    return static_cast<mask>(_mm512_cmp_ps_mask(a.v, b.v, _CMP_GT_OQ) | _mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q));
  }
  /// a where m, else b.
  static lanes select(mask m, lanes a, lanes b) { return {_mm512_mask_mov_ps(b.v, m, a.v)}; }
  friend lanes sqrt(lanes a) { return {_mm512_maskz_sqrt_ps(every, a.v)}; }
  /// a b - c
  friend lanes fms(lanes a, lanes b, lanes c) { return {_mm512_fmsub_ps(a.v, b.v, c.v)}; }
  /// To the nearest whole number.
  friend lanes round(lanes a) { return {_mm512_maskz_roundscale_ps(every, a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }
  /// a 2^n for a whole n from -126 to 127, 0 for -127.
  friend lanes times_power_of_two(lanes a, lanes n) {
    return {_mm512_maskz_scalef_ps(_mm512_cmp_ps_mask(n.v, _mm512_set1_ps(-127), _CMP_NLE_UQ), a.v, n.v)};
  }
  friend float greatest(lanes a) {
    const __m256 eight = _mm256_max_ps(lower_half(a), upper_half(a));
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
  }
  friend float sum(lanes a) {
    const __m256 eight = _mm256_add_ps(lower_half(a), upper_half(a));
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }

 private:
  // g++ 12 takes the unmasked forms of some instructions for reads of uninitialised registers.
  static constexpr __mmask16 every = 0xffff;
  static __m256 lower_half(lanes a) {
    __m256 low;
    __builtin_memcpy(&low, &a.v, sizeof low);
    return low;
  }
  static __m256 upper_half(lanes a) { return _mm512_maskz_extractf32x8_ps(0xff, a.v, 1); }
  static __mmask16 first(std::int64_t n) { return static_cast<__mmask16>((1U << n) - 1U); }
  static lanes widen(__m256i halves) {
    return {_mm512_castsi512_ps(_mm512_maskz_slli_epi32(every, _mm512_maskz_cvtepu16_epi32(every, halves), 16))};
  }
  static __m256i narrow(__m512 wide) {
#ifdef __AVX512BF16__
    const __m256bh halves = _mm512_cvtneps_pbh(wide);
    __m256i bits;
    static_assert(sizeof bits == sizeof halves);
    __builtin_memcpy(&bits, &halves, sizeof bits);
    return bits;
#else
    const __m512i bits = _mm512_castps_si512(wide);
    const __m512i odd = _mm512_and_si512(_mm512_maskz_srli_epi32(every, bits, 16), _mm512_set1_epi32(1));
    const __m512i rounded =
        _mm512_maskz_srli_epi32(every, _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff))), 16);
    const __mmask16 nan = _mm512_cmp_ps_mask(wide, wide, _CMP_UNORD_Q);
    return _mm512_maskz_cvtepi32_epi16(every, _mm512_mask_mov_epi32(rounded, nan, _mm512_set1_epi32(0x7fc0)));
#endif
  }
};

}  // namespace axonzoo::kernels

#endif
