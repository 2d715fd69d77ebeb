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
#include <axonzoo/report/comparison.hpp>
#include <axonzoo/report/comparison_figures.hpp>
#include <axonzoo/report/comparison_pictures.hpp>
#include <axonzoo/report/comparison_setting.hpp>
#include <axonzoo/report/comparison_tables.hpp>
#include <axonzoo/report/cost_figures.hpp>
#include <axonzoo/report/page.hpp>
#include <axonzoo/report/published_study.hpp>

namespace axonzoo {

namespace detail {

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
      const auto variants =
          measure.score ? variant_groups(all).front().variants : all.variants();  // an oracle's scores beat all others
      for (const auto& variant : variants)
        if (const auto value = all.value(variant, measure);
            value &&
            (!best || (measure.direction == compared_measure::better::higher ? value->mean > *best : value->mean < *best)))
          best = value->mean, who = shown_name(all, variant);
      if (best) tile(name, measured_text(measure, *best) + (measure.unit.empty() ? "" : ' ' + measure.unit), who);
    }
  };
  const auto runs = finished_runs(all).size();
  tile("Runs finished", std::to_string(runs) + " of " + std::to_string(all.runs().size()),
       counted(all.variants().size(), "variant"));
  for (const auto& name : all.scored_classes())
    if (name != "any") champion("dice_" + name, "Highest Dice, " + name);
  champion("train_images_per_second", "Fastest training, images/s");
  champion("inference_seconds_per_megapixel", "Fastest inference, s/megapixel");
  champion("parameters", "Fewest parameters");
  out.raw("<dl class=\"facts\">" + tiles + "</dl>");
}

inline std::string joined_plots(const std::vector<std::string>& plots) {
  std::string text;
  for (const auto& plot : plots) text += plot;
  return text;
}

}  // namespace detail

/// The page of a comparison, as one HTML file. What could not be drawn (data that has moved) is said on the page and added to
/// `problems`.
[[nodiscard]] inline std::string comparison_page(const comparison& all, const comparison_page_facts& facts,
                                                 std::vector<std::string>& problems) {
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
  out.lead(html(detail::joined(all.models()) + ": " + (facts.budget.empty() ? "" : facts.budget + ", ") + "tested on " +
                detail::counted(tested, "micrograph") + " of " + detail::counted(subjects, "subject") +
                " that no run has trained or validated on. " + detail::hardware(all) + '.'));
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
  const std::string change =
      " Small figures: the change against <b>fp32/none/single</b> of the same model. Bold: the best mean of a column. Press a "
      "heading to sort.";
  out.section("accuracy", "Accuracy");
  out.table(variant_table(all, of({"Dice", "IoU"}),
                          "Overlap per class over all pixels of a micrograph, then the mean over micrographs; <b>any</b> is axon "
                          "or myelin against background. " +
                              n + repeats + change));
  out.table(variant_table(all, of({"Instance IoU", "Detection"}),
                          "<b>Instance IoU</b>: each manual axon, and each sheath, with its best-matching prediction, one to "
                          "one, 0 where there is none; <b>all</b> pools both. <b>Detection</b> "
                          "of axons at an IoU of 0.3. No variant is given prompts unless its row names them: rows with an oracle "
                          "do not compare with others. " +
                              n + repeats));
  if (const auto by_box = of({"Dice by box", "IoU by box"}); !by_box.empty())
    out.table(variant_table(all, by_box,
                            "Each mask against the structure whose box it was asked for, mean over structures of 50 px and more; "
                            "the boxes are the manual "
                            "masks\u2019, an oracle. <b>myelin</b>: a fibre\u2019s mask without its axon\u2019s. " +
                                n + repeats));
  for (const auto& contrast : all.contrasts())
    if (contrast != "all")
      out.table(variant_table(
          all, of({contrast + ": instance IoU", contrast + ": Dice", contrast + ": IoU", contrast + ": IoU by box"}),
          "The same on the test micrographs of contrast <b>" + html(contrast) +
              "</b> alone. <b>IoU, mean</b>: of the classes, any left out. " + repeats));
  out.section("cost", "Cost");
  out.table(variant_table(
      all, of({"Training", "Inference", "Network"}),
      "Images are patches of the training size, at inference one at a time and without flips; <b>s/megapixel</b> is whole test "
      "micrographs as they were tested, in tiles that overlap by " +
          html(detail::common(all, "/options/tile_overlap", "?")) +
          ", flips and turns averaged: " + html(detail::common(all, "/options/turns", "?")) +
          ". Training time includes validation; MACs are for one patch; memory is the peak of the whole run. " + repeats +
          change + ' ' + html(detail::hardware(all)) + '.'));

  const std::string bars = detail::most_repeats(all) > 1 ? "Error bars: sample standard deviation over repeats. " : "";
  out.section("tradeoff", "Accuracy against time");
  const bool equal_time = [&] {
    double low = 1e300, high = 0;
    for (const auto& variant : all.variants())
      if (const auto seconds = all.value(variant, {.pointer = "/seconds/train"}))
        low = std::min(low, seconds->mean), high = std::max(high, seconds->mean);
    return high <= 1.05 * low;
  }();
  std::vector<std::string> plots{
      accuracy_against(all, "/inference/seconds_per_megapixel", "inference time (s/megapixel)", equal_time ? 720 : 560)};
  if (!equal_time) plots.push_back(accuracy_against(all, "/seconds/train", "training time (s)", 560));
  std::erase(plots, "");
  out.figure(
      plots,
      std::string("Mean Dice over the classes on the test micrographs. Colour: policies; shape: model; open: pruned. ") + bars +
          (equal_time ? "All variants trained for the same time, so that this is also the accuracy that the time bought. " : "") +
          n + repeats);

  out.section("training", "Training");
  if (auto curves = history_plots(all, "/train_loss", "training loss", true); !curves.empty())
    out.figure(curves,
               "Training loss, mean over each epoch, a line a run. Dashed: pruned; a jump is the moment when channels leave.");
  if (auto curves = history_plots(all, "/validation/dice", "validation Dice", false); !curves.empty())
    out.figure(curves, "Mean Dice on the validation subjects, a line a run: it chooses the weights that are tested.");

  out.section("time", "Time by phase");
  out.figure({detail::joined_plots(time_by_phase(all))},
             "Wall-clock seconds of a run, mean over repeats. The loader\u2019s threads work while the network computes; only "
             "the wait for them costs time. " +
                 html(detail::hardware(all)) + '.');

  out.section("size", "Size and speed, before and after");
  out.figure(
      before_after_plots(all),
      "Parameters and MACs as a share of those before pruning, inference time as a share of <b>fp32/none/single</b>\u2019s. "
      "MACs for one patch. " +
          bars);

  out.section("micrographs", "Test micrographs");
  if (const auto map = dice_by_image(all); !map.empty())
    out.figure({map}, "Mean Dice of each test micrograph, mean over repeats.");
  add_pictures(out, all, problems);

  if (const auto scored = all.scored_classes(); std::find(scored.begin(), scored.end(), "axon") != scored.end()) {
    out.section("published", "Beside a published study");
    out.table(published_table(all));
  }
  add_setting(out, all, facts);
  return out.str();
}

}  // namespace axonzoo
