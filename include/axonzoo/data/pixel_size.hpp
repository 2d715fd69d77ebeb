#pragma once

#include <cmath>
#include <optional>

#include <axonzoo/core/error.hpp>
#include <axonzoo/data/dataset.hpp>
#include <axonzoo/data/listing.hpp>

namespace axonzoo {

/// The micrograph's own pixel size in um, else the one given as an option. Throws axonzoo::error where neither is known.
inline double require_pixel_size(const micrograph& one, std::optional<double> option) {
  if (one.pixel_size > 0) return one.pixel_size;
  if (!option)
    throw error("cannot resample " + detail::quoted(one.path), "its folder does not say how large a pixel is",
                "give --pixel-size UM, or a sidecar with PixelSize");
  if (!(*option > 0) || !std::isfinite(*option))
    throw error("cannot resample " + detail::quoted(one.path), "the pixel size must be a positive number of um",
                "give --pixel-size UM as 0.1 for instance");
  return *option;
}

}  // namespace axonzoo
