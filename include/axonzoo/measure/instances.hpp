#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <axonzoo/core/image.hpp>
#include <axonzoo/measure/components.hpp>
#include <axonzoo/measure/distance.hpp>
#include <axonzoo/measure/runs.hpp>
#include <axonzoo/measure/watershed.hpp>

namespace axonzoo {

/// Axons: the 8-connected components of class `axon` in `labels` ([H, W]), numbered from 1 in raster order of their first pixel.
instance_image label_axons(const label_image& labels, std::uint8_t axon);

/// Fibres (an axon with its sheath): touching sheaths are split by a watershed that starts at each axon's centroid, runs on minus
/// the distance to the outside of the axon mask and stays within axon or myelin. `axons` comes from `label_axons`; a fibre bears
/// its axon's number. An axon whose centroid lies outside both classes (it is bent) has no fibre, myelin without an axon none.
/// Equals AxonDeepSeg's fibres (scikit-image), without its limit of 65,535 axons.
instance_image label_fibres(const label_image& labels, const instance_image& axons, std::uint8_t axon, std::uint8_t myelin);

/// Sheaths: fibres minus axons, that is the pixels of class `myelin` with their fibre's number; 0 elsewhere.
instance_image label_sheaths(const label_image& labels, const instance_image& fibres, std::uint8_t myelin);

/// The same fibres as runs, from the runs of the axons: for images of 10^8 pixels, several times faster. Axons themselves are
/// `component_runs(labels, axon)`, sheaths `restrict_to(fibres, labels, myelin)`.
std::vector<instance_run> fibre_runs(const label_image& labels, const std::vector<instance_run>& axons, std::uint8_t axon,
                                     std::uint8_t myelin, seed_order order = seed_order::scikit_image);

/// The centroid of each instance, row and column truncated to whole pixels; the label is the instance's number.
std::vector<seed> truncated_centroids(const std::vector<instance_run>& instances);

inline instance_image label_axons(const label_image& labels, std::uint8_t axon) { return connected_components(labels, axon); }

inline std::vector<seed> truncated_centroids(const std::vector<instance_run>& instances) {
  struct sums {
    std::int64_t pixels = 0, rows = 0, twice_columns = 0;
  };
  std::vector<sums> of;
  for (const auto& run : instances) {
    const auto number = static_cast<std::size_t>(run.instance);
    if (of.size() <= number) of.resize(2 * number + 1);
    const std::int64_t pixels = run.end - run.begin;
    of[number].pixels += pixels;
    of[number].rows += pixels * run.row;
    of[number].twice_columns += pixels * (std::int64_t{run.begin} + run.end - 1);
  }
  std::vector<seed> centroids;
  for (std::size_t i = 1; i < of.size(); ++i) {
    if (of[i].pixels == 0) continue;
    centroids.push_back({static_cast<std::int32_t>(of[i].rows / of[i].pixels),
                         static_cast<std::int32_t>(of[i].twice_columns / (2 * of[i].pixels)), static_cast<std::int32_t>(i)});
  }
  return centroids;
}

inline std::vector<instance_run> fibre_runs(const label_image& labels, const std::vector<instance_run>& axons, std::uint8_t axon,
                                            std::uint8_t myelin, seed_order order) {
  if (axons.empty()) return {};
  detail::flood_state state(labels.shape(0), labels.shape(1));
  detail::write_squared_distance(labels, axon, state.row(0), state.stride());
  state.free_where([&, width = labels.shape(1)](std::size_t y, std::size_t x) {
    const std::uint8_t label = labels.data()[y * width + x];
    return (label == axon) | (label == myelin);
  });
  detail::flood(state, truncated_centroids(axons), order);
  return state.runs();
}

inline instance_image label_fibres(const label_image& labels, const instance_image& axons, std::uint8_t axon,
                                   std::uint8_t myelin) {
  return paint(fibre_runs(labels, runs_of(axons), axon, myelin), labels.shape(0), labels.shape(1));
}

inline instance_image label_sheaths(const label_image& labels, const instance_image& fibres, std::uint8_t myelin) {
  return paint(restrict_to(runs_of(fibres), labels, myelin), labels.shape(0), labels.shape(1));
}

}  // namespace axonzoo
