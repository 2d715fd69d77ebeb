#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <ATen/ops/zeros.h>

#include <nlohmann/json.hpp>

#include <axonzoo/core/interrupt.hpp>
#include <axonzoo/core/progress.hpp>
#include <axonzoo/data/prepared.hpp>
#include <axonzoo/data/read.hpp>
#include <axonzoo/infer/labels.hpp>
#include <axonzoo/infer/tiles.hpp>
#include <axonzoo/infer/write_masks.hpp>
#include <axonzoo/metrics/evaluate.hpp>
#include <axonzoo/train/options.hpp>
#include <axonzoo/train/recipe.hpp>

namespace axonzoo {

/// Segments each micrograph of `members` at its own size, writes its masks into <out>/test and scores it against the manual masks.
/// Gives {"mean", "subjects", "images"} and, beside, "seconds_per_megapixel" of the network alone.
inline nlohmann::json test_images(network& net, prepared_cache& cache, const std::vector<std::size_t>& members, const recipe& chosen, const train_options& options) {
  net.eval();
  const c10::Device device(options.device);
  const auto& data = cache.data();
  tile_options tiles;
  tiles.side = options.patch;
  tiles.turns = options.turns;
  tiles.overlap = options.tile_overlap;
  std::map<std::string, std::vector<image_scores>> by_subject;
  std::vector<image_scores> all;
  nlohmann::json images = nlohmann::json::array();
  double seconds = 0, megapixels = 0;
  progress shown("testing " + chosen.variant, static_cast<double>(members.size()));
  std::filesystem::create_directories(options.out / "test");
  for (const auto member : members) {
    if (interrupted()) throw error("cannot finish the test", "it was interrupted", "give --resume to go on from the trained weights");
    const auto& source = data.micrographs[member];
    const auto manual = read_labels(source);
    const auto prepared = cache.get(member);
    const auto begin = std::chrono::steady_clock::now();
    at::Tensor probabilities;
    {
      const auto scope = chosen.setting.enter(device.type());
      probabilities = class_probabilities(net, prepared->pixels, chosen.setting.compute_type, device, tiles);
    }
    const auto predicted = likeliest_labels(probabilities, manual.shape(0), manual.shape(1));
    seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    megapixels += static_cast<double>(manual.size()) * 1e-6;
    write_masks(options.out / "test", source.name, predicted, data.classes);
    const auto scores = evaluate(predicted, manual, data.classes);
    nlohmann::json entry = scores;
    entry["name"] = source.name;
    entry["subject"] = source.subject;
    entry["contrast"] = source.contrast;
    images.push_back(std::move(entry));
    all.push_back(scores);
    by_subject[source.subject].push_back(scores);
    shown.at(static_cast<double>(all.size()), source.name);
  }
  nlohmann::json subjects = nlohmann::json::object();
  for (const auto& [subject, scores] : by_subject) subjects[subject] = mean(scores);
  return {{"mean", mean(all)}, {"subjects", subjects}, {"images", images}, {"seconds_per_megapixel", seconds / megapixels}};
}

}  // namespace axonzoo
