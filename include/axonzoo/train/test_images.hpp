#pragma once

#include <cstddef>
#include <vector>

#include <ATen/core/Tensor.h>

#include <nlohmann/json.hpp>

#include <axonzoo/data/prepared.hpp>
#include <axonzoo/infer/labels.hpp>
#include <axonzoo/infer/tiles.hpp>
#include <axonzoo/train/options.hpp>
#include <axonzoo/train/recipe.hpp>
#include <axonzoo/train/test_micrographs.hpp>

namespace axonzoo {

/// `test_micrographs` by a network of classes, in tiles.
inline nlohmann::json test_images(network& net, prepared_cache& cache, const std::vector<std::size_t>& members, const recipe& chosen, const train_options& options) {
  net.eval();
  const c10::Device device(options.device);
  tile_options tiles;
  tiles.side = options.patch;
  tiles.turns = options.turns;
  tiles.overlap = options.tile_overlap;
  return test_micrographs(cache, members, options, chosen.variant,
                          [&](const micrograph&, const label_image& manual, const image& pixels, const auto& timed, nlohmann::json&) {
                            return timed([&] {
                              at::Tensor probabilities;
                              {
                                const auto scope = chosen.setting.enter(device.type());
                                probabilities = class_probabilities(net, pixels, chosen.setting.compute_type, device, tiles);
                              }
                              return likeliest_labels(probabilities, manual.shape(0), manual.shape(1));
                            });
                          });
}

}  // namespace axonzoo
