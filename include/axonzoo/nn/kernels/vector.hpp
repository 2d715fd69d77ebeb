#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

#include <c10/util/BFloat16.h>

/// Own convolutions and attention need AVX-512 (bfloat16 its dot product as well, and use the tile registers, AMX, where there are any), or AVX2, where bfloat16 is
/// widened as it is multiplied.
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#define AXONZOO_AVX512 1
#if defined(__AVX512BF16__)
#define AXONZOO_AVX512_BF16 1
#if defined(__AMX_TILE__) && defined(__AMX_BF16__) && defined(__AMX_INT8__) && defined(__linux__)
#define AXONZOO_AMX 1
#endif
#endif
#if defined(__AVX512VNNI__)
#define AXONZOO_AVX512_VNNI 1
#endif
#elif defined(__AVX2__) && defined(__FMA__)
#define AXONZOO_AVX2 1
#endif

#if defined(AXONZOO_AVX512) || defined(AXONZOO_AVX2)
#define AXONZOO_VECTORS 1
#include <immintrin.h>
#endif

namespace axonzoo::kernels {

/// Whether this build has own kernels for the element type.
template <class T>
inline constexpr bool available = false;
#if defined(AXONZOO_VECTORS)
template <>
inline constexpr bool available<float> = true;
#endif
#if defined(AXONZOO_AVX512_BF16) || defined(AXONZOO_AVX2)
template <>
inline constexpr bool available<c10::BFloat16> = true;
#endif

/// What convolutions multiply: bfloat16 is widened first where the processor has no product for it.
#if defined(AXONZOO_AVX2)
template <class T>
using factor = std::conditional_t<std::is_integral_v<T>, T, float>;
#else
template <class T>
using factor = T;
#endif

/// Elements in the 32 bits that one lane multiplies at once: a float, a pair of bfloat16 or of whole numbers, or four whole numbers of 8 bits.
template <class T>
inline constexpr int elements_per_unit = 4 / static_cast<int>(sizeof(T));

#if defined(AXONZOO_VECTORS)

/// work(0) ... work(Count - 1), the numbers known at compile time so that arrays of vectors stay in registers.
template <int Count, class Work>
[[gnu::always_inline]] inline void unrolled(const Work& work) {
  [&]<int... Numbers>(std::integer_sequence<int, Numbers...>) __attribute__((always_inline)) {
    (work(std::integral_constant<int, Numbers>()), ...);
  }(std::make_integer_sequence<int, Count>());
}

/// A vector of 16 or 8 float accumulators and what the kernels do with it. Of whole numbers the sums are 32-bit ones, exact, whose bits lie where the floats do,
/// until they are rescaled to whole scale[lane] + offset[lane]; those of 8 bits have no sign in the first factor and one in the second.
template <int Lanes>
struct vector;

#if defined(AXONZOO_AVX512)

/// Vectors of 16 channels that a kernel keeps for each pixel.
inline constexpr std::int64_t block_vectors = 3;

/// Whether half a register of one pixel lies beside that of another, since a product of half a register takes as long as one of a whole.
inline constexpr bool halves_in_pairs = true;

template <>
struct vector<16> {
  using type = __m512;
  static type zero() { return _mm512_setzero_ps(); }
  static type load(const void* p) { return _mm512_loadu_ps(p); }
  static type broadcast(const std::uint32_t* p) { return _mm512_castsi512_ps(_mm512_set1_epi32(static_cast<int>(*p))); }
  /// The same eight in both halves.
  static type twice(__m256 a) { return _mm512_maskz_broadcast_f32x8(0xffff, a); }
  /// The lower half of a and the upper one of b.
  static type halves(type a, type b) { return _mm512_mask_blend_ps(0xff00, a, b); }
  static type add(type a, type b) { return _mm512_add_ps(a, b); }
  static type rescaled(type whole, const float* scale, const float* offset) {
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(_mm512_castps_si512(whole)), load(scale), load(offset));
  }
  static void store(float* p, type a) { _mm512_storeu_ps(p, a); }
  static void store(float* p, type a, int lanes) { _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1U << lanes) - 1U), a); }
