#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

#include <axonzoo/core/random.hpp>
#include <axonzoo/data/phantom/star_outline.hpp>
#include <axonzoo/data/phantom/tissue.hpp>

namespace axonzoo {

/// A mitochondrion or a clot of cytoplasm within an axon: an ellipse, placed relative to the fibre's centre. Lengths in um.
struct organelle {
  float x, y, long_radius, short_radius, cosine, sine;
  bool clot;

  /// Below 1 within.
  [[nodiscard]] float radius_at(float dx, float dy) const {
    const float u = (cosine * (dx - x) + sine * (dy - y)) / long_radius, v = (cosine * (dy - y) - sine * (dx - x)) / short_radius;
    return std::sqrt(u * u + v * v);
  }

  /// Across its length, in um: the stripes of cristae run along it.
  [[nodiscard]] float across(float dx, float dy) const { return cosine * (dy - y) - sine * (dx - x); }
};

/// A slit in a sheath: over some sectors, at a share of the thickness.
struct sheath_split {
  float at, width;  ///< share of the thickness, um
  std::size_t first, count;

  /// 0 outside, 1 in the middle; `share` is 0 at the outer surface, 1 at the axon.
  [[nodiscard]] float depth_at(std::size_t sector, std::size_t sectors, float share, float thickness) const {
    const std::size_t along = (sector + sectors - first) % sectors;
    if (along >= count) return 0;
    const float taper = std::sin(std::numbers::pi_v<float> * (static_cast<float>(along) + 0.5F) / static_cast<float>(count));
    const float off = std::abs(share - at) * thickness;
    return std::max(0.F, 1 - off / (width * taper));
  }
};

/// What is seen within one fibre. A pure function of the tissue's seed and the fibre's number.
struct fibre_cytology {
  std::vector<organelle> organelles;
  std::vector<sheath_split> splits;
  bool filled = false;    ///< cytoplasm of the level of its surroundings
  float brightness = 1;   ///< of the sheath
  float axon_offset = 0;  ///< grey levels
};

inline fibre_cytology draw_cytology(const phantom_tissue& tissue, std::size_t number) {
  const auto& fibre = tissue.fibres[number];
  const auto& o = tissue.options;
  const bool tem = o.contrast == phantom_contrast::tem;
  random_stream stream(tissue.seed, 0x0CE1, number);
  fibre_cytology made;
  made.brightness = static_cast<float>(1 + 0.06 * stream.normal());
  made.filled = stream.uniform() < 0.12;
  made.axon_offset = static_cast<float>((tem ? 6 : 9) * stream.normal());

  const star_edges edges(fibre.axon);
  const double area = fibre.axon.area(), radius = fibre.axon.diameter() / 2;
  const auto place = [&](double length, double width, bool clot) {
    const double angle = stream.uniform(0, 2 * std::numbers::pi),
                 distance = radius * (clot ? 0.4 : 0.8) * std::sqrt(stream.uniform());
    const double turn = stream.uniform(0, std::numbers::pi);
    const organelle one{static_cast<float>(distance * std::cos(angle)),
                        static_cast<float>(distance * std::sin(angle)),
                        static_cast<float>(length),
                        static_cast<float>(width),
                        static_cast<float>(std::cos(turn)),
                        static_cast<float>(std::sin(turn)),
                        clot};
    const float depth = edges.depth(edges.sector(one.x, one.y), one.x, one.y);
    if (clot || depth > 1.05 * length) made.organelles.push_back(one);
  };
  const double density = o.organelles * (tem ? 4 : 0.35);  // per um^2
  double expected = density * area;
  for (; expected > 0; --expected) {
    if (stream.uniform() >= expected) continue;
    const double size = tem ? stream.uniform(0.07, 0.15) : stream.uniform(0.12, 0.3);
    place(size, size * stream.uniform(0.55, 0.95), false);
  }
  if (!tem && stream.uniform() < 0.2 * o.organelles)
    place(radius * stream.uniform(0.4, 0.8), radius * stream.uniform(0.3, 0.5), true);

  const auto sectors = fibre.sheath.radii.size();
  for (double splits = 0.35 * o.artefacts * stream.uniform(0, 2); splits > 0; --splits) {
    if (stream.uniform() >= splits) continue;
    made.splits.push_back({static_cast<float>(stream.uniform(0.2, 0.8)),
                           static_cast<float>(stream.uniform(0.02, 0.09) * o.mean_diameter),
                           static_cast<std::size_t>(stream.below(static_cast<std::int64_t>(sectors))),
                           static_cast<std::size_t>(4 + stream.below(static_cast<std::int64_t>(sectors) / 3))});
  }
  return made;
}

}  // namespace axonzoo
