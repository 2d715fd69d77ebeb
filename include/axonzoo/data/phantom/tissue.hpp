#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <utility>
#include <vector>

#include <axonzoo/core/random.hpp>
#include <axonzoo/data/phantom/grow_outline.hpp>
#include <axonzoo/data/phantom/packing.hpp>
#include <axonzoo/data/phantom/raster.hpp>
#include <axonzoo/data/phantom/shear.hpp>
#include <axonzoo/data/phantom/star_outline.hpp>
#include <axonzoo/data/phantom_options.hpp>

namespace axonzoo {

/// An axon and the outline of its sheath, about one centre.
struct phantom_fibre {
  star_outline sheath, axon;
};

/// Geometry of a phantom, before any pixel: lengths in um from the image's corner. Fibres are those with at least one pixel in
/// the image, from top to bottom; the i-th has number i + 1 in instance images. No two profiles overlap.
struct phantom_tissue {
  phantom_options options;
  std::uint64_t seed = 0;
  std::vector<phantom_fibre> fibres;
  std::vector<star_outline> neurites, glia;
};

namespace detail {

enum phantom_kind : int { fibre_disc, neurite_disc, glia_disc };

/// Gamma deviate of that shape and mean 1 (Marsaglia and Tsang, "A simple method for generating gamma variables", 2000).
inline double gamma_deviate(double shape, random_stream& stream) {
  if (shape < 1) return gamma_deviate(shape + 1, stream) * (shape + 1) / shape * std::pow(stream.uniform() + 1e-300, 1 / shape);
  const double d = shape - 1. / 3, c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = stream.normal(), v = std::pow(1 + c * x, 3);
    if (v > 0 && std::log(stream.uniform() + 1e-300) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v / shape;
  }
}

inline double bounded_diameter(double mean, double shape, double least, double greatest, random_stream& stream) {
  while (true) {
    const double d = mean * gamma_deviate(shape, stream);
    if (d >= least && d <= greatest) return d;
  }
}

/// Discs to pack, with the g-ratios of those that are fibres, until each kind fills its share of the box.
inline std::vector<std::pair<disc, double>> draw_discs(const phantom_options& o, double area, double largest,
                                                       random_stream& stream) {
  std::vector<std::pair<disc, double>> drawn;
  const auto fill = [&](double share, auto&& draw) {
    for (double filled = 0; filled < share * area;) {
      drawn.push_back(draw());
      filled += std::numbers::pi * drawn.back().first.radius * drawn.back().first.radius;
    }
  };
  fill(o.fibre_fraction, [&] {
    const double d = bounded_diameter(o.mean_diameter, o.diameter_shape, o.least_diameter, o.greatest_diameter, stream);
    const double law = o.g_ratio + o.g_ratio_slope * std::log(d) + o.g_ratio_spread * stream.normal();
    const double g = std::clamp(law, std::max(0.4, d / largest), 0.93);
    return std::pair{disc{0, 0, d / g / 2, fibre_disc}, g};
  });
  fill(o.neurite_fraction, [&] {
    const double d = bounded_diameter(o.neurite_diameter, 5, 0.3 * o.neurite_diameter, 3 * o.neurite_diameter, stream);
    return std::pair{disc{0, 0, d / 2, neurite_disc}, 0.0};
  });
  fill(o.glia_fraction, [&] {
    const double d = std::min(o.mean_diameter * stream.uniform(1.5, 4), largest);
    return std::pair{disc{0, 0, d / 2, glia_disc}, 0.0};
  });
  return drawn;
}

}  // namespace detail

/// Grows the tissue: gamma-distributed axons, sheaths by the g-ratio law, packed with neurites and glia, outlines wobbled within
/// their power cells. A pure function of its arguments; 10,000 fibres take about a second.
inline phantom_tissue grow_tissue(const phantom_options& options, std::uint64_t seed) {
  options.check();
  phantom_tissue tissue{options, seed, {}, {}, {}};
  const auto& o = tissue.options;
  const double pixel = o.pixel_size, width = static_cast<double>(o.width) * pixel, height = static_cast<double>(o.height) * pixel;
  // The image is cut out of a larger periodic box, so that fibres cross its border and none appears twice.
  const double largest = o.greatest_diameter / std::max(0.5, o.g_ratio - 0.1), margin = 1.75 * largest;
  const periodic_box box{width + 2 * margin, height + 2 * margin};
  random_stream stream(seed, 0x7155);
  auto drawn = detail::draw_discs(o, box.width * box.height, largest, stream);
  std::vector<disc> discs;
  // Smaller discs leave room: a profile finds its area in the shape that its own wobble and its neighbours give it.
  constexpr double packed = 0.95;
  for (const auto& one : drawn) discs.push_back({0, 0, packed * one.first.radius, one.first.kind});
  pack(discs, box, o.gap, stream);

  std::vector<std::vector<std::uint32_t>> neighbours(discs.size());
  for (const auto& pair : near_pairs(discs, box, 2 * power_cell::reach, 0)) {
    neighbours[pair.larger].push_back(pair.smaller);
    neighbours[pair.smaller].push_back(pair.larger);
  }
  const phantom_window frame{0, 0, static_cast<std::int64_t>(o.height), static_cast<std::int64_t>(o.width)};
  const tissue_shear shear(random_stream(seed, 0x0511).bits(), 2.2 * o.mean_diameter / o.g_ratio, o.shear);
  // What lies just outside may be moved into the image, or blurred.
  const double seen = power_cell::reach + 0.1, rim = 8 * pixel + o.mean_diameter;
  for (std::size_t i = 0; i < discs.size(); ++i) {
    const auto& d = discs[i];
    const double x = d.x - margin, y = d.y - margin, far = seen * d.radius + rim;
    if (x < -far || y < -far || x > width + far || y > height + far) continue;
    const std::size_t vertices = d.kind == detail::neurite_disc ? 32 : 64;
    power_cell cell(d.radius, vertices);
    for (const auto j : neighbours[i]) {
      cell.cut(periodic_box::shortest(discs[j].x - d.x, box.width), periodic_box::shortest(discs[j].y - d.y, box.height),
               discs[j].radius, o.gap);
    }
    cell.smooth();
    if (!cell.alive()) continue;
    random_stream own(seed, 0x0071, i);
    const double radius = drawn[i].first.radius;
    const double looseness = d.kind == detail::fibre_disc ? 1 : (o.contrast == phantom_contrast::tem ? 2.5 : 1.3);
    const auto shape = wobble(vertices, 2, 6, o.irregularity * (d.kind == detail::glia_disc ? 2 : 1), own);
    const auto moved = shear.move({x, y, fill_cell(cell, shape, radius, looseness * std::numbers::pi * radius * radius)});
    if (!moved) continue;
    const auto& outline = *moved;
    if (d.kind == detail::neurite_disc) {
      tissue.neurites.push_back(outline);
    } else if (d.kind == detail::glia_disc) {
      tissue.glia.push_back(outline);
    } else if (bool visible = false; visit_pixels(outline, 0, pixel, frame, [&](auto...) { visible = true; }), visible) {
      const auto evenness = wobble(vertices, 1, 3, 0.12, own);
      auto axon = shrink_outline(outline, evenness, drawn[i].second);
      tissue.fibres.push_back({outline, {outline.x, outline.y, std::move(axon)}});
    }
  }
  std::sort(tissue.fibres.begin(), tissue.fibres.end(), [](const phantom_fibre& a, const phantom_fibre& b) {
    return std::pair{a.sheath.y, a.sheath.x} < std::pair{b.sheath.y, b.sheath.x};
  });
  return tissue;
}

}  // namespace axonzoo
