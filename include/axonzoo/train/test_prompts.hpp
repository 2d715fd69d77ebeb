#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/interrupt.hpp>
#include <axonzoo/core/progress.hpp>
#include <axonzoo/data/prepared.hpp>
#include <axonzoo/data/read.hpp>
#include <axonzoo/infer/prompted_segmenter.hpp>
#include <axonzoo/infer/write_masks.hpp>
#include <axonzoo/metrics/evaluate.hpp>
#include <axonzoo/metrics/prompted.hpp>
#include <axonzoo/train/options.hpp>

namespace axonzoo {

/// Asks for every axon and fibre of each micrograph of `members` by its box in the manual masks (an oracle), at the micrograph's own size; writes the classes that
/// follow (myelin is a fibre minus its axon) into <out>/test and scores them. As `test_images`, with "prompted" beside "mean": each mask against the structure
/// that it was asked for.
inline nlohmann::json test_prompts(const sam_network& net, const view_encoder& encoder, prepared_cache& cache, const std::vector<std::size_t>& members,
                                   const train_options& options, const std::string& variant, c10::Device device) {
  const auto& data = cache.data();
  std::map<std::string, std::vector<image_scores>> by_subject;
  std::vector<image_scores> all;
  std::map<std::string, prompted_tally> by_contrast;
  prompted_tally pooled;
  nlohmann::json images = nlohmann::json::array();
  double seconds = 0, megapixels = 0;
  progress shown("testing " + variant, static_cast<double>(members.size()));
  std::filesystem::create_directories(options.out / "test");
  for (const auto member : members) {
    if (interrupted()) throw error("cannot finish the test", "it was interrupted", "give --resume to go on from the trained weights");
    const auto& source = data.micrographs[member];
    const auto manual = read_labels(source);
    const auto prepared = cache.get(member);
    const auto asked = prompted_masks_of(manual, data.classes);
    const auto begin = std::chrono::steady_clock::now();
    const auto masks = segment_boxes(net, encoder, prepared->pixels, manual.shape(0), manual.shape(1), asked.objects, options.patch, device);
    const auto predicted = labels_of_masks(masks, asked.kinds, data.classes, manual.shape(0), manual.shape(1));
    seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    megapixels += static_cast<double>(manual.size()) * 1e-6;
    write_masks(options.out / "test", source.name, predicted, data.classes);
    const auto scores = evaluate(predicted, manual, data.classes);
    prompted_tally own;
    for (auto* tally : {&own, &pooled, &by_contrast[source.contrast]}) tally->add(masks, asked);
    nlohmann::json entry = scores;
    entry["name"] = source.name;
    entry["subject"] = source.subject;
    entry["contrast"] = source.contrast;
    entry["prompted"] = own.scores();
    images.push_back(std::move(entry));
    all.push_back(scores);
    by_subject[source.subject].push_back(scores);
    shown.at(static_cast<double>(all.size()), source.name);
  }
  nlohmann::json subjects = nlohmann::json::object(), contrasts = nlohmann::json::object();
  for (const auto& [subject, scores] : by_subject) subjects[subject] = mean(scores);
  for (const auto& [contrast, tally] : by_contrast) contrasts[contrast] = tally.scores();
  return {{"mean", mean(all)}, {"subjects", subjects}, {"images", images}, {"prompted", pooled.scores()}, {"prompted_by_contrast", contrasts},
          {"seconds_per_megapixel", seconds / megapixels}};
}

}  // namespace axonzoo
