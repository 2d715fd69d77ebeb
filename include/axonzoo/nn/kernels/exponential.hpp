#pragma once

#include <array>
#include <cstddef>
#include <type_traits>

#include <axonzoo/nn/kernels/lanes.hpp>
#include <axonzoo/nn/kernels/vector.hpp>

#if defined(AXONZOO_VECTORS)

namespace axonzoo::kernels {

/// Minimax coefficients of (2^x - 1) / x on [-1/2, 1/2] by relative error: 2e-9 for float, of which rounding makes 1 unit in the
/// last place; 1e-4 for what is rounded to bfloat16 (4e-3) next.
template <class T>
inline constexpr auto power_coefficients = std::array{6.932829379e-1F, 2.422110676e-1F, 5.500894235e-2F};
template <>
inline constexpr auto power_coefficients<float> =
    std::array{6.931472029e-1F, 2.402264791e-1F, 5.550332467e-2F, 9.618437363e-3F, 1.339887612e-3F, 1.535336412e-4F};

/// 2^x in the accuracy of T; 0 below -126.5, since Intel's processors take a hundred cycles for what is denormal, and not a number where x is none.
template <class T>
[[gnu::always_inline]] inline lanes power_of_two(lanes x) {
  constexpr auto& terms = power_coefficients<T>;
  constexpr int last = static_cast<int>(terms.size()) - 1;
  const lanes bounded = max(lanes::all(-127.0F), x);  // of two, the second where one is not a number
  const lanes whole = round(bounded), rest = bounded - whole;
  lanes sum = lanes::all(terms[last]);
  unrolled<last>([&](auto i) __attribute__((always_inline)) { sum = fma(sum, rest, lanes::all(terms[static_cast<std::size_t>(last - 1 - i)])); });
  return times_power_of_two(fma(sum, rest, lanes::all(1.0F)), whole);
}

}  // namespace axonzoo::kernels

#endif
