#pragma once

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/data/open.hpp>
#include <axonzoo/report/comparison.hpp>
#include <axonzoo/report/comparison_figures.hpp>
#include <axonzoo/report/comparison_pictures.hpp>
#include <axonzoo/report/comparison_tables.hpp>
#include <axonzoo/report/page.hpp>
#include <axonzoo/report/published_study.hpp>

namespace axonzoo {

/// What a page says beside the runs' own records.
struct comparison_page_facts {
  std::string command = {};  ///< that makes the comparison again
  std::string made = {};     ///< when, as text
  std::string budget = {};   ///< "20 min of training each"
};

namespace detail {

/// "7 variants" for 7 and "variant".
inline std::string counted(std::size_t count, const std::string& what) { return std::to_string(count) + ' ' + what + (count == 1 ? "" : "s"); }

inline std::string listed(const nlohmann::json& names) {
  std::string text;
  if (names.is_array())
    for (const auto& name : names)
      if (name.is_string()) text += (text.empty() ? "" : ", ") + name.get<std::string>();
  return text.empty() ? "none" : text;
}

inline std::string joined_plots(const std::vector<std::string>& plots) {
  std::string text;
  for (const auto& plot : plots) text += plot;
  return text;
}

inline std::vector<const compared_run*> finished_runs(const comparison& all) {
  std::vector<const compared_run*> runs;
  for (const auto& run : all.runs())
    if (run.how == compared_run::state::finished) runs.push_back(&run);
  return runs;
}

/// The one value that all records have at `pointer`, or all of them.
inline std::string common(const comparison& all, const std::string& pointer, const std::string& absent = "unknown") {
  std::set<std::string> values;
  for (const auto* run : finished_runs(all))
    if (const nlohmann::json::json_pointer at(pointer); run->record.contains(at) && !run->record.at(at).is_null())
      values.insert(run->record.at(at).is_string() ? run->record.at(at).get<std::string>() : run->record.at(at).dump());
  std::string text;
  for (const auto& value : values) text += (text.empty() ? "" : "; ") + value;
  return text.empty() ? absent : text;
}

inline std::string hardware(const comparison& all) {
  const auto memory = common(all, "/hardware/memory_bytes", "");
  char text[32] = "";
  if (!memory.empty() && memory.find(';') == std::string::npos) std::snprintf(text, sizeof text, ", %.0f GiB", std::stod(memory) / (1 << 30));
  return common(all, "/hardware/cpu") + ", " + common(all, "/hardware/cores", "?") + " cores" + text + ", GPU: " + common(all, "/hardware/gpu", "none");
}

inline std::string repeats_sentence(const comparison& all) {
  std::size_t most = 0;
  for (const auto& variant : all.variants()) most = std::max(most, all.finished(variant).size());
  return most < 2 ? "One run of each variant: no spread is known, and small differences mean nothing."
                  : "Mean over up to " + std::to_string(most) + " runs with different seeds \u00b1 their sample standard deviation (n \u2212 1).";
}

inline void add_facts(page& out, const comparison& all) {
  std::string tiles;
  const auto tile = [&tiles](const std::string& name, const std::string& value, const std::string& note) {
    tiles += "<div><dt>" + html(name) + "</dt><dd>" + html(value) + "<small>" + html(note) + "</small></dd></div>";
  };
  const auto champion = [&](const std::string& key, const std::string& name) {
    for (const auto& measure : all.measures()) {
      if (measure.key != key) continue;
      std::optional<double> best;
      std::string who;
      for (const auto& variant : all.variants())
        if (const auto value = all.value(variant, measure); value && (!best || (measure.direction == compared_measure::better::higher ? value->mean > *best : value->mean < *best)))
          best = value->mean, who = variant;
      tile(name, measured_text(measure, *best) + (measure.unit.empty() ? "" : ' ' + measure.unit), who);
    }
  };
  const auto runs = finished_runs(all).size();
  tile("Runs finished", std::to_string(runs) + " of " + std::to_string(all.runs().size()), counted(all.variants().size(), "variant"));
  for (const auto& name : all.scored_classes())
    if (name != "any") champion("dice_" + name, "Highest Dice, " + name);
  champion("train_images_per_second", "Fastest training, images/s");
  champion("inference_seconds_per_megapixel", "Fastest inference, s/megapixel");
  champion("parameters", "Fewest parameters");
  out.raw("<dl class=\"facts\">" + tiles + "</dl>");
}

inline void add_pictures(page& out, const comparison& all, std::vector<std::string>& problems) {
  std::map<std::string, dataset> opened;
  for (const auto& model : all.models()) {
    auto runs = all.finished(model + "/fp32/none/single");
    if (runs.empty()) runs = all.finished(variants_of(all, model).front());
    const auto& record = runs.front()->record;
    std::vector<std::pair<double, std::string>> ranked;
    for (const auto& image : record["test"]["images"])
      if (const auto dice = mean_dice(image)) ranked.emplace_back(*dice, image.value("name", std::string()));
    std::sort(ranked.begin(), ranked.end());
    if (ranked.empty()) continue;
    std::vector<std::pair<std::string, std::pair<double, std::string>>> shown{{ranked.size() > 1 ? "best" : "only", ranked.back()}};
    if (ranked.size() > 1) shown.emplace_back("worst", ranked.front());
    for (const auto& [which, image] : shown) {
      out.heading(model + ": " + which + " test micrograph, " + image.second);
      try {
        const auto& folders = record["data"]["folders"];
        auto& data = opened[folders.dump()];
        if (data.micrographs.empty()) {
          std::vector<std::filesystem::path> paths;
          for (const auto& folder : folders) paths.emplace_back(folder.get<std::string>());
          data = open_dataset(paths);
        }
        const auto found = std::find_if(data.micrographs.begin(), data.micrographs.end(), [&](const auto& one) { return one.name == image.second; });
        if (found == data.micrographs.end())
          throw error("cannot draw the prediction of '" + image.second + "'", "the data set has no such image any more", "compare again on this data");
        const bool axons = std::find(data.classes.begin(), data.classes.end(), "axon") != data.classes.end();
        const std::string key = axons ? "<span class=\"swatch\" style=\"background:#0082dc\"></span>axon &nbsp; <span class=\"swatch\" style=\"background:#f09614\"></span>myelin"
                                      : "<span class=\"swatch\" style=\"background:#f09614\"></span>" + html(data.classes.back());
        out.figure({prediction_pictures(*found, runs.front()->folder)},
                   key + " &nbsp; Predicted by <b>" + html(runs.front()->variant()) + "</b>, seed " + std::to_string(runs.front()->seed) + "; mean Dice of this image " +
                       measured_text({}, image.first) + " (n = " + std::to_string(ranked.size()) +
                       " test images). The framed window is the one with the median share of wrong pixels. Grey levels are stretched for display.");
      } catch (const std::exception& failure) {
        problems.emplace_back(failure.what());
        out.paragraph("<span class=\"failed\">" + html(failure.what()) + "</span>");
      }
    }
  }
}

inline void add_setting(page& out, const comparison& all, const comparison_page_facts& facts) {
  const auto pairs = [&out](const std::vector<std::pair<std::string, std::string>>& items) {
    std::string text;
    for (const auto& [name, value] : items) text += "<dt>" + html(name) + "</dt><dd>" + html(value) + "</dd>";
    out.raw("<dl class=\"pairs\">" + text + "</dl>");
  };
  out.section("data", "Data and split");
  const auto runs = finished_runs(all);
  std::set<std::string> splits;
  for (const auto* run : runs) splits.insert(run->record["data"]["split"].dump());
  const auto& data = runs.front()->record["data"];
  out.paragraph("Subjects never stand on two sides of a split." +
                std::string(splits.size() > 1 ? " The validation subjects differ between seeds; shown is the split of the first run." : ""));
  std::vector<std::pair<std::string, std::string>> items{{"Folders", listed(data.value("folders", nlohmann::json()))},
                                                         {"Classes", listed(data.value("classes", nlohmann::json()))},
                                                         {"Pixel size", common(all, "/data/pixel_size") + " \u00b5m after resampling"}};
  for (const std::string side : {"train", "validation", "test"}) {
    const auto images = data["split"].value(side, nlohmann::json::array());
    const auto subjects = data.contains("subjects") ? data["subjects"].value(side, nlohmann::json::array()) : nlohmann::json::array();
    items.emplace_back(side, counted(images.size(), "image") + " of " + counted(subjects.size(), "subject") + ": " + listed(subjects));
  }
  pairs(items);

  out.section("setting", "Hardware, versions, command");
  pairs({{"Hardware", hardware(all)}, {"Ranks", common(all, "/ranks", "1")}, {"axonzoo", common(all, "/versions/axonzoo")}, {"LibTorch", common(all, "/versions/torch")},
         {"Compiler", common(all, "/versions/compiler")}, {"Made", facts.made}});
  out.paragraph("The same comparison again, or the rest of it where it stopped:");
  out.preformatted(facts.command);

  page_table table{.columns = {{"", "run", "", true}, {"", "seed", "", false}, {"", "state", "", true}, {"", "mean Dice", "", false}, {"", "steps", "", false},
                               {"", "training (s)", "", false}, {"", "total (s)", "", false}},
                   .rows = {},
                   .caption = "Every run, as it ended."};
  for (const auto& run : all.runs()) {
    page_table::row row{.cells = {{.text = run.variant()}}};
    if (run.how == compared_run::state::missing) {
      row.reason = run.reason;
    } else {
      row.cells.push_back({.text = std::to_string(run.seed), .sort = static_cast<double>(run.seed)});
      row.cells.push_back({.text = run.how == compared_run::state::finished ? "finished" : run.how == compared_run::state::failed ? "failed" : "not run yet",
                           .failed = run.how == compared_run::state::failed});
      row.reason = run.reason;
      if (run.how == compared_run::state::finished) {
        const auto add = [&row](std::optional<double> value, int digits) {
          row.cells.push_back(value ? page_cell{.text = measured_text({.digits = digits}, *value), .sort = *value} : page_cell{.text = "\u2013"});
        };
        add(mean_dice(run.record["test"]["mean"]), 3);
        for (const auto* pointer : {"/steps", "/seconds/train", "/seconds/total"}) add(comparison::number(run.record, pointer), 0);
      }
    }
    table.rows.push_back(row);
  }
  out.table(table);
}

}  // namespace detail

/// The page of a comparison, as one HTML file. What could not be drawn (data that has moved) is said on the page and added to
/// `problems`.
[[nodiscard]] inline std::string comparison_page(const comparison& all, const comparison_page_facts& facts, std::vector<std::string>& problems) {
  page out("Axon and myelin segmentation: " + detail::counted(all.variants().size(), "variant") + " compared");
  const auto runs = detail::finished_runs(all);
  if (runs.empty()) {
    out.lead("No run has finished.");
    out.table(variant_table(all, {}, "Why there are no results."));
    out.preformatted(facts.command);
    return out.str();
  }
  const auto& data = runs.front()->record["data"];
  const std::size_t tested = runs.front()->record["test"]["images"].size();
  const auto subjects = data.contains("subjects") ? data["subjects"].value("test", nlohmann::json::array()).size() : 0;
  out.lead(html(detail::joined(all.models()) + ": " + (facts.budget.empty() ? "" : facts.budget + ", ") + "tested on " + detail::counted(tested, "micrograph") + " of " +
                detail::counted(subjects, "subject") + " that no run has trained or validated on. " + detail::hardware(all) + '.'));
  detail::add_facts(out, all);
  out.contents();

  const auto measures = all.measures();
  const auto of = [&measures](std::set<std::string> groups) {
    std::vector<compared_measure> some;
    for (const auto& measure : measures)
      if (groups.contains(measure.group)) some.push_back(measure);
    return some;
  };
  const std::string n = "n = " + detail::counted(tested, "test micrograph") + ". ", repeats = html(detail::repeats_sentence(all));
  const std::string change = " Small figures: the change against <b>fp32/none/single</b> of the same model. Bold: the best mean of a column. Press a heading to sort.";
  out.section("accuracy", "Accuracy");
  out.table(variant_table(all, of({"Dice", "IoU"}), "Overlap per class over all pixels of a micrograph, then the mean over micrographs; <b>any</b> is axon or myelin against background. " + n + repeats + change));
  out.table(variant_table(all, of({"Instance IoU", "Detection"}),
                          "<b>Instance IoU</b>: each manual axon, and each sheath, with its best-matching prediction, one to one, 0 where there is none; <b>all</b> pools both. <b>Detection</b> "
                          "of axons at an IoU of 0.3. No variant is given prompts unless its row names them. " + n + repeats));
  out.section("cost", "Cost");
  out.table(variant_table(all, of({"Training", "Inference", "Network"}), "Images are patches of the training size; inference with batch 1; MACs for one patch; peak memory of the whole run. " + repeats + change + ' ' + html(detail::hardware(all)) + '.'));

  out.section("tradeoff", "Accuracy against time");
  const bool equal_time = [&] {
    double low = 1e300, high = 0;
    for (const auto& variant : all.variants())
      if (const auto seconds = all.value(variant, {.pointer = "/seconds/train"})) low = std::min(low, seconds->mean), high = std::max(high, seconds->mean);
    return high <= 1.05 * low;
  }();
  std::vector<std::string> plots{accuracy_against(all, "/inference/seconds_per_megapixel", "inference time (s/megapixel)", equal_time ? 720 : 560)};
  if (!equal_time) plots.push_back(accuracy_against(all, "/seconds/train", "training time (s)", 560));
  std::erase(plots, "");
  out.figure(plots, std::string("Mean Dice over the classes on the test micrographs. Colour: policies; shape: model; open: pruned. Error bars: sample standard deviation over repeats. ") +
                        (equal_time ? "All variants trained for the same time, so that this is also the accuracy that the time bought. " : "") + n + repeats);

  out.section("training", "Training");
  if (auto curves = history_plots(all, "/train_loss", "training loss", true); !curves.empty())
    out.figure(curves, "Training loss, mean over each epoch, a line a run. Dashed: pruned; a jump is the moment when channels leave.");
  if (auto curves = history_plots(all, "/validation/dice", "validation Dice", false); !curves.empty())
    out.figure(curves, "Mean Dice on the validation subjects, a line a run: it chooses the weights that are tested.");

  out.section("time", "Time by phase");
  out.figure({detail::joined_plots(time_by_phase(all))}, "Wall-clock seconds of a run, mean over repeats. The loader\u2019s threads work while the network computes; only the wait for them costs time. " + html(detail::hardware(all)) + '.');

  out.section("size", "Size and speed, before and after");
  out.figure(before_after_plots(all), "Parameters and MACs as a share of those before pruning, inference time as a share of <b>fp32/none/single</b>\u2019s. Bars: mean; error bars: sample standard deviation over repeats. MACs for one patch.");

  out.section("micrographs", "Test micrographs");
  if (const auto map = dice_by_image(all); !map.empty())
    out.figure({map}, "Mean Dice of each test micrograph, mean over repeats.");
  detail::add_pictures(out, all, problems);

  if (const auto scored = all.scored_classes(); std::find(scored.begin(), scored.end(), "axon") != scored.end()) {
    out.section("published", "Beside a published study");
    out.table(published_table(all, tested));
  }
  detail::add_setting(out, all, facts);
  return out.str();
}

}  // namespace axonzoo
