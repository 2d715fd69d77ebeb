#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <axonzoo/core/image.hpp>
#include <axonzoo/data/phantom/raster.hpp>

namespace axonzoo {

/// Smooth noise over the whole plane: mean 0, variance 1 on average, correlated over about `spacing`. A uniform cubic B-spline
/// whose coefficients are hashes of their place, so that any part of it can be made by itself.
class lattice_noise {
 public:
  lattice_noise(std::uint64_t seed, double spacing) : seed_(seed), spacing_(spacing) {}

  struct slope {
    double x, y;
  };

  /// Derivatives at a point, per unit of length.
  [[nodiscard]] slope gradient(double x, double y) const {
    const double u = x / spacing_, v = y / spacing_;
    const auto i = static_cast<std::int64_t>(std::floor(u)), j = static_cast<std::int64_t>(std::floor(v));
    const auto wx = weights(u - std::floor(u)), wy = weights(v - std::floor(v)), dx = slopes(u - std::floor(u)),
               dy = slopes(v - std::floor(v));
    slope sum{0, 0};
    for (int b = 0; b < 4; ++b) {
      for (int a = 0; a < 4; ++a) {
        const double c = coefficient(i + a - 1, j + b - 1);
        sum.x += c * dx[a] * wy[b];
        sum.y += c * wx[a] * dy[b];
      }
    }
    return {sum.x / spacing_, sum.y / spacing_};
  }

  /// The noise at the pixels of a window, where `spacing` is in pixels. Below one pixel it fades as averages do.
  [[nodiscard]] xt::xtensor<float, 2> field(const phantom_window& window) const {
    const double spacing = std::max(spacing_, 1.0), fading = std::min(spacing_, 1.0);
    auto made =
        xt::xtensor<float, 2>::from_shape({static_cast<std::size_t>(window.height), static_cast<std::size_t>(window.width)});
    const auto knot = [spacing](std::int64_t pixel) { return (static_cast<double>(pixel) + 0.5) / spacing; };
    const auto first = static_cast<std::int64_t>(std::floor(knot(window.left))) - 1;
    const auto last = static_cast<std::int64_t>(std::floor(knot(window.left + window.width - 1))) + 2;
    std::vector<std::int32_t> place(static_cast<std::size_t>(window.width));
    std::array<std::vector<float>, 4> across;
    for (auto& w : across) w.resize(place.size());
    for (std::int64_t column = 0; column < window.width; ++column) {
      const double u = knot(window.left + column);
      place[column] = static_cast<std::int32_t>(static_cast<std::int64_t>(std::floor(u)) - 1 - first);
      const auto w = weights(u - std::floor(u));
      for (int a = 0; a < 4; ++a) across[a][column] = static_cast<float>(w[a]);
    }
    std::array<std::vector<float>, 4> knots;  // rows of coefficients around the pixel row
    std::int64_t held = INT64_MIN;
    std::vector<float> down(static_cast<std::size_t>(last - first + 1));
    for (std::int64_t row = 0; row < window.height; ++row) {
      const double v = knot(window.top + row);
      const auto j = static_cast<std::int64_t>(std::floor(v)) - 1;
      if (j != held) {
        for (int b = 0; b < 4; ++b) {
          knots[b].resize(down.size());
          for (std::size_t k = 0; k < down.size(); ++k) {
            knots[b][k] = static_cast<float>(coefficient(first + static_cast<std::int64_t>(k), j + b) * fading);
          }
        }
        held = j;
      }
      const auto w = weights(v - std::floor(v));
      for (std::size_t k = 0; k < down.size(); ++k) {
        down[k] = static_cast<float>(w[0]) * knots[0][k] + static_cast<float>(w[1]) * knots[1][k] +
                  static_cast<float>(w[2]) * knots[2][k] + static_cast<float>(w[3]) * knots[3][k];
      }
      float* const out = made.data() + row * window.width;
      const float* const in = down.data();
      for (std::int64_t column = 0; column < window.width; ++column) {
        const auto k = place[column];
        out[column] = across[0][column] * in[k] + across[1][column] * in[k + 1] + across[2][column] * in[k + 2] +
                      across[3][column] * in[k + 3];
      }
    }
    return made;
  }

  /// A normal deviate (sum of eight bytes) of a place: also white noise, pixel by pixel.
  static double deviate(std::uint64_t seed, std::int64_t x, std::int64_t y) {
    std::uint64_t h =
        seed + static_cast<std::uint64_t>(x) * 0x9E3779B97F4A7C15U + static_cast<std::uint64_t>(y) * 0xC2B2AE3D27D4EB4FU;
    h = (h ^ (h >> 30)) * 0xBF58476D1CE4E5B9U;
    h = (h ^ (h >> 27)) * 0x94D049BB133111EBU;
    h ^= h >> 31;
    const std::uint64_t pairs = (h & 0x00FF00FF00FF00FFU) + ((h >> 8) & 0x00FF00FF00FF00FFU);
    const auto sum = static_cast<std::int64_t>((pairs * 0x0001000100010001U) >> 48);
    return static_cast<double>(sum - 1020) / 209.0231;
  }

 private:
  static std::array<double, 4> weights(double t) {
    const double s = 1 - t;
    return {s * s * s / 6, (3 * t * t * t - 6 * t * t + 4) / 6, (3 * s * s * s - 6 * s * s + 4) / 6, t * t * t / 6};
  }

  static std::array<double, 4> slopes(double t) {
    const double s = 1 - t;
    return {-s * s / 2, (3 * t * t - 4 * t) / 2, -(3 * s * s - 4 * s) / 2, t * t / 2};
  }

  // 315 / 151: the spline's squared weights average (151 / 315)^2 over both axes.
  [[nodiscard]] double coefficient(std::int64_t i, std::int64_t j) const { return 315. / 151 * deviate(seed_, i, j); }

  std::uint64_t seed_;
  double spacing_;
};

}  // namespace axonzoo
