#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <axonzoo/core/error.hpp>

namespace axonzoo {

/// One training of one variant: finished with its record, or not, with the reason.
struct compared_run {
  enum class state { finished, failed, waiting, missing };
  std::array<std::string, 4> axes;  ///< model, precision, pruning, parallel
  std::uint64_t seed = 0;
  std::filesystem::path folder = {};
  state how = state::waiting;
  std::string reason = {};     ///< why it failed or cannot run, as a sentence
  nlohmann::json record = {};  ///< results.json, schema 1

  [[nodiscard]] std::string variant() const { return axes[0] + '/' + axes[1] + '/' + axes[2] + '/' + axes[3]; }

  /// Where the record's prompts came from: "oracle" for the manual masks; empty for a model that takes none.
  [[nodiscard]] std::string prompts() const {
    const auto found = record.find("prompts");
    return found != record.end() && found->is_object() ? found->value("origin", "") : "";
  }
  [[nodiscard]] bool oracle() const { return prompts() == "oracle"; }

  /// The variant as tables name it: scores that manual masks helped to are never shown without saying so.
  [[nodiscard]] std::string shown() const { return variant() + (oracle() ? " (oracle boxes)" : ""); }
};

/// Reads a results.json and checks what every table needs of it. Throws with the file and what is wrong.
[[nodiscard]] inline nlohmann::json read_record(const std::filesystem::path& file) {
  const std::string doing = "cannot read the results '" + file.string() + "'";
  std::ifstream in(file);
  if (!in) throw error(doing, "the file cannot be opened", "run the variant again");
  auto record = nlohmann::json::parse(in, nullptr, false);
  if (!record.is_object()) throw error(doing, "it is not a JSON object", "remove it and run the variant again");
  if (record.value("schema", nlohmann::json()) != 1)
    throw error(doing, "its schema is not 1", "compare with the axonzoo that wrote it");
  using kind = nlohmann::json::value_t;
  for (const auto& [path, expected] : {std::pair{"/variant/name", kind::string},
                                       {"/seed", kind::number_unsigned},
                                       {"/seconds", kind::object},
                                       {"/test/mean/classes", kind::object},
                                       {"/test/images", kind::array},
                                       {"/history", kind::array},
                                       {"/data/split", kind::object},
                                       {"/data/folders", kind::array}}) {
    const nlohmann::json::json_pointer at(path);
    if (!record.contains(at) || record.at(at).type() != expected)
      throw error(doing, std::string("it has no '") + path + "' of the right kind", "remove it and run the variant again");
  }
  for (const auto* path : {"/test/images", "/history"})
    for (const auto& one : record.at(nlohmann::json::json_pointer(path)))
      if (!one.is_object())
        throw error(doing, std::string("'") + path + "' holds something else than objects",
                    "remove it and run the variant again");
  return record;
}

/// The scores of a record's "/test" by contrast of its images, {"SEM": {"images", "classes", "classes_mean", "instances"}}, and
/// those of all images as "all": each the mean over the images that have the number; "classes_mean" is that over the classes,
/// "any" left out.
[[nodiscard]] inline nlohmann::json contrast_scores(const nlohmann::json& test) {
  std::map<std::string, std::map<std::string, std::pair<double, int>>> sums;
  std::map<std::string, int> images;
  for (const auto& image : test.at("images")) {
    std::set<std::string> of{"all"};
    if (const auto contrast = image.find("contrast"); contrast != image.end() && contrast->is_string())
      of.insert(contrast->get<std::string>());
    nlohmann::json scores = nlohmann::json::object();
    for (const char* part : {"classes", "instances"})
      if (image.contains(part)) scores[part] = image[part];
    const auto numbers = scores.flatten();
    for (const auto& contrast : of) {
      ++images[contrast];
      for (const auto& [at, number] : numbers.items())
        if (number.is_number()) sums[contrast][at].first += number.get<double>(), ++sums[contrast][at].second;
    }
  }
  nlohmann::json made = nlohmann::json::object();
  for (const auto& [contrast, count] : images) {
    auto& scores = made[contrast] = {{"images", count}};
    for (const auto& [at, sum] : sums[contrast]) scores[nlohmann::json::json_pointer(at)] = sum.first / sum.second;
    for (const char* key : {"iou", "dice"}) {
      double sum = 0;
      int classes = 0;
      if (scores.contains("classes"))
        for (const auto& [name, overlap] : scores["classes"].items())
          if (name != "any" && overlap.contains(key)) sum += overlap[key].get<double>(), ++classes;
      if (classes > 0) scores["classes_mean"][key] = sum / classes;
    }
  }
  return made;
}

/// A column of the tables: where its number stands in a record, and how people read it.
struct compared_measure {
  enum class better { higher, lower, neither };
  std::string key = {};      ///< column of results.csv
  std::string group = {};    ///< "Dice", "IoU", ...
  std::string title = {};    ///< "axon"
  std::string pointer = {};  ///< JSON pointer into a record
  std::string unit = {};
  int digits = 3;
  double scale = 1;  ///< what people read is the record's number times this
  better direction = better::higher;
  bool score = false;  ///< in 0..1: compared by difference; anything else by ratio
};

/// Mean over repeats, and their sample standard deviation (n - 1; NaN for one run).
struct repeated {
  double mean = 0, deviation = 0;
  std::size_t runs = 0;
};

/// Runs of several variants of several models, each repeated under several seeds.
class comparison {
 public:
  /// Runs in the order of the table; those of one variant stand together. Variants whose prompts were an oracle come after all
  /// others. Records get
  /// "/test/contrasts" (`contrast_scores`).
  explicit comparison(std::vector<compared_run> runs) : runs_(std::move(runs)) {
    std::set<std::string> oracles;
    for (auto& run : runs_) {
      if (run.how != compared_run::state::finished) continue;
      run.record["test"]["contrasts"] = contrast_scores(run.record["test"]);
      if (run.oracle()) oracles.insert(run.variant());
    }
    std::stable_partition(runs_.begin(), runs_.end(), [&oracles](const auto& run) { return !oracles.contains(run.variant()); });
    for (const auto& run : runs_)
      if (std::find(variants_.begin(), variants_.end(), run.variant()) == variants_.end()) variants_.push_back(run.variant());
  }

