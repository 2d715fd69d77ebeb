#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

#include <c10/util/BFloat16.h>

/// Own kernels need AVX-512 (bfloat16 its dot product as well) and are left to oneDNN where there are tile registers (AMX).
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#define AXONZOO_AVX512 1
#if defined(__AVX512BF16__) && !defined(__AMX_BF16__)
#define AXONZOO_AVX512_BF16 1
#endif
#endif

#if defined(AXONZOO_AVX512)
#include <immintrin.h>
#endif

namespace axonzoo::kernels {

/// Whether this build has own kernels for the element type.
template <class T>
inline constexpr bool available = false;
#if defined(AXONZOO_AVX512)
template <>
inline constexpr bool available<float> = true;
#endif
#if defined(AXONZOO_AVX512_BF16)
template <>
inline constexpr bool available<c10::BFloat16> = true;
#endif

/// Elements in the 32 bits that one lane multiplies at once: a float, or a pair of bfloat16.
template <class T>
inline constexpr int elements_per_unit = 4 / static_cast<int>(sizeof(T));

#if defined(AXONZOO_AVX512)

/// work(0) ... work(Count - 1), the numbers known at compile time so that arrays of vectors stay in registers.
template <int Count, class Work>
[[gnu::always_inline]] inline void unrolled(const Work& work) {
  [&]<int... Numbers>(std::integer_sequence<int, Numbers...>) __attribute__((always_inline)) {
    (work(std::integral_constant<int, Numbers>()), ...);
  }(std::make_integer_sequence<int, Count>());
}

/// A vector of 16 or 8 float accumulators and what the kernels do with it.
template <int Lanes>
struct vector;

template <>
struct vector<16> {
  using type = __m512;
  static type zero() { return _mm512_setzero_ps(); }
  static type load(const void* p) { return _mm512_loadu_ps(p); }
  static type broadcast(const std::uint32_t* p) { return _mm512_castsi512_ps(_mm512_set1_epi32(static_cast<int>(*p))); }
  static type add(type a, type b) { return _mm512_add_ps(a, b); }
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
  static type add(type a, type b) { return _mm256_add_ps(a, b); }
  static void store(float* p, type a) { _mm256_storeu_ps(p, a); }
  static void store(float* p, type a, int lanes) { _mm256_mask_storeu_ps(p, static_cast<__mmask8>((1U << lanes) - 1U), a); }
#if defined(AXONZOO_AVX512_BF16)
  static void store(c10::BFloat16* p, type a, int lanes) {
    _mm_mask_storeu_epi16(p, static_cast<__mmask8>((1U << lanes) - 1U), (__m128i)_mm256_cvtneps_pbh(a));
  }
#endif
  template <class T>
  static type multiply_add(type sum, type a, type b) {
#if defined(AXONZOO_AVX512_BF16)
    if constexpr (!std::is_same_v<T, float>) return _mm256_dpbf16_ps(sum, (__m256bh)a, (__m256bh)b);
#endif
    return _mm256_fmadd_ps(a, b, sum);
  }
};

#endif

}  // namespace axonzoo::kernels
