#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace axonzoo {

namespace detail {

// Every product that is added to is an explicit fma: left to itself, a compiler fuses some of them on machines that can, and the
// last bit then depends on the machine. For the same reason std::log, which differs between libraries, is not used.
template <std::size_t N>
double polynomial(double x, const std::array<double, N>& highest_first) {
  double value = highest_first[0];
  for (std::size_t i = 1; i < N; ++i) value = std::fma(value, x, highest_first[i]);
  return value;
}

/// Natural logarithm of a normal number in (0, 1): 2 artanh((m - 1) / (m + 1)) + e ln 2 for x = m 2^e.
inline double log_of(double x) {
  const auto bits = std::bit_cast<std::uint64_t>(x);
  int exponent = static_cast<int>(bits >> 52) - 1023;
  double mantissa = std::bit_cast<double>((bits & 0x000FFFFFFFFFFFFF) | 0x3FF0000000000000);
  if (mantissa > 0x1.6a09e667f3bcdp+0) {
    mantissa *= 0.5;
    ++exponent;
  }
  const double s = (mantissa - 1) / (mantissa + 1);
  static constexpr std::array<double, 12> series{2. / 23, 2. / 21, 2. / 19, 2. / 17, 2. / 15, 2. / 13,
                                                 2. / 11, 2. / 9,  2. / 7,  2. / 5,  2. / 3,  2.};
  return std::fma(static_cast<double>(exponent), 0x1.62e42fefa39efp-1, s * polynomial(s * s, series));
}

}  // namespace detail

/// The x below which a share p of (0, 1) of the normal distribution of mean 0 and standard deviation 1 lies, to 1e-15: Wichura,
/// "Algorithm AS 241: the percentage points of the normal distribution", Applied Statistics 37 (1988). The same bits on every
/// machine with IEEE arithmetic.
[[nodiscard]] inline double normal_quantile(double p) {
  using detail::polynomial;
  const double q = p - 0.5;
  if (std::fabs(q) <= 0.425) {
    static constexpr std::array<double, 8> above{2.5090809287301226727e+3, 3.3430575583588128105e+4, 6.7265770927008700853e+4,
                                                 4.5921953931549871457e+4, 1.3731693765509461125e+4, 1.9715909503065514427e+3,
                                                 1.3314166789178437745e+2, 3.3871328727963666080e+0};
    static constexpr std::array<double, 8> below{
        5.2264952788528545610e+3, 2.8729085735721942674e+4, 3.9307895800092710610e+4, 2.1213794301586595867e+4,
        5.3941960214247511077e+3, 6.8718700749205790830e+2, 4.2313330701600911252e+1, 1.0};
    const double r = std::fma(-q, q, 0.180625);
    return q * polynomial(r, above) / polynomial(r, below);
  }
  const double r = std::sqrt(-detail::log_of(q < 0 ? p : 1 - p));
  double size = 0;
  if (r <= 5) {
    static constexpr std::array<double, 8> above{7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1,
                                                 1.27045825245236838258e+0, 3.64784832476320460504e+0, 5.76949722146069140550e+0,
                                                 4.63033784615654529590e+0, 1.42343711074968357734e+0};
    static constexpr std::array<double, 8> below{
        1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1,
        6.89767334985100004550e-1, 1.67638483018380384940e+0, 2.05319162663775882187e+0, 1.0};
    size = polynomial(r - 1.6, above) / polynomial(r - 1.6, below);
  } else {
    static constexpr std::array<double, 8> above{2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3,
                                                 2.65321895265761230930e-2, 2.96560571828504891230e-1, 1.78482653991729133580e+0,
                                                 5.46378491116411436990e+0, 6.65790464350110377720e+0};
    static constexpr std::array<double, 8> below{
        2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4,
        1.48753612908506148525e-2,  1.36929880922735805310e-1, 5.99832206555887937690e-1, 1.0};
    size = polynomial(r - 5, above) / polynomial(r - 5, below);
  }
  return q < 0 ? -size : size;
}

}  // namespace axonzoo
