#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <utility>
#include <vector>

#include <axonzoo/core/image.hpp>
#include <axonzoo/data/phantom_options.hpp>
#include <axonzoo/data/phantom_outline.hpp>
#include <axonzoo/data/phantom_packing.hpp>
#include <axonzoo/data/phantom_paint.hpp>

namespace axonzoo {

/// What is true of one axon and its sheath, from the outlines before they became pixels: also where the border cuts them off.
struct phantom_axon {
  double x = 0, y = 0;      ///< um, centroid of the axon; pixel (row r, column c) has its centre at ((c + 0.5), (r + 0.5)) pixels
  double diameter = 0;      ///< um, of the circle of equal area
  double g_ratio = 0;       ///< square root of axon area by fibre area
  double myelin_thickness = 0;  ///< um, between the circles of equal area
  bool touches_border = false;  ///< the fibre has pixels in the first or last row or column
};

/// A made micrograph of white matter and everything that is known about it.
struct phantom {
  image pixels;                     ///< [H, W, 1], whole levels of 0 .. 255
  label_image labels;               ///< 0 background, 1 myelin, 2 axon
  instance_image axons, fibres;     ///< truth[i] has number i + 1 in both; a fibre is an axon with its sheath
  std::vector<phantom_axon> truth;  ///< of every fibre with a pixel in the image
  double pixel_size = 0;            ///< um
};

namespace detail {

/// Draws fibres as masks; those without a pixel leave `parts`.
inline void draw_masks(phantom& made, std::vector<tissue_part>& parts) {
  const std::size_t rows = made.labels.shape(0), columns = made.labels.shape(1);
  std::vector<tissue_part> seen;
  for (auto& part : parts) {
    if (part.what != tissue_part::kind::fibre) {
      seen.push_back(part);
      continue;
    }
    const auto number = static_cast<std::int32_t>(made.truth.size() + 1);
    bool any = false, border = false;
    scan(part.whole, made.pixel_size, rows, columns, [&](std::size_t y, std::size_t from, std::size_t to) {
      any = true;
      border |= y == 0 || y + 1 == rows || from == 0 || to == columns;
      for (auto x = from; x < to; ++x) {
        made.fibres(y, x) = number;
        made.labels(y, x) = 1;
      }
    });
    if (!any) continue;
    scan(part.axon, made.pixel_size, rows, columns, [&](std::size_t y, std::size_t from, std::size_t to) {
      for (auto x = from; x < to; ++x) {
        made.axons(y, x) = number;
        made.labels(y, x) = 2;
      }
    });
    const auto [x, y] = part.axon.centroid();
    const double axon = part.axon.area(), fibre = part.whole.area();
    const double diameter = std::sqrt(4 / std::numbers::pi * axon), outer = std::sqrt(4 / std::numbers::pi * fibre);
    made.truth.push_back({x, y, diameter, std::sqrt(axon / fibre), (outer - diameter) / 2, border});
    seen.push_back(part);
  }
  parts = std::move(seen);
}

}  // namespace detail

/// Makes cross sections of myelinated axons: gamma distributed diameters, fibres packed without overlap, largest first, outlines
/// with low harmonics, g-ratios that rise with the logarithm of the diameter; between them unmyelinated neurites and glia that are
/// background. The masks are the outlines' own pixels, and no step of the imaging moves them. A function of the options and the
/// seed. Throws axonzoo::error for options that no phantom can have.
inline phantom make_phantom(const phantom_options& options, std::uint64_t seed) {
  options.check();
  const std::size_t rows = options.height, columns = options.width;
  phantom made;
  made.pixel_size = options.pixel_size;
  made.pixels = image::from_shape({rows, columns, 1});
  made.labels = label_image::from_shape({rows, columns});
  made.axons = instance_image::from_shape({rows, columns});
  made.fibres = instance_image::from_shape({rows, columns});
  made.labels.fill(0);
  made.axons.fill(0);
  made.fibres.fill(0);
  auto parts = detail::pack_tissue(options, seed);
  detail::draw_masks(made, parts);
  detail::paint_tissue(made.pixels, made.labels, made.axons, parts, options, seed);
  detail::image_tissue(made.pixels, made.labels, options, seed);
  return made;
}

}  // namespace axonzoo
