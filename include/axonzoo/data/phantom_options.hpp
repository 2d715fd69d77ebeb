#pragma once

#include <cstddef>
#include <string>

#include <axonzoo/core/error.hpp>

namespace axonzoo {

/// What a phantom's grey levels look like: myelin is bright in SEM (backscattered electrons) and dark in TEM.
enum class phantom_contrast { sem, tem };

/// A cross-section of white matter. Lengths are in um.
struct phantom_options {
  std::size_t height = 512, width = 512;  ///< pixels
  double pixel_size = 0.1;
  phantom_contrast contrast = phantom_contrast::sem;

  double mean_diameter = 1.2;  ///< of axons, gamma-distributed
  double diameter_shape = 3;   ///< of the gamma law: the coefficient of variation is 1 / sqrt(shape)
  double least_diameter = 0.35, greatest_diameter = 6;

  double g_ratio = 0.64;         ///< mean at a diameter of 1 um
  double g_ratio_slope = 0.06;   ///< per unit of ln(diameter)
  double g_ratio_spread = 0.05;  ///< standard deviation about that mean

  double fibre_fraction = 0.66;    ///< of the area, axons with their myelin
  double neurite_fraction = 0.10;  ///< of the area, unmyelinated profiles
  double neurite_diameter = 0.5;   ///< mean
  double glia_fraction = 0.02;     ///< of the area, cell bodies and processes
  double gap = 0.02;               ///< least distance between two outlines
  double irregularity = 0.16;      ///< of outlines: amplitude of their Fourier terms against the radius
  double shear = 0.2;              ///< smooth deformation of the tissue: typical relative stretch

  double organelles = 1;    ///< factor on the density of mitochondria
  double noise = 1;         ///< factor on texture and shot noise
  double illumination = 1;  ///< factor on the unevenness of brightness
  double artefacts = 1;     ///< factor on the number of scratches, charging stripes, dirt and split sheaths

  /// Rat spinal cord in SEM at 0.1 um/px, or mouse corpus callosum in TEM at 0.01 um/px.
  static phantom_options typical(phantom_contrast contrast) {
    phantom_options chosen;
    chosen.contrast = contrast;
    if (contrast == phantom_contrast::tem) {
      chosen.pixel_size = 0.01;
      chosen.mean_diameter = 0.47;
      chosen.diameter_shape = 4;
      chosen.least_diameter = 0.15;
      chosen.greatest_diameter = 1.6;
      chosen.g_ratio = 0.79;
      chosen.g_ratio_spread = 0.04;
      chosen.fibre_fraction = 0.62;
      chosen.neurite_fraction = 0.2;
      chosen.neurite_diameter = 0.28;
      chosen.glia_fraction = 0.02;
      chosen.gap = 0.012;
      chosen.irregularity = 0.18;
    }
    return chosen;
  }

  /// Throws `error` for what no tissue can be.
  void check() const {
    const auto need = [](bool right, const std::string& wrong, const std::string& mend) {
      if (!right) throw error("cannot make a phantom", wrong, mend);
    };
    need(height > 0 && width > 0, "its image has no pixels", "give a size of at least one");
    need(height <= 30000 && width <= 30000, "its image has a side above 30000 pixels", "give a smaller size");
    need(pixel_size > 0 && pixel_size <= 10, "a pixel of " + std::to_string(pixel_size) + " um", "give one up to 10");
    need(least_diameter > 0 && least_diameter < greatest_diameter, "the least diameter is not below the greatest",
         "exchange them");
    need(mean_diameter > 0.5 * least_diameter && mean_diameter < greatest_diameter, "the mean diameter lies outside the bounds",
         "give one between the least and the greatest");
    need(greatest_diameter <= 20 * mean_diameter, "the greatest diameter is above 20 means", "give a smaller one");
    need(diameter_shape >= 0.5, "the shape of the gamma law is below 0.5", "give a larger one");
    need(g_ratio > 0.3 && g_ratio < 0.95 && g_ratio_spread >= 0, "a mean g-ratio of " + std::to_string(g_ratio),
         "give one between 0.3 and 0.95 and a spread of 0 or more");
    need(fibre_fraction > 0 && neurite_fraction >= 0 && glia_fraction >= 0 &&
             fibre_fraction + neurite_fraction + glia_fraction <= 0.85,
         "fibres, neurites and glia fill more than 0.85 of the area", "give smaller fractions");
    need(neurite_diameter > 0 && gap >= 0 && irregularity >= 0 && irregularity <= 0.3 && shear >= 0 && shear <= 0.5,
         "neurites without a diameter, a negative gap, an irregularity outside 0 to 0.3 or a shear outside 0 to 0.5",
         "give positive lengths, and less");
    need(organelles >= 0 && noise >= 0 && illumination >= 0 && artefacts >= 0, "a negative factor", "give 0 or more");
    // What bounds time and memory is the number of profiles.
    const double area = static_cast<double>(height) * static_cast<double>(width) * pixel_size * pixel_size;
    need(area * (fibre_fraction / (mean_diameter * mean_diameter) + neurite_fraction / (neurite_diameter * neurite_diameter)) <
             5e6,
         "it would have millions of axons", "give fewer or smaller pixels");
  }
};

}  // namespace axonzoo
