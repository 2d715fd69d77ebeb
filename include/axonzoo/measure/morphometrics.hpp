#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/measure/components.hpp>
#include <axonzoo/measure/instances.hpp>
#include <axonzoo/measure/region.hpp>
#include <axonzoo/measure/regions.hpp>
#include <axonzoo/measure/runs.hpp>
#include <axonzoo/measure/thickness_split.hpp>

namespace axonzoo {

/// What a diameter is: of the circle with the same area, or the minor axis of the ellipse with the same second moments.
enum class axon_shape { circle, ellipse };

/// How sheaths that touch are split: by a watershed from the axons' centroids, as in AxonDeepSeg, or by the thickness that each has
/// elsewhere.
enum class sheath_splitting { seed, thickness };

/// How axons are measured. The defaults are AxonDeepSeg's, but for `ties`: a pixel or two of an image go to the other of two
/// fibres.
struct morphometric_options {
  double pixel_size = 0;  ///< um, > 0
  axon_shape shape = axon_shape::circle;
  bool keep_border = true;               ///< axons whose fibre touches the image's border, too
  bool myelinated = true;                ///< false: axons alone, 4-connected, without a fibre
  sheath_splitting split = sheath_splitting::seed;
  seed_order ties = seed_order::raster;  ///< scikit_image: AxonDeepSeg's fibres to the last pixel, at several times the time
};

/// One axon. Lengths in um, areas in um^2, angles in rad; NaN where it has no fibre.
struct measured_axon {
  double x = 0, y = 0;  ///< px, centroid
  double g_ratio = 0, axon_area = 0, axon_perimeter = 0, myelin_area = 0, axon_diameter = 0, myelin_thickness = 0;
  double fibre_area = 0, fibre_perimeter = 0;
  double eccentricity = 0, orientation = 0, fibre_eccentricity = 0, fibre_orientation = 0, solidity = 0;
  bool has_fibre = false;
  bool touches_border = false;                            ///< its fibre, or itself without one
  std::int32_t top = 0, left = 0, bottom = 0, right = 0;  ///< bounding box of the same; bottom and right are exclusive
  std::int32_t number = 0;                                ///< of its component, from 1
};

/// Axons and fibres of an image as runs, and what follows from them.
struct morphometrics {
  std::vector<instance_run> axons, fibres;
  std::vector<measured_axon> table;  ///< in the order of the axons' first pixels
};

/// Measures every axon of `labels` ([H, W]) and its fibre, as AxonDeepSeg 5.5.0 does and with scikit-image's measures. Throws
/// `error` for a pixel size that is not positive.
morphometrics measure_axons(const label_image& labels, std::uint8_t axon, std::uint8_t myelin,
                            const morphometric_options& options);

namespace detail {

inline double diameter_of(const region& one, axon_shape shape) {
  return shape == axon_shape::circle ? std::sqrt(4 * static_cast<double>(one.pixels) / std::numbers::pi) : one.minor_axis;
}

/// The fibre that the pixel at the axon's centroid, truncated, belongs to; 0 for none.
inline std::int32_t fibre_under(const std::vector<instance_run>& fibres, double row, double column) {
  const auto y = static_cast<std::int32_t>(row), x = static_cast<std::int32_t>(column);
  const auto after = std::partition_point(
      fibres.begin(), fibres.end(), [&](const instance_run& run) { return run.row < y || (run.row == y && run.begin <= x); });
  if (after == fibres.begin()) return 0;
  const auto& run = *(after - 1);
  return run.row == y && x < run.end ? run.instance : 0;
}

/// `fibre` is null where there is none.
inline measured_axon measure_axon(const region& axon, const region* fibre, std::size_t height, std::size_t width,
                                  const morphometric_options& options) {
  const double s = options.pixel_size, nothing = std::numeric_limits<double>::quiet_NaN();
  measured_axon one;
  one.x = axon.column;
  one.y = axon.row;
  one.axon_diameter = diameter_of(axon, options.shape) * s;
  one.axon_area = static_cast<double>(axon.pixels) * s * s;
  one.axon_perimeter = axon.perimeter * s;
  one.eccentricity = axon.eccentricity;
  one.orientation = axon.orientation;
  one.solidity = axon.solidity;
  one.g_ratio = one.myelin_area = one.myelin_thickness = one.fibre_area = one.fibre_perimeter = one.fibre_eccentricity =
      one.fibre_orientation = nothing;
  const region& box = fibre != nullptr ? *fibre : axon;
  one.top = box.top;
  one.left = box.left;
  one.bottom = box.bottom;
  one.right = box.right;
  one.touches_border = box.top == 0 || box.left == 0 || static_cast<std::size_t>(box.bottom) == height ||
                       static_cast<std::size_t>(box.right) == width;
  if (fibre == nullptr) return one;
  one.has_fibre = true;
  one.fibre_eccentricity = fibre->eccentricity;
  one.fibre_orientation = fibre->orientation;
  const double diameter = diameter_of(*fibre, options.shape) * s;
  if (!(diameter > 0)) return one;  // an ellipse of one pixel or one line
  one.myelin_thickness = (diameter - one.axon_diameter) / 2;
  one.g_ratio = one.axon_diameter / diameter;
  one.myelin_area = static_cast<double>(fibre->pixels - axon.pixels) * s * s;
  one.fibre_area = static_cast<double>(fibre->pixels) * s * s;
  one.fibre_perimeter = fibre->perimeter * s;
  return one;
}

inline void check_pixel_size(double pixel_size) {
  if (pixel_size > 0 && std::isfinite(pixel_size)) return;
  throw error("cannot measure axons", "the pixel size is " + std::to_string(pixel_size) + " um", "give the um of a pixel's side");
}

}  // namespace detail

inline morphometrics measure_axons(const label_image& labels, std::uint8_t axon, std::uint8_t myelin,
                                   const morphometric_options& options) {
  detail::check_pixel_size(options.pixel_size);
  morphometrics found;
  found.axons = component_runs(labels, axon, options.myelinated ? connectivity::eight : connectivity::four);
  const bool by_shape = options.split == sheath_splitting::thickness;
  if (options.myelinated) found.fibres = by_shape ? split_by_thickness(labels, found.axons, myelin) : fibre_runs(labels, found.axons, axon, myelin, options.ties);
  const auto axons = measure_regions(found.axons), fibres = measure_regions(found.fibres, false);
  for (std::size_t i = 0; i < axons.size(); ++i) {
    const auto label = !options.myelinated ? 0
                       : by_shape          ? static_cast<std::int32_t>(i + 1)
                                           : detail::fibre_under(found.fibres, axons[i].row, axons[i].column);
    const region* fibre = label > 0 ? &fibres[static_cast<std::size_t>(label) - 1] : nullptr;
    auto one = detail::measure_axon(axons[i], fibre, labels.shape(0), labels.shape(1), options);
    if (one.touches_border && !options.keep_border) continue;
    one.number = static_cast<std::int32_t>(i + 1);
    found.table.push_back(one);
  }
  return found;
}

}  // namespace axonzoo
