#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

namespace axonzoo {

/// A closed polygon about a centre, vertex k at the angle 2 pi k / n and the distance radii[k]: what a profile in a phantom is,
/// exactly. Angles turn from the x axis (columns) to the y axis (rows). Lengths in um.
struct star_outline {
  double x = 0, y = 0;
  std::vector<float> radii;

  [[nodiscard]] double angle(std::size_t k) const {
    return 2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(radii.size());
  }

  [[nodiscard]] double area() const {
    double sum = 0;
    for (std::size_t k = 0; k < radii.size(); ++k) sum += static_cast<double>(radii[k]) * radii[(k + 1) % radii.size()];
    return 0.5 * sum * std::sin(2 * std::numbers::pi / static_cast<double>(radii.size()));
  }

  /// Diameter of the circle of the same area.
  [[nodiscard]] double diameter() const { return std::sqrt(4 * area() / std::numbers::pi); }

  [[nodiscard]] float reach() const { return *std::max_element(radii.begin(), radii.end()); }

  struct point {
    double x, y;
  };

  /// Vertex k, relative to the centre.
  [[nodiscard]] point vertex(std::size_t k) const { return {radii[k] * std::cos(angle(k)), radii[k] * std::sin(angle(k))}; }

  /// Centre of the area.
  [[nodiscard]] point centroid() const {
    double sum = 0, sx = 0, sy = 0;
    for (std::size_t k = 0; k < radii.size(); ++k) {
      const auto a = vertex(k), b = vertex((k + 1) % radii.size());
      const double cross = a.x * b.y - a.y * b.x;
      sum += cross;
      sx += cross * (a.x + b.x);
      sy += cross * (a.y + b.y);
    }
    return {x + sx / (3 * sum), y + sy / (3 * sum)};
  }
};

/// Answers how deep points lie within outlines that have one centre and one number of vertices.
class star_edges {
 public:
  explicit star_edges(const star_outline& outline) : n_(outline.radii.size()), edges_(n_) {
    for (std::size_t k = 0; k < n_; ++k) {
      const auto a = outline.vertex(k), b = outline.vertex((k + 1) % n_);
      const double length = std::hypot(b.x - a.x, b.y - a.y);
      const double nx = (a.y - b.y) / length, ny = (b.x - a.x) / length;  // inward normal
      edges_[k] = {static_cast<float>(nx), static_cast<float>(ny), static_cast<float>(-(nx * a.x + ny * a.y))};
    }
  }

  /// The edge that the direction (dx, dy) from the centre meets.
  [[nodiscard]] std::size_t sector(float dx, float dy) const {
    constexpr float turn = 2 * std::numbers::pi_v<float>;
    const float share = std::atan2(dy, dx) / turn;  // -0.5 .. 0.5
    const auto k = static_cast<std::size_t>((share < 0 ? share + 1 : share) * static_cast<float>(n_));
    return k < n_ ? k : 0;
  }

  /// Distance from the line of that edge, positive within; exactly the side of the polygon, and near its outline the distance.
  [[nodiscard]] float depth(std::size_t sector, float dx, float dy) const {
    const auto& edge = edges_[sector];
    return edge.nx * dx + edge.ny * dy + edge.offset;
  }

 private:
  struct edge {
    float nx, ny, offset;
  };
  std::size_t n_;
  std::vector<edge> edges_;
};

}  // namespace axonzoo
