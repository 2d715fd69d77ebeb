#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <axonzoo/core/image.hpp>
#include <axonzoo/measure/components.hpp>
#include <axonzoo/measure/distance.hpp>
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
instance_image label_sheaths(const label_image& labels, instance_image fibres, std::uint8_t myelin);

/// Centroids of the instances of an image, row and column truncated to whole pixels; an instance's label is its number.
std::vector<seed> truncated_centroids(const instance_image& instances);

inline instance_image label_axons(const label_image& labels, std::uint8_t axon) { return connected_components(labels, axon); }

inline std::vector<seed> truncated_centroids(const instance_image& instances) {
  struct sums {
    std::int64_t pixels = 0, rows = 0, columns = 0;
  };
  std::vector<sums> of;
  const auto height = static_cast<std::int64_t>(instances.shape(0)), width = static_cast<std::int64_t>(instances.shape(1));
  for (std::int64_t y = 0; y < height; ++y) {
    const std::int32_t* row = instances.data() + y * width;
    for (std::int64_t x = 0; x < width;) {
      const std::int32_t instance = row[x];
      const std::int64_t begin = x;
      while (x < width && row[x] == instance) ++x;
      if (instance <= 0) continue;
      if (of.size() <= static_cast<std::size_t>(instance)) of.resize(static_cast<std::size_t>(instance) + 1);
      sums& s = of[static_cast<std::size_t>(instance)];
      s.pixels += x - begin;
      s.rows += (x - begin) * y;
      s.columns += (x - begin) * (begin + x - 1) / 2;
    }
  }
  std::vector<seed> centroids;
  for (std::size_t i = 1; i < of.size(); ++i) {
    if (of[i].pixels == 0) continue;
    centroids.push_back({static_cast<std::int32_t>(of[i].rows / of[i].pixels),
                         static_cast<std::int32_t>(of[i].columns / of[i].pixels), static_cast<std::int32_t>(i)});
  }
  return centroids;
}

inline instance_image label_fibres(const label_image& labels, const instance_image& axons, std::uint8_t axon,
                                   std::uint8_t myelin) {
  label_image inside = label_image::from_shape(labels.shape());
  for (std::size_t p = 0; p < labels.size(); ++p) {
    inside.data()[p] = labels.data()[p] == axon || labels.data()[p] == myelin ? 1 : 0;
  }
  return watershed(squared_distance(labels, axon), truncated_centroids(axons), inside);
}

inline instance_image label_sheaths(const label_image& labels, instance_image fibres, std::uint8_t myelin) {
  for (std::size_t p = 0; p < labels.size(); ++p) {
    if (labels.data()[p] != myelin) fibres.data()[p] = 0;
  }
  return fibres;
}

}  // namespace axonzoo
