#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <axonzoo/core/interrupt.hpp>
#include <axonzoo/core/progress.hpp>
#include <axonzoo/data/prepared.hpp>
#include <axonzoo/data/read.hpp>
#include <axonzoo/infer/write_masks.hpp>
#include <axonzoo/metrics/evaluate.hpp>
#include <axonzoo/train/options.hpp>

namespace axonzoo {

/// Segments each micrograph of `members` at its own size, writes its masks into <out>/test and scores it against the manual masks. Gives {"mean", "subjects",
/// "images"} and, beside, "seconds_per_megapixel" of the network alone.
///
/// `segment(source, manual, pixels, timed, entry)` gives the labels of a micrograph; `timed(work)` runs what counts as the network's time and gives what it
/// gives, and `entry` is the image's object of the record, for what is to stand beside the scores. Throws `interruption` after Ctrl-C, with the masks of whole
/// micrographs written and no others.
template <class Segment>
nlohmann::json test_micrographs(prepared_cache& cache, const std::vector<std::size_t>& members, const train_options& options, const std::string& variant,
                                const Segment& segment) {
  const auto& data = cache.data();
  std::map<std::string, std::vector<image_scores>> by_subject;
  std::vector<image_scores> all;
  nlohmann::json images = nlohmann::json::array();
  double seconds = 0, megapixels = 0;
  progress shown("testing " + variant, static_cast<double>(members.size()));
  std::filesystem::create_directories(options.out / "test");
  const auto timed = [&seconds](const auto& work) {
    const auto begin = std::chrono::steady_clock::now();
    auto made = work();
    seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return made;
  };
  for (const auto member : members) {
    end_if_interrupted();
    const auto& source = data.micrographs[member];
    const auto manual = read_labels(source);
    const auto prepared = cache.get(member);
    nlohmann::json entry;
    const label_image predicted = segment(source, manual, prepared->pixels, timed, entry);
    megapixels += static_cast<double>(manual.size()) * 1e-6;
    write_masks(options.out / "test", source.name, predicted, data.classes);
    const auto scores = evaluate(predicted, manual, data.classes);
    entry.update(scores);
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
