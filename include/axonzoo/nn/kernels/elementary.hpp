#pragma once

#include <bit>
#include <cstdint>

namespace axonzoo::kernels {

/// exp(x) for x <= 0, to 2 units in the last place; 0 or nearly so below -87. Branchless, so that a loop over it vectorises.
/// Cody and Waite's reduction and Cephes's polynomial.
inline float exp_of_negative(float x) {
  constexpr float log2_e = 1.44269504F, ln2_high = 0.693359375F, ln2_low = -2.12194440e-4F;
  constexpr float rounder = 12582912.0F;  // 1.5 2^23: adding it leaves the nearest integer in the low bits
  x = x < -87.0F ? -87.0F : x;
  const float shifted = x * log2_e + rounder;
  const float n = shifted - rounder;
  const float r = (x - n * ln2_high) - n * ln2_low;
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * r * r + r + 1.0F;
  return p * std::bit_cast<float>((std::bit_cast<std::uint32_t>(shifted) << 23) + 0x3f800000U);
}

/// log(x) for a normal x > 0, to 2 units in the last place (Cephes).
inline float log_of_normal(float x) {
  constexpr float ln2_high = 0.693359375F, ln2_low = -2.12194440e-4F;
  const std::int32_t bits = std::bit_cast<std::int32_t>(x);
  const std::int32_t exponent = (bits - 0x3f3504f3) >> 23;  // sqrt(1/2) <= mantissa < sqrt(2)
  const float n = static_cast<float>(exponent);
  const float m = std::bit_cast<float>(bits - (exponent << 23)) - 1.0F;
  const float square = m * m;
  float p = 7.0376836292e-2F;
  p = p * m - 1.1514610310e-1F;
  p = p * m + 1.1676998740e-1F;
  p = p * m - 1.2420140846e-1F;
  p = p * m + 1.4249322787e-1F;
  p = p * m - 1.6668057665e-1F;
  p = p * m + 2.0000714765e-1F;
  p = p * m - 2.4999993993e-1F;
  p = p * m + 3.3333331174e-1F;
  return (m + (p * m * square + n * ln2_low - 0.5F * square)) + n * ln2_high;
}

}  // namespace axonzoo::kernels
