#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <axonzoo/core/image.hpp>
#include <axonzoo/data/phantom/expose.hpp>
#include <axonzoo/data/phantom/masks.hpp>
#include <axonzoo/data/phantom/paint.hpp>
#include <axonzoo/data/phantom/palette.hpp>
#include <axonzoo/data/phantom/tissue.hpp>
#include <axonzoo/data/phantom_options.hpp>

namespace axonzoo {

/// The truth about one fibre, from its exact outline, also where the image's border cuts it. Lengths in um, areas in um^2.
struct phantom_axon {
  double x_um, y_um;           ///< centre of the axon's area, from the image's upper left corner
  double diameter_um;          ///< of the circle of the axon's area
  double g_ratio;              ///< sqrt(area of the axon / area of the fibre)
  double myelin_thickness_um;  ///< half of the difference of the diameters of fibre and axon
  double axon_area_um2, fibre_area_um2;
  bool touches_border;  ///< the image does not show the whole fibre
};

/// A synthetic micrograph of white matter with its truth.
struct phantom {
  image pixels;                  ///< [H, W, 1], whole levels 0..255
  label_image labels;            ///< 0 background, 1 myelin, 2 axon, by what each pixel's centre lies in
  instance_image axons, fibres;  ///< i + 1 where the pixel belongs to axons[i] of the table (`fibres`: or to its sheath)
  std::vector<phantom_axon> table;
  double pixel_size;  ///< um
};

/// The table of a tissue: one row a fibre that has at least one pixel in the image, from top to bottom.
inline std::vector<phantom_axon> measure_tissue(const phantom_tissue& tissue) {
  const double width = static_cast<double>(tissue.options.width) * tissue.options.pixel_size;
  const double height = static_cast<double>(tissue.options.height) * tissue.options.pixel_size;
  std::vector<phantom_axon> rows;
  for (const auto& fibre : tissue.fibres) {
    const auto centre = fibre.axon.centroid();
    const double inner = fibre.axon.diameter(), outer = fibre.sheath.diameter();
    bool touches = false;
    for (std::size_t k = 0; k < fibre.sheath.radii.size(); ++k) {
      const auto v = fibre.sheath.vertex(k);
      const double x = fibre.sheath.x + v.x, y = fibre.sheath.y + v.y;
      touches = touches || x < 0 || y < 0 || x > width || y > height;
    }
    rows.push_back(
        {centre.x, centre.y, inner, inner / outer, (outer - inner) / 2, fibre.axon.area(), fibre.sheath.area(), touches});
  }
  return rows;
}

/// Grey levels and masks of a part of the tissue, the same as in the whole image: slides larger than memory are made window by
/// window. Rows of the table and numbers in the masks are those of the whole.
inline phantom render_phantom(const phantom_tissue& tissue, const phantom_window& window) {
  const auto& o = tissue.options;
  const auto palette = draw_palette(o.contrast, tissue.seed);
  const phantom_window wide{window.top - exposure_margin, window.left - exposure_margin, window.height + 2 * exposure_margin,
                            window.width + 2 * exposure_margin};
  auto masks = draw_masks(tissue, window);
  auto pixels = expose(tissue_painter(tissue, palette, wide).paint(), o, palette, tissue.seed, window);
  return {std::move(pixels),       std::move(masks.labels), std::move(masks.axons),
          std::move(masks.fibres), measure_tissue(tissue),  o.pixel_size};
}

/// A phantom from a seed; the same arguments give the same phantom. Throws `error` for options that no tissue can have.
inline phantom make_phantom(const phantom_options& options, std::uint64_t seed) {
  const auto tissue = grow_tissue(options, seed);
  return render_phantom(tissue, {0, 0, static_cast<std::int64_t>(options.height), static_cast<std::int64_t>(options.width)});
}

}  // namespace axonzoo
