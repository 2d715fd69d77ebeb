#pragma once

#include <array>
#include <cstddef>
#include <type_traits>

#include <axonzoo/nn/kernels/vector.hpp>

#if defined(AXONZOO_AVX512)

namespace axonzoo::kernels {

/// Minimax coefficients of (2^x - 1) / x on [-1/2, 1/2] by relative error: 2e-9 for float, of which rounding makes 1 unit in the
/// last place; 1e-4 for what is rounded to bfloat16 (4e-3) next.
template <class T>
inline constexpr auto power_coefficients = std::array{6.932829379e-1F, 2.422110676e-1F, 5.500894235e-2F};
template <>
inline constexpr auto power_coefficients<float> =
    std::array{6.931472029e-1F, 2.402264791e-1F, 5.550332467e-2F, 9.618437363e-3F, 1.339887612e-3F, 1.535336412e-4F};

/// 2^x in the accuracy of T; 0 below -150, and not a number where x is none.
template <class T>
[[gnu::always_inline]] inline __m512 power_of_two(__m512 x) {
  constexpr auto& terms = power_coefficients<T>;
  constexpr int last = static_cast<int>(terms.size()) - 1;
  const __m512 bounded = _mm512_max_ps(_mm512_set1_ps(-150.0F), x);  // of two, the second where one is not a number
  const __m512 whole = _mm512_roundscale_ps(bounded, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m512 rest = _mm512_sub_ps(bounded, whole);
  __m512 sum = _mm512_set1_ps(terms[last]);
  unrolled<last>([&](auto i) __attribute__((always_inline)) {
    sum = _mm512_fmadd_ps(sum, rest, _mm512_set1_ps(terms[static_cast<std::size_t>(last - 1 - i)]));
  });
  return _mm512_scalef_ps(_mm512_fmadd_ps(sum, rest, _mm512_set1_ps(1.0F)), whole);
}

}  // namespace axonzoo::kernels

#endif