  [[nodiscard]] const std::vector<compared_run>& runs() const { return runs_; }
  [[nodiscard]] const std::vector<std::string>& variants() const { return variants_; }

  [[nodiscard]] std::vector<const compared_run*> finished(const std::string& variant) const {
    std::vector<const compared_run*> found;
    for (const auto& run : runs_)
      if (run.how == compared_run::state::finished && run.variant() == variant) found.push_back(&run);
    return found;
  }

  /// Models with a finished run, in order.
  [[nodiscard]] std::vector<std::string> models() const {
    std::vector<std::string> found;
    for (const auto& run : runs_)
      if (run.how == compared_run::state::finished && std::find(found.begin(), found.end(), run.axes[0]) == found.end())
        found.push_back(run.axes[0]);
    return found;
  }

  /// "unet/fp32/none/single" for "unet/bf16/none/ddp".
  [[nodiscard]] static std::string reference_of(const std::string& variant) {
    return variant.substr(0, variant.find('/')) + "/fp32/none/single";
  }

  /// A number of one record; nothing where it is absent or not finite.
  [[nodiscard]] static std::optional<double> number(const nlohmann::json& record, const std::string& pointer) {
    const nlohmann::json::json_pointer at(pointer);
    if (!record.contains(at) || !record.at(at).is_number()) return {};
    const double value = record.at(at).get<double>();
    return std::isfinite(value) ? std::optional(value) : std::nullopt;
  }

  /// Mean and spread of a measure over the finished runs of a variant, in the record's unit.
  [[nodiscard]] std::optional<repeated> value(const std::string& variant, const compared_measure& measure) const {
    repeated sum;
    std::vector<double> numbers;
    for (const auto* run : finished(variant))
      if (const auto one = number(run->record, measure.pointer)) numbers.push_back(*one);
    if (numbers.empty()) return {};
    sum.runs = numbers.size();
    for (const double one : numbers) sum.mean += one / static_cast<double>(numbers.size());
    for (const double one : numbers) sum.deviation += (one - sum.mean) * (one - sum.mean);
    sum.deviation = numbers.size() < 2 ? std::nan("") : std::sqrt(sum.deviation / static_cast<double>(numbers.size() - 1));
    return sum;
  }

  /// Against fp32/none/single of the same model: the difference of a score's means, the ratio of other means. Nothing for the
  /// reference itself and where either is absent.
  [[nodiscard]] std::optional<double> change(const std::string& variant, const compared_measure& measure) const {
    const auto reference = reference_of(variant);
    if (variant == reference) return {};
    const auto after = value(variant, measure), before = value(reference, measure);
    if (!after || !before || (!measure.score && before->mean == 0)) return {};
    return measure.score ? after->mean - before->mean : after->mean / before->mean;
  }

  /// The classes that the records score, axon and myelin first and "any" last.
  [[nodiscard]] std::vector<std::string> scored_classes() const { return keys("/test/mean/classes", {"axon", "myelin"}, "any"); }

  /// "all", then the contrasts of the tested micrographs where these have several: keys of "/test/contrasts".
  [[nodiscard]] std::vector<std::string> contrasts() const {
    auto found = keys("/test/contrasts", {"all"}, "");
    if (found.size() == 2) found.pop_back();
    return found;
  }

  /// Whether a variant's finished runs were told by manual masks where everything is.
  [[nodiscard]] bool oracle(const std::string& variant) const {
    const auto runs = finished(variant);
    return !runs.empty() && runs.front()->oracle();
  }

  /// The columns that at least one record fills: overlap, instances, detection, then cost.
  [[nodiscard]] std::vector<compared_measure> measures() const;