#if defined(AXONZOO_AVX512_BF16)
  static void store(c10::BFloat16* p, type a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), (__m256i)_mm512_cvtneps_pbh(a));
  }
  static void store(c10::BFloat16* p, type a, int lanes) {
    _mm256_mask_storeu_epi16(p, static_cast<__mmask16>((1U << lanes) - 1U), (__m256i)_mm512_cvtneps_pbh(a));
  }
#endif
  template <class T>
  static type multiply_add(type sum, type a, type b) {
    if constexpr (std::is_same_v<T, std::int16_t>) {
#if defined(AXONZOO_AVX512_VNNI)
      return _mm512_castsi512_ps(_mm512_dpwssd_epi32(_mm512_castps_si512(sum), _mm512_castps_si512(a), _mm512_castps_si512(b)));
#else
      return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(sum), _mm512_madd_epi16(_mm512_castps_si512(a), _mm512_castps_si512(b))));
#endif
    }
#if defined(AXONZOO_AVX512_VNNI)
    if constexpr (std::is_same_v<T, std::uint8_t>) {
      return _mm512_castsi512_ps(_mm512_dpbusd_epi32(_mm512_castps_si512(sum), _mm512_castps_si512(a), _mm512_castps_si512(b)));
    }
#endif
#if defined(AXONZOO_AVX512_BF16)
    if constexpr (!std::is_same_v<T, float>) return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b);
#endif
    return _mm512_fmadd_ps(a, b, sum);
  }
};

template <>
struct vector<8> {
  using type = __m256;
  static type zero() { return _mm256_setzero_ps(); }
  static type load(const void* p) { return _mm256_loadu_ps(static_cast<const float*>(p)); }
  static type broadcast(const std::uint32_t* p) { return _mm256_castsi256_ps(_mm256_set1_epi32(static_cast<int>(*p))); }
  /// The lower half. Its intrinsic makes g++ 12 warn of uninitialised registers, and its builtin makes it stop.
  static type narrow(__m512 a) {
    type low;
    __builtin_memcpy(&low, &a, sizeof low);
    return low;
  }
  static type upper(__m512 a) { return _mm512_maskz_extractf32x8_ps(0xff, a, 1); }
  static type add(type a, type b) { return _mm256_add_ps(a, b); }
  static type rescaled(type whole, const float* scale, const float* offset) {
    return _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_castps_si256(whole)), load(scale), load(offset));
  }
  static void store(float* p, type a) { _mm256_storeu_ps(p, a); }
  static void store(float* p, type a, int lanes) { _mm256_mask_storeu_ps(p, static_cast<__mmask8>((1U << lanes) - 1U), a); }
#if defined(AXONZOO_AVX512_BF16)
  static void store(c10::BFloat16* p, type a, int lanes) {
    _mm_mask_storeu_epi16(p, static_cast<__mmask8>((1U << lanes) - 1U), (__m128i)_mm256_cvtneps_pbh(a));
  }
#endif
  template <class T>
  static type multiply_add(type sum, type a, type b) {
    if constexpr (std::is_same_v<T, std::int16_t>) {
#if defined(AXONZOO_AVX512_VNNI)
      return _mm256_castsi256_ps(_mm256_dpwssd_epi32(_mm256_castps_si256(sum), _mm256_castps_si256(a), _mm256_castps_si256(b)));
#else
      return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(sum), _mm256_madd_epi16(_mm256_castps_si256(a), _mm256_castps_si256(b))));
#endif
    }
#if defined(AXONZOO_AVX512_VNNI)
    if constexpr (std::is_same_v<T, std::uint8_t>) {
      return _mm256_castsi256_ps(_mm256_dpbusd_epi32(_mm256_castps_si256(sum), _mm256_castps_si256(a), _mm256_castps_si256(b)));
    }
#endif
#if defined(AXONZOO_AVX512_BF16)
    if constexpr (!std::is_same_v<T, float>) return _mm256_dpbf16_ps(sum, (__m256bh)a, (__m256bh)b);
#endif
    return _mm256_fmadd_ps(a, b, sum);
  }
};

#else

inline constexpr std::int64_t block_vectors = 1;
inline constexpr bool halves_in_pairs = false;

