#pragma once

#include <cstddef>
#include <cstdint>

#include <axonzoo/core/image.hpp>
#include <axonzoo/data/phantom/raster.hpp>
#include <axonzoo/data/phantom/tissue.hpp>

namespace axonzoo {

/// What each pixel's centre lies in.
struct phantom_masks {
  label_image labels;            ///< 0 background, 1 myelin, 2 axon
  instance_image axons, fibres;  ///< number of the fibre; `fibres` holds axons with their sheaths
};

/// Exact masks of a window of the tissue.
inline phantom_masks draw_masks(const phantom_tissue& tissue, const phantom_window& window) {
  const auto height = static_cast<std::size_t>(window.height), width = static_cast<std::size_t>(window.width);
  phantom_masks made{label_image::from_shape({height, width}), instance_image::from_shape({height, width}),
                     instance_image::from_shape({height, width})};
  made.labels.fill(0);
  made.axons.fill(0);
  made.fibres.fill(0);
  for (std::size_t i = 0; i < tissue.fibres.size(); ++i) {
    const auto number = static_cast<std::int32_t>(i + 1);
    const star_edges axon(tissue.fibres[i].axon);
    visit_pixels(tissue.fibres[i].sheath, 0, tissue.options.pixel_size, window,
                 [&](std::int64_t row, std::int64_t column, float dx, float dy, std::size_t sector, float) {
                   made.fibres(row, column) = number;
                   const bool within = axon.depth(sector, dx, dy) >= 0;
                   made.labels(row, column) = within ? 2 : 1;
                   if (within) made.axons(row, column) = number;
                 });
  }
  return made;
}

}  // namespace axonzoo
