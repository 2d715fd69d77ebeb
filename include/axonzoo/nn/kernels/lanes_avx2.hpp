#pragma once

#include <cstddef>
#include <cstdint>

#include <c10/util/BFloat16.h>

#include <axonzoo/nn/kernels/vector.hpp>

#if defined(AXONZOO_AVX2)

namespace axonzoo::kernels {

/// lanes.hpp, in two registers.
struct lanes {
  static constexpr std::int64_t width = 16;

  __m256 low, high;
  struct mask {
    __m256 low, high;
  };

  static lanes all(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
  static lanes load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
  static lanes load(const c10::BFloat16* p) { return {widen(p), widen(p + 8)}; }
  /// The first n, zeros after.
  static lanes load(const float* p, std::int64_t n) {
    return {_mm256_maskload_ps(p, first_of_eight(n)), n > 8 ? _mm256_maskload_ps(p + 8, first_of_eight(n - 8)) : _mm256_setzero_ps()};
  }
  static lanes load(const c10::BFloat16* p, std::int64_t n) {
    alignas(32) c10::BFloat16 all[width] = {};
    __builtin_memcpy(static_cast<void*>(all), p, static_cast<std::size_t>(n) * sizeof *p);
    return load(all);
  }
  static lanes load(const std::uint8_t* p) { return {widen(p), widen(p + 8)}; }

  void store(float* p) const {
    _mm256_storeu_ps(p, low);
    _mm256_storeu_ps(p + 8, high);
  }
  void store(c10::BFloat16* p) const {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), rounded_to_bf16(low));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p + 8), rounded_to_bf16(high));
  }
  /// Whole numbers from 0 to 255.
  void store(std::uint8_t* p) const {
    const auto words = [](__m256 x) {
      const __m256i whole = _mm256_cvtps_epi32(x);
      return _mm_packus_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
    };
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(words(low), words(high)));
  }
  void store(float* p, std::int64_t n) const {
    _mm256_maskstore_ps(p, first_of_eight(n), low);
    if (n > 8) _mm256_maskstore_ps(p + 8, first_of_eight(n - 8), high);
  }
  void store(c10::BFloat16* p, std::int64_t n) const {
    alignas(32) c10::BFloat16 all[width];
    store(all);
    __builtin_memcpy(static_cast<void*>(p), all, static_cast<std::size_t>(n) * sizeof *p);
  }

  friend lanes operator+(lanes a, lanes b) { return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)}; }
  friend lanes operator-(lanes a, lanes b) { return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)}; }
  friend lanes operator*(lanes a, lanes b) { return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)}; }
  friend lanes operator/(lanes a, lanes b) { return {_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)}; }
  /// a b + c
  friend lanes fma(lanes a, lanes b, lanes c) { return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)}; }
  /// The larger; b where either is not a number.
  friend lanes max(lanes a, lanes b) { return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)}; }
  /// a where x > 0, else 0.
  friend lanes where_positive(lanes x, lanes a) {
    const __m256 zero = _mm256_setzero_ps();
    return {_mm256_and_ps(a.low, _mm256_cmp_ps(x.low, zero, _CMP_GT_OQ)), _mm256_and_ps(a.high, _mm256_cmp_ps(x.high, zero, _CMP_GT_OQ))};
  }
  friend mask equal(lanes a, lanes b) { return {_mm256_cmp_ps(a.low, b.low, _CMP_EQ_OQ), _mm256_cmp_ps(a.high, b.high, _CMP_EQ_OQ)}; }
  /// Where a > b or a is not a number.
  friend mask beats(lanes a, lanes b) {
    const auto half = [](__m256 x, __m256 y) { return _mm256_or_ps(_mm256_cmp_ps(x, y, _CMP_GT_OQ), _mm256_cmp_ps(x, x, _CMP_UNORD_Q)); };
    return {half(a.low, b.low), half(a.high, b.high)};
  }
  /// a where m, else b.
  static lanes select(mask m, lanes a, lanes b) { return {_mm256_blendv_ps(b.low, a.low, m.low), _mm256_blendv_ps(b.high, a.high, m.high)}; }
  friend lanes sqrt(lanes a) { return {_mm256_sqrt_ps(a.low), _mm256_sqrt_ps(a.high)}; }
  /// a b - c
  friend lanes fms(lanes a, lanes b, lanes c) { return {_mm256_fmsub_ps(a.low, b.low, c.low), _mm256_fmsub_ps(a.high, b.high, c.high)}; }
  /// To the nearest whole number.
  friend lanes round(lanes a) {
    constexpr int nearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    return {_mm256_round_ps(a.low, nearest), _mm256_round_ps(a.high, nearest)};
  }
  /// a 2^n for a whole n from -126 to 127, 0 for -127.
  friend lanes times_power_of_two(lanes a, lanes n) {
    const auto half = [](__m256 x, __m256 power) {
      return _mm256_mul_ps(x, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(power), _mm256_set1_epi32(127)), 23)));
    };
    return {half(a.low, n.low), half(a.high, n.high)};
  }
  friend float greatest(lanes a) {
    const __m256 eight = _mm256_max_ps(a.low, a.high);
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
  }
  friend float sum(lanes a) {
    const __m256 eight = _mm256_add_ps(a.low, a.high);
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }

 private:
  static __m256 widen(const c10::BFloat16* p) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))), 16));
  }
  static __m256 widen(const std::uint8_t* p) {
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
  }
};

}  // namespace axonzoo::kernels

#endif
