#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/measure/aggregates.hpp>
#include <axonzoo/measure/components.hpp>
#include <axonzoo/measure/fill_holes.hpp>
#include <axonzoo/measure/morphometrics.hpp>
#include <axonzoo/measure/regions.hpp>

namespace axonzoo {

/// A part of a nerve that is bounded by itself.
struct fascicle {
  double area = 0;        ///< um^2
  std::size_t axons = 0;  ///< with their centroid in it
  double density = 0;     ///< axons a um^2
};

/// An image of a set and what was measured in it.
struct measured_image {
  std::string name, subject;
  std::size_t height = 0, width = 0;
  morphometric_options options;
  morphometrics measures;
  image_aggregates aggregates;           ///< of the nerve where one is given, else of the whole image
  std::vector<fascicle> fascicles;       ///< 4-connected parts of the nerve, in raster order
  std::vector<std::size_t> in_fascicle;  ///< of each row of the table, from 0; fascicles.size() for none
};

/// Measures the axons of `labels` (0 background, 1 myelin, 2 axon), which may be changed: `holes` in fibres become myelin, and
/// what lies outside `nerve` (not 0 within; empty for none) background. Throws `error` for a nerve of another size or without
/// pixels.
measured_image measure_image(label_image& labels, const morphometric_options& options, bool holes = false,
                             const label_image& nerve = {});

namespace detail {

inline void keep_nerve(label_image& labels, const label_image& nerve) {
  const auto sides = [](const label_image& one) {
    return std::to_string(one.shape(1)) + " x " + std::to_string(one.shape(0)) + " px";
  };
  if (nerve.shape() != labels.shape()) {
    throw error("cannot measure axons in a nerve", "its mask is " + sides(nerve) + " and the image's " + sides(labels),
                "give masks of the same size");
  }
  bool any = false;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    any |= nerve.data()[i] != 0;
    if (nerve.data()[i] == 0) labels.data()[i] = 0;
  }
  if (!any) throw error("cannot measure axons in a nerve", "its mask is empty", "give a mask with 255 in the nerve");
}

inline void count_fascicles(const label_image& nerve, measured_image& measured) {
  label_image within = label_image::from_shape(nerve.shape());
  std::transform(nerve.begin(), nerve.end(), within.begin(), [](std::uint8_t level) { return std::uint8_t{level != 0}; });
  const auto runs = component_runs(within, 1, connectivity::four);
  const double s = measured.options.pixel_size;
  for (const auto& run : runs) {
    const auto number = static_cast<std::size_t>(run.instance);
    if (measured.fascicles.size() < number) measured.fascicles.resize(number);
    measured.fascicles[number - 1].area += (run.end - run.begin) * s * s;
  }
  for (const auto& axon : measured.measures.table) {
    const auto number = fibre_under(runs, axon.y, axon.x);
    if (number > 0) ++measured.fascicles[static_cast<std::size_t>(number) - 1].axons;
    measured.in_fascicle.push_back(number > 0 ? static_cast<std::size_t>(number) - 1 : measured.fascicles.size());
  }
  for (auto& one : measured.fascicles) one.density = static_cast<double>(one.axons) / one.area;
}

}  // namespace detail

inline measured_image measure_image(label_image& labels, const morphometric_options& options, bool holes,
                                    const label_image& nerve) {
  constexpr std::uint8_t myelin = 1, axon = 2;
  measured_image measured;
  measured.height = labels.shape(0);
  measured.width = labels.shape(1);
  measured.options = options;
  const bool within = nerve.size() > 0;
  if (within) detail::keep_nerve(labels, nerve);
  if (holes) fill_holes(labels, 0, myelin);
  measured.measures = measure_axons(labels, axon, myelin, options);
  std::uint64_t axons = 0, sheaths = 0, pixels = labels.size();
  for (const auto label : labels) {
    axons += label == axon;
    sheaths += label == myelin;
  }
  if (within) {
    detail::count_fascicles(nerve, measured);
    pixels -= static_cast<std::uint64_t>(std::count(nerve.begin(), nerve.end(), 0));
  }
  measured.aggregates = aggregate(axons, sheaths, pixels, measured.measures.table, options.pixel_size);
  return measured;
}

}  // namespace axonzoo
