#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <future>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/measure/instances.hpp>
#include <axonzoo/metrics/instances.hpp>
#include <axonzoo/metrics/overlap.hpp>

namespace axonzoo {

/// How well a predicted mask agrees with the manual one; of one image, or the mean over several.
struct image_scores {
  std::map<std::string, overlap> classes;      ///< "axon", "myelin", "any"; or one class as "neuron"
  std::map<std::string, double> instance_iou;  ///< "axon", "myelin", "all"; or one class as "neuron", and "all"
  double precision = 1, recall = 1, f1 = 1;    ///< detection of axons (or of the only class) at the threshold
};

/// Scores two label images of one shape [H, W] whose values index `classes`; classes[0] is background. Axon instances are
/// 8-connected components, myelin instances the sheaths of the fibres (`label_fibres`), those of another class its 8-connected
/// components. An instance's IoU is that with its partner (`matched_iou`), averaged over the manual instances; "all" pools the
/// instances of all classes. `threshold` is the IoU from which an axon counts as detected.
///
/// The two images are worked on by two threads.
///
/// Throws `error` where the images differ in size, a pixel's value has no class, or there is no class but background.
image_scores evaluate(const label_image& predicted, const label_image& manual, const std::vector<std::string>& classes,
                      double threshold = 0.3);

/// The mean of each score over images; over those that have it where some lack a class. Throws `error` on none.
image_scores mean(const std::vector<image_scores>& images);

/// {"classes": {"axon": {"iou", "dice"}, ...}, "instances": {"axon", "myelin", "all", "precision", "recall", "f1"}}
void to_json(nlohmann::json& json, const image_scores& scores);
void from_json(const nlohmann::json& json, image_scores& scores);

namespace detail {

/// The instances of class `name`; sheaths where the classes are axon and myelin.
inline std::vector<instance_run> instances_of_class(const label_image& labels, const std::vector<std::string>& classes,
                                                    const std::string& name) {
  const auto value_of = [&](const std::string& wanted) {
    return static_cast<std::uint8_t>(std::find(classes.begin() + 1, classes.end(), wanted) - classes.begin());
  };
  const bool has_axons = std::find(classes.begin() + 1, classes.end(), "axon") != classes.end();
  if (name != "myelin" || !has_axons) return component_runs(labels, value_of(name));
  const std::uint8_t axon = value_of("axon"), myelin = value_of("myelin");
  return restrict_to(fibre_runs(labels, component_runs(labels, axon), axon, myelin), labels, myelin);
}

}  // namespace detail

inline image_scores evaluate(const label_image& predicted, const label_image& manual, const std::vector<std::string>& classes,
                             double threshold) {
  if (classes.size() < 2 || classes.size() > 256) {
    throw error("cannot evaluate a mask", std::to_string(classes.size()) + " classes were given",
                "name background and 1 to 255 classes");
  }
  image_scores scores;
  scores.classes = class_overlaps(predicted, manual, classes);

  const bool has_axons = std::find(classes.begin() + 1, classes.end(), "axon") != classes.end();
  const std::string detected = has_axons ? "axon" : classes[1];
  std::vector<double> pooled;
  std::size_t pooled_predictions = 0;
  for (std::size_t c = 1; c < classes.size(); ++c) {
    auto of_predicted =
        std::async(std::launch::async, [&] { return detail::instances_of_class(predicted, classes, classes[c]); });
    const auto of_manual = detail::instances_of_class(manual, classes, classes[c]);
    const auto overlaps = count_overlaps(of_predicted.get(), of_manual);
    const auto iou = matched_iou(overlaps);
    scores.instance_iou[classes[c]] = mean_iou(iou, overlaps.predicted_areas.size());
    pooled.insert(pooled.end(), iou.begin(), iou.end());
    pooled_predictions += overlaps.predicted_areas.size();
    if (classes[c] != detected) continue;
    const auto found = detect(overlaps, threshold);
    scores.precision = found.precision;
    scores.recall = found.recall;
    scores.f1 = found.f1;
  }
  scores.instance_iou["all"] = mean_iou(pooled, pooled_predictions);
  return scores;
}

inline image_scores mean(const std::vector<image_scores>& images) {
  if (images.empty()) throw error("cannot average scores", "there are none", "evaluate one image at least");
  image_scores sum{{}, {}, 0, 0, 0};
  std::map<std::string, double> with_class, with_instances;
  for (const auto& image : images) {
    for (const auto& [name, score] : image.classes) {
      auto& total = sum.classes.try_emplace(name, overlap{0, 0}).first->second;
      total.iou += score.iou;
      total.dice += score.dice;
      ++with_class[name];
    }
    for (const auto& [name, iou] : image.instance_iou) {
      sum.instance_iou[name] += iou;
      ++with_instances[name];
    }
    sum.precision += image.precision;
    sum.recall += image.recall;
    sum.f1 += image.f1;
  }
  for (auto& [name, total] : sum.classes) {
    total.iou /= with_class[name];
    total.dice /= with_class[name];
  }
  for (auto& [name, total] : sum.instance_iou) total /= with_instances[name];
  for (double* total : {&sum.precision, &sum.recall, &sum.f1}) *total /= static_cast<double>(images.size());
  return sum;
}

inline void to_json(nlohmann::json& json, const image_scores& scores) {
  json = {{"classes", nlohmann::json::object()}, {"instances", nlohmann::json::object()}};
  for (const auto& [name, score] : scores.classes) json["classes"][name] = {{"iou", score.iou}, {"dice", score.dice}};
  for (const auto& [name, iou] : scores.instance_iou) json["instances"][name] = iou;
  json["instances"]["precision"] = scores.precision;
  json["instances"]["recall"] = scores.recall;
  json["instances"]["f1"] = scores.f1;
}

inline void from_json(const nlohmann::json& json, image_scores& scores) {
  scores = {};
  for (const auto& [name, score] : json.at("classes").items()) {
    scores.classes[name] = {score.at("iou").get<double>(), score.at("dice").get<double>()};
  }
  for (const auto& [name, value] : json.at("instances").items()) {
    if (name == "precision")
      scores.precision = value.get<double>();
    else if (name == "recall")
      scores.recall = value.get<double>();
    else if (name == "f1")
      scores.f1 = value.get<double>();
    else
      scores.instance_iou[name] = value.get<double>();
  }
}

}  // namespace axonzoo