/// Ones in the first `lanes` of eight.
inline __m256i first_of_eight(std::int64_t lanes) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(lanes)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/// Rounded to nearest even, what is not a number to one that is not.
inline __m128i rounded_to_bf16(__m256 wide) {
  const __m256i bits = _mm256_castps_si256(wide);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_srli_epi32(_mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff))), 16);
  const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(wide, wide, _CMP_UNORD_Q));
  const __m256i kept = _mm256_blendv_epi8(rounded, _mm256_set1_epi32(0x7fc0), nan);
  return _mm_packus_epi32(_mm256_castsi256_si128(kept), _mm256_extracti128_si256(kept, 1));
}

template <>
struct vector<8> {
  using type = __m256;
  static type zero() { return _mm256_setzero_ps(); }
  static type load(const void* p) { return _mm256_loadu_ps(static_cast<const float*>(p)); }
  static type broadcast(const std::uint32_t* p) { return _mm256_castsi256_ps(_mm256_set1_epi32(static_cast<int>(*p))); }
  static type narrow(type a) { return a; }
  static type add(type a, type b) { return _mm256_add_ps(a, b); }
  static type rescaled(type whole, const float* scale, const float* offset) {
    return _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_castps_si256(whole)), load(scale), load(offset));
  }
  static void store(float* p, type a) { _mm256_storeu_ps(p, a); }
  static void store(c10::BFloat16* p, type a) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), rounded_to_bf16(a)); }
  static void store(float* p, type a, int lanes) { _mm256_maskstore_ps(p, first_of_eight(lanes), a); }
  static void store(c10::BFloat16* p, type a, int lanes) {
    c10::BFloat16 all[8];
    store(all, a);
    for (int i = 0; i < 8 && i < lanes; ++i) p[i] = all[i];
  }
  template <class T>
  static type multiply_add(type sum, type a, type b) {
    if constexpr (std::is_same_v<T, float>) {
      return _mm256_fmadd_ps(a, b, sum);
    } else if constexpr (std::is_same_v<T, std::int16_t>) {
      return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(sum), _mm256_madd_epi16(_mm256_castps_si256(a), _mm256_castps_si256(b))));
    } else {
      return _mm256_fmadd_ps(upper(a), upper(b), _mm256_fmadd_ps(lower(a), lower(b), sum));
    }
  }

 private:
  /// The first and the second bfloat16 of each pair, as floats.
  static type lower(type pairs) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(pairs), 16)); }
  static type upper(type pairs) { return _mm256_and_ps(pairs, _mm256_castsi256_ps(_mm256_set1_epi32(static_cast<int>(0xffff0000)))); }
};

/// Two registers.
template <>
struct vector<16> {
  using half = vector<8>;
  struct type {
    half::type low, high;
    operator half::type() const { return low; }  // NOLINT(google-explicit-constructor): of a broadcast, both are alike
  };
  static type zero() { return {half::zero(), half::zero()}; }
  static type load(const void* p) { return {half::load(p), half::load(static_cast<const float*>(p) + 8)}; }
  static type broadcast(const std::uint32_t* p) {
    const half::type all = half::broadcast(p);
    return {all, all};
  }
  static type twice(half::type a) { return {a, a}; }
  static type halves(type a, type b) { return {a.low, b.high}; }
  static type add(type a, type b) { return {half::add(a.low, b.low), half::add(a.high, b.high)}; }
  static type rescaled(type whole, const float* scale, const float* offset) {
    return {half::rescaled(whole.low, scale, offset), half::rescaled(whole.high, scale + 8, offset + 8)};
  }
  template <class Out>
  static void store(Out* p, type a) {
    half::store(p, a.low);
    half::store(p + 8, a.high);
  }
  template <class Out>
  static void store(Out* p, type a, int lanes) {
    if (lanes < 8) return half::store(p, a.low, lanes);
    half::store(p, a.low);
    if (lanes == 16) return half::store(p + 8, a.high);
    if (lanes > 8) half::store(p + 8, a.high, lanes - 8);
  }
  template <class T>
  static type multiply_add(type sum, type a, type b) {
    return {half::multiply_add<T>(sum.low, a.low, b.low), half::multiply_add<T>(sum.high, a.high, b.high)};
  }
};

#endif

#endif

}  // namespace axonzoo::kernels
