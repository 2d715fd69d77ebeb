#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <axonzoo/core/image.hpp>
#include <axonzoo/measure/morphometrics.hpp>

namespace axonzoo {

/// What AxonDeepSeg's aggregates say of a whole image.
struct image_aggregates {
  double axon_volume_fraction = 0, myelin_volume_fraction = 0;
  double g_ratio = 0;                                                          ///< sqrt(1 / (1 + MVF / AVF)); NaN without an axon
  double mean_axon_diameter = 0, mean_fibre_diameter = 0, mean_thickness = 0;  ///< um; the last two follow from `g_ratio`
  double density = 0;                                                          ///< axons a mm^2
  std::size_t axons = 0;
};

/// From the pixels of each class, of the whole image, and the axons that were measured in it.
image_aggregates aggregate(std::uint64_t axon_pixels, std::uint64_t myelin_pixels, std::uint64_t pixels,
                           const std::vector<measured_axon>& axons, double pixel_size);

/// Mean, standard deviation (of a sample), least, greatest and median; NaN of none, and the deviation of one.
struct summary {
  std::size_t count = 0;
  double mean = std::numeric_limits<double>::quiet_NaN(), deviation = mean, least = mean, greatest = mean, median = mean;
};

summary summarise(std::vector<double> values);

/// A range of axon diameters, um, and what holds for the axons in it that have a g-ratio below 1.
struct diameter_bin {
  std::string name;  ///< as AxonDeepSeg's: "0.5-1"
  double from = 0, to = 0;
  summary diameter, g_ratio, thickness;
};

/// AxonDeepSeg's bins, [0.5, 1), [1, 1.25), [1.25, 1.5), [1.5, 1.75), [1.75, inf), of the axons of a subject.
std::vector<diameter_bin> bin_by_diameter(const std::vector<measured_axon>& axons);

inline image_aggregates aggregate(std::uint64_t axon_pixels, std::uint64_t myelin_pixels, std::uint64_t pixels,
                                  const std::vector<measured_axon>& axons, double pixel_size) {
  image_aggregates found;
  const auto size = static_cast<double>(pixels);
  found.axons = axons.size();
  found.axon_volume_fraction = static_cast<double>(axon_pixels) / size;
  found.myelin_volume_fraction = static_cast<double>(myelin_pixels) / size;
  const double nothing = std::numeric_limits<double>::quiet_NaN();
  found.g_ratio = axon_pixels == 0 ? nothing : std::sqrt(1 / (1 + found.myelin_volume_fraction / found.axon_volume_fraction));
  double diameters = 0;
  for (const auto& axon : axons) diameters += axon.axon_diameter;
  found.mean_axon_diameter = axons.empty() ? nothing : diameters / static_cast<double>(axons.size());
  found.mean_fibre_diameter = found.mean_axon_diameter / found.g_ratio;
  found.mean_thickness = (found.mean_fibre_diameter - found.mean_axon_diameter) / 2;
  found.density = static_cast<double>(axons.size()) / (size * pixel_size * pixel_size * 1e-6);
  return found;
}

inline summary summarise(std::vector<double> values) {
  summary found;
  found.count = values.size();
  if (values.empty()) return found;
  std::sort(values.begin(), values.end());
  const auto n = static_cast<double>(values.size());
  double sum = 0;
  for (const double value : values) sum += value;
  found.mean = sum / n;
  double squares = 0;
  for (const double value : values) squares += (value - found.mean) * (value - found.mean);
  if (values.size() > 1) found.deviation = std::sqrt(squares / (n - 1));
  found.least = values.front();
  found.greatest = values.back();
  found.median = (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
  return found;
}

inline std::vector<diameter_bin> bin_by_diameter(const std::vector<measured_axon>& axons) {
  constexpr double unbounded = std::numeric_limits<double>::infinity();
  std::vector<diameter_bin> bins;
  for (const auto& [name, from, to] :
       {std::tuple("0.5-1", 0.5, 1.), std::tuple("1-1.25", 1., 1.25), std::tuple("1.25-1.5", 1.25, 1.5),
        std::tuple("1.5-1.75", 1.5, 1.75), std::tuple("1.75-", 1.75, unbounded)}) {
    std::vector<double> diameters, g_ratios, thicknesses;
    for (const auto& axon : axons) {
      if (!(axon.axon_diameter >= from && axon.axon_diameter < to && axon.g_ratio < 1)) continue;
      diameters.push_back(axon.axon_diameter);
      g_ratios.push_back(axon.g_ratio);
      thicknesses.push_back(axon.myelin_thickness);
    }
    bins.push_back(
        {name, from, to, summarise(std::move(diameters)), summarise(std::move(g_ratios)), summarise(std::move(thicknesses))});
  }
  return bins;
}

}  // namespace axonzoo
