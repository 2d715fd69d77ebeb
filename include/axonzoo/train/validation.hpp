#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>

#include <nlohmann/json.hpp>

#include <axonzoo/core/interrupt.hpp>
#include <axonzoo/data/prepared.hpp>
#include <axonzoo/infer/labels.hpp>
#include <axonzoo/infer/tiles.hpp>
#include <axonzoo/metrics/overlap.hpp>
#include <axonzoo/parallel/communicator.hpp>
#include <axonzoo/train/recipe.hpp>

namespace axonzoo {

/// Class overlaps of the network on prepared micrographs, without flips, at the network's own pixel size: the mean over images of each
/// class's IoU and Dice, and "dice", the mean over classes. Ranks share the images out. Empty where Ctrl-C came to any of them first.
inline nlohmann::json validate(network& net, prepared_cache& cache, const std::vector<std::size_t>& members, const recipe& chosen, c10::Device device,
                               std::int64_t patch, const std::vector<std::string>& classes, communicator& ranks) {
  net.eval();
  const auto scope = chosen.setting.enter(device.type());
  tile_options tiles;
  tiles.side = patch;
  const auto foreground = static_cast<std::int64_t>(classes.size()) - 1;
  auto sums = at::zeros({foreground, 2}, at::kDouble);
  for (std::size_t i = static_cast<std::size_t>(ranks.rank()); i < members.size() && !interrupted(); i += static_cast<std::size_t>(ranks.world_size())) {
    const auto prepared = cache.get(members[i]);
    const auto probabilities = class_probabilities(net, prepared->pixels, chosen.setting.compute_type, device, tiles);
    const auto labels = likeliest_labels(probabilities, prepared->pixels.shape(0), prepared->pixels.shape(1));
    const auto overlaps = class_overlaps(labels, prepared->labels, classes);
    for (std::int64_t k = 0; k < foreground; ++k) {
      const auto& score = overlaps.at(classes[static_cast<std::size_t>(k) + 1]);
      sums[k][0] += score.iou;
      sums[k][1] += score.dice;
    }
  }
  if (ranks.any(interrupted())) return {};
  ranks.sum(sums);
  sums /= static_cast<double>(members.size());
  nlohmann::json scores;
  for (std::int64_t k = 0; k < foreground; ++k) {
    scores[classes[static_cast<std::size_t>(k) + 1]] = {{"iou", sums[k][0].item<double>()}, {"dice", sums[k][1].item<double>()}};
  }
  scores["dice"] = sums.select(1, 1).mean().item<double>();
  return scores;
}

}  // namespace axonzoo
