#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__)
#define AXONZOO_LANES_AVX512 1
#include <immintrin.h>
#elif defined(__AVX2__) && defined(__FMA__)
#define AXONZOO_LANES_AVX2 1
#include <axonzoo/nn/kernels/vector.hpp>
#endif

#include <c10/util/BFloat16.h>

namespace axonzoo::kernels {

/// Sixteen floats that are worked on together: one AVX-512 register or two of AVX2 where the machine has them, else an array whose loops
/// the compiler vectorises. bf16 is widened when loaded and rounded to nearest even when stored.
struct lanes {
  static constexpr std::int64_t width = 16;

#ifdef AXONZOO_LANES_AVX512
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
  friend lanes round(lanes a) { return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }
  /// a 2^n for a whole n from -150 to 127.
  friend lanes times_power_of_two(lanes a, lanes n) { return {_mm512_scalef_ps(a.v, n.v)}; }
  friend float greatest(lanes a) { return _mm512_reduce_max_ps(a.v); }
  friend float sum(lanes a) { return _mm512_reduce_add_ps(a.v); }

 private:
  // g++ 12 takes the unmasked forms of some instructions for reads of uninitialised registers.
  static constexpr __mmask16 every = 0xffff;
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

 public:
#elif defined(AXONZOO_LANES_AVX2)
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
  /// a 2^n for a whole n from -150 to 127. In two steps, so that each factor is a normal number.
  friend lanes times_power_of_two(lanes a, lanes n) {
    const auto half = [](__m256 x, __m256 power) {
      const __m256i whole = _mm256_cvtps_epi32(power), first = _mm256_srai_epi32(whole, 1);
      const auto factor = [](__m256i p) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(p, _mm256_set1_epi32(127)), 23)); };
      return _mm256_mul_ps(_mm256_mul_ps(x, factor(first)), factor(_mm256_sub_epi32(whole, first)));
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

 public:
#else
  float v[width];
  struct mask {
    std::int32_t v[width];
  };

  static lanes all(float x) {
    return make([&](int) { return x; });
  }
  template <class Element>
  static lanes load(const Element* p) {
    return make([&](int i) { return static_cast<float>(p[i]); });
  }
  /// The first n, zeros after.
  template <class Element>
  static lanes load(const Element* p, std::int64_t n) {
    return make([&](int i) { return i < n ? static_cast<float>(p[i]) : 0.0F; });
  }
  template <class Element>
  void store(Element* p) const {
    for (int i = 0; i < width; ++i) p[i] = static_cast<Element>(v[i]);
  }
  template <class Element>
  void store(Element* p, std::int64_t n) const {
    for (int i = 0; i < n; ++i) p[i] = static_cast<Element>(v[i]);
  }

  friend lanes operator+(const lanes& a, const lanes& b) {
    return make([&](int i) { return a.v[i] + b.v[i]; });
  }
  friend lanes operator-(const lanes& a, const lanes& b) {
    return make([&](int i) { return a.v[i] - b.v[i]; });
  }
  friend lanes operator*(const lanes& a, const lanes& b) {
    return make([&](int i) { return a.v[i] * b.v[i]; });
  }
  friend lanes operator/(const lanes& a, const lanes& b) {
    return make([&](int i) { return a.v[i] / b.v[i]; });
  }
  /// a b + c
  friend lanes fma(const lanes& a, const lanes& b, const lanes& c) {
    return make([&](int i) { return a.v[i] * b.v[i] + c.v[i]; });
  }
  /// The larger; b where either is not a number.
  friend lanes max(const lanes& a, const lanes& b) {
    return make([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
  }
  /// a where x > 0, else 0.
  friend lanes where_positive(const lanes& x, const lanes& a) {
    return make([&](int i) { return x.v[i] > 0 ? a.v[i] : 0.0F; });
  }
  friend mask equal(const lanes& a, const lanes& b) {
    return make_mask([&](int i) { return a.v[i] == b.v[i]; });
  }
  /// Where a > b or a is not a number.
  friend mask beats(const lanes& a, const lanes& b) {
    return make_mask([&](int i) { return a.v[i] > b.v[i] || a.v[i] != a.v[i]; });
  }
  /// a where m, else b.
  static lanes select(const mask& m, const lanes& a, const lanes& b) {
    return make([&](int i) { return m.v[i] != 0 ? a.v[i] : b.v[i]; });
  }
  friend lanes sqrt(const lanes& a) {
    return make([&](int i) { return std::sqrt(a.v[i]); });
  }
  friend float sum(const lanes& a) {
    float total = 0;
    for (const float x : a.v) total += x;
    return total;
  }

 private:
  template <class Function>
  static lanes make(const Function& element) {
    lanes result;
    for (int i = 0; i < width; ++i) result.v[i] = element(i);
    return result;
  }
  template <class Predicate>
  static mask make_mask(const Predicate& holds) {
    mask result;
    for (int i = 0; i < width; ++i) result.v[i] = holds(i) ? 1 : 0;
    return result;
  }

 public:
#endif
};

}  // namespace axonzoo::kernels