 private:
  [[nodiscard]] std::vector<std::string> keys(const std::string& pointer, std::vector<std::string> first,
                                              const std::string& last) const {
    std::set<std::string> found;
    for (const auto& run : runs_)
      if (const nlohmann::json::json_pointer at(pointer); run.how == compared_run::state::finished && run.record.contains(at))
        for (const auto& item : run.record.at(at).items()) found.insert(item.key());
    std::vector<std::string> ordered;
    for (const auto& key : first)
      if (found.erase(key) > 0) ordered.push_back(key);
    const bool has_last = found.erase(last) > 0;
    ordered.insert(ordered.end(), found.begin(), found.end());
    if (has_last) ordered.push_back(last);
    return ordered;
  }

  std::vector<compared_run> runs_;
  std::vector<std::string> variants_;
};

inline std::vector<compared_measure> comparison::measures() const {
  using better = compared_measure::better;
  std::vector<compared_measure> all;
  const auto score = [&all](const std::string& key, const std::string& group, const std::string& title,
                            const std::string& pointer) {
    all.push_back({key, group, title, pointer, {}, 3, 1, better::higher, true});
  };
  for (const auto& [key, group] : {std::pair<std::string, std::string>{"dice", "Dice"}, {"iou", "IoU"}})
    for (const auto& name : scored_classes()) score(key + '_' + name, group, name, "/test/mean/classes/" + name + '/' + key);
  const auto classes = scored_classes();
  const bool several = classes.size() - static_cast<std::size_t>(std::count(classes.begin(), classes.end(), "any")) > 1;
  if (several) score("iou_classes", "IoU", "mean", "/test/contrasts/all/classes_mean/iou");
  for (const auto& name : keys("/test/mean/instances", {"axon", "myelin"}, "all"))
    if (name != "precision" && name != "recall" && name != "f1")
      score("instance_iou_" + name, "Instance IoU", name, "/test/mean/instances/" + name);
  for (const auto& [key, title] :
       {std::pair<std::string, std::string>{"precision", "precision"}, {"recall", "recall"}, {"f1", "F1"}})
    score("detection_" + key, "Detection", title, "/test/mean/instances/" + key);
  const auto prompted = keys("/test/prompted", {"axon", "fibre", "myelin"}, "");
  for (const auto& [key, group] : {std::pair<std::string, std::string>{"dice", "Dice by box"}, {"iou", "IoU by box"}})
    for (const auto& name : prompted) score("prompted_" + key + '_' + name, group, name, "/test/prompted/" + name + '/' + key);
  for (const auto& contrast : contrasts()) {
    if (contrast == "all") continue;
    const auto at = "/test/contrasts/" + contrast;
    for (const auto& name : keys("/test/mean/instances", {"axon", "myelin"}, "all"))
      if (name != "precision" && name != "recall" && name != "f1")
        score("instance_iou_" + name + '_' + contrast, contrast + ": instance IoU", name, at + "/instances/" + name);
    for (const auto& [key, group] : {std::pair<std::string, std::string>{"dice", "Dice"}, {"iou", "IoU"}})
      for (const auto& name : scored_classes())
        score(key + '_' + name + '_' + contrast, contrast + ": " + group, name, at + "/classes/" + name + '/' + key);
    if (several) score("iou_classes_" + contrast, contrast + ": IoU", "mean", at + "/classes_mean/iou");
    for (const auto& name : prompted)
      score("prompted_iou_" + name + '_' + contrast, contrast + ": IoU by box", name,
            "/test/prompted_by_contrast/" + contrast + '/' + name + "/iou");
  }
  all.push_back({"train_seconds", "Training", "time", "/seconds/train", "s", 0, 1, better::lower});
  all.push_back({"steps", "Training", "steps", "/steps", "", 0, 1, better::neither});
  all.push_back({"train_images_per_second", "Training", "images/s", "/images_per_second", "", 2, 1, better::higher});
  all.push_back(
      {"inference_images_per_second", "Inference", "images/s", "/inference/images_per_second", "", 1, 1, better::higher});
  all.push_back({"inference_seconds_per_megapixel", "Inference", "s/megapixel", "/inference/seconds_per_megapixel", "", 2, 1,
                 better::lower});
  all.push_back({"parameters", "Network", "parameters", "/parameters", "M", 2, 1e-6, better::lower});
  all.push_back({"macs", "Network", "MACs a patch", "/macs", "G", 2, 1e-9, better::lower});
  all.push_back({"peak_memory_bytes", "Network", "peak memory", "/peak_memory_bytes", "GiB", 2, 1. / (1 << 30), better::lower});
  all.push_back({"peak_gpu_memory_bytes", "Network", "peak GPU memory", "/peak_gpu_memory_bytes", "GiB", 2, 1. / (1 << 30), better::lower});
  std::erase_if(all, [this](const auto& measure) {
    return std::none_of(variants_.begin(), variants_.end(),
                        [&](const auto& variant) { return value(variant, measure).has_value(); });
  });
  return all;
}

}  // namespace axonzoo
