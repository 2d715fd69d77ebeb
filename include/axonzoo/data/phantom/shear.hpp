#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <optional>
#include <vector>

#include <axonzoo/data/phantom/lattice_noise.hpp>
#include <axonzoo/data/phantom/star_outline.hpp>

namespace axonzoo {

/// A smooth deformation that keeps areas: points move along the curl of a random stream function. Packed discs turn into the
/// long, bent and squeezed profiles of tissue.
class tissue_shear {
 public:
  /// `length` is over what the deformation changes, `strain` the root mean square of its principal stretch (0.2: a disc becomes
  /// about 1.5 times as long as wide). 2.17: that of the stream function at length 1, from the integrals of the squared cubic
  /// B-spline (151/315) and of its first (2/3) and second (8/3) derivatives: sqrt((2/3)^2 + (8/3) (151/315) / 2) / (151/315).
  tissue_shear(std::uint64_t seed, double length, double strain)
      : stream_(seed, length), step_(strain * length * length / 2.17) {}

  [[nodiscard]] star_outline::point move(double x, double y) const {
    // Two half steps, by the midpoint rule: one would change areas by the square of the strain.
    for (int half = 0; half < 2; ++half) {
      const auto here = stream_.gradient(x, y);
      const auto middle = stream_.gradient(x + step_ / 4 * here.y, y - step_ / 4 * here.x);
      x += step_ / 2 * middle.y;
      y -= step_ / 2 * middle.x;
    }
    return {x, y};
  }

  /// The outline moved, with vertices at even angles again: each lies on an edge between moved vertices. Nothing where the moved
  /// outline cannot be seen whole from its centre.
  [[nodiscard]] std::optional<star_outline> move(const star_outline& outline) const {
    const std::size_t n = outline.radii.size();
    const auto centre = move(outline.x, outline.y);
    std::vector<star_outline::point> at(n);
    for (std::size_t k = 0; k < n; ++k) {
      const auto v = outline.vertex(k);
      const auto moved = move(outline.x + v.x, outline.y + v.y);
      at[k] = {moved.x - centre.x, moved.y - centre.y};
    }
    star_outline made{centre.x, centre.y, std::vector<float>(n)};
    const double turn = 2 * std::numbers::pi, step = turn / static_cast<double>(n);
    double total = 0;
    for (std::size_t k = 0; k < n; ++k) {
      const auto a = at[k], b = at[(k + 1) % n];
      const double cross = a.x * b.y - a.y * b.x;
      const double sweep = std::atan2(cross, a.x * b.x + a.y * b.y);
      if (sweep <= 0) return std::nullopt;
      total += sweep;
      const double from = std::atan2(a.y, a.x);
      for (auto m = static_cast<std::int64_t>(std::ceil(from / step)); static_cast<double>(m) * step < from + sweep; ++m) {
        const double c = std::cos(static_cast<double>(m) * step), s = std::sin(static_cast<double>(m) * step);
        const double distance = cross / (c * (b.y - a.y) - s * (b.x - a.x));
        const auto count = static_cast<std::int64_t>(n);
        made.radii[static_cast<std::size_t>(((m % count) + count) % count)] = static_cast<float>(distance);
      }
    }
    if (std::abs(total - turn) > 1e-6) return std::nullopt;
    for (const float radius : made.radii) {
      if (!(radius > 0)) return std::nullopt;
    }
    return made;
  }

 private:
  lattice_noise stream_;
  double step_;
};

}  // namespace axonzoo
