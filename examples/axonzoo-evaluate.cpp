// axonzoo-evaluate: scores predicted masks against manual ones, of any origin, and writes a table.

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <future>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/progress.hpp>
#include <axonzoo/io/table.hpp>
#include <axonzoo/metrics/evaluate.hpp>
#include <axonzoo/metrics/mask_pairs.hpp>

namespace {

constexpr const char* columns_help =
    "Masks are paired by the stem of their image and may be\n"
    "  <stem>_seg-axonmyelin.png (0, 127 myelin, 255 axon), <stem>_seg-axon.png with <stem>_seg-myelin.png (0, 255),\n"
    "  either with '-manual' behind, the derivatives of a BIDS data set, or <stem>.png, as one mask of axon and myelin or "
    "binary.\n"
    "Columns of the CSV, one row an image and a last one named 'mean':\n"
    "  image               stem\n"
    "  axon_iou, axon_dice, myelin_..., any_...   overlap of the class over all pixels; any: axon or myelin\n"
    "  axon_instance_iou   mean over manual axons (8-connected) of the IoU with the partner of the best one-to-one matching\n"
    "  myelin_instance_iou likewise over sheaths (fibres split by watershed, less axons)\n"
    "  all_instance_iou    axons and sheaths pooled\n"
    "  precision, recall, f1   detection of axons at the IoU threshold\n"
    "Empty against empty scores 1, empty against something 0.";

struct options {
  std::filesystem::path predicted, manual, out;
  double threshold = 0.3;
  bool partial = false;
};

using named_values = std::vector<std::pair<std::string, double>>;

/// Scores under the names of their columns, axon first.
named_values columns_of(const axonzoo::image_scores& scores, const std::vector<std::string>& classes) {
  std::vector<std::string> names(classes.rbegin(), classes.rend() - 1);
  named_values columns;
  for (const auto& name : names) {
    columns.emplace_back(name + "_iou", scores.classes.at(name).iou);
    columns.emplace_back(name + "_dice", scores.classes.at(name).dice);
  }
  if (const auto any = scores.classes.find("any"); any != scores.classes.end()) {
    columns.emplace_back("any_iou", any->second.iou);
    columns.emplace_back("any_dice", any->second.dice);
  }
  for (const auto& name : names) columns.emplace_back(name + "_instance_iou", scores.instance_iou.at(name));
  if (names.size() > 1) columns.emplace_back("all_instance_iou", scores.instance_iou.at("all"));
  columns.emplace_back("precision", scores.precision);
  columns.emplace_back("recall", scores.recall);
  columns.emplace_back("f1", scores.f1);
  return columns;
}

void print(const std::vector<std::pair<std::string, named_values>>& rows) {
  std::size_t width = 5;
  for (const auto& [name, values] : rows) width = std::max(width, name.size());
  std::printf("%-*s", static_cast<int>(width), "image");
  for (const auto& [column, value] : rows.front().second) {
    std::string title = column;
    if (const auto at = title.find("_instance_iou"); at != std::string::npos) title.replace(at, 13, "_inst");
    std::printf("  %11s", title.c_str());
  }
  for (const auto& [name, values] : rows) {
    std::printf("\n%-*s", static_cast<int>(width), name.c_str());
    for (const auto& [column, value] : values) std::printf("  %11.4f", value);
  }
  std::printf("\n");
}

void write(const std::filesystem::path& path, const std::vector<std::pair<std::string, named_values>>& rows) {
  std::vector<std::string> columns = {"image"};
  for (const auto& [column, value] : rows.front().second) columns.push_back(column);
  axonzoo::table table(columns);
  for (const auto& [name, values] : rows) {
    std::vector<axonzoo::table::cell> cells = {name};
    for (const auto& [column, value] : values) cells.emplace_back(value);
    table.add(std::move(cells));
  }
  axonzoo::write_csv(path, table);
}

axonzoo::image_scores score(const axonzoo::mask_pairs::pair& pair, const options& chosen,
                            const std::vector<std::string>& classes) {
  auto reading = std::async(std::launch::async, [&] { return axonzoo::read_mask_labels(pair.predicted, classes); });
  const auto manual = axonzoo::read_mask_labels(pair.manual, classes);
  const auto predicted = reading.get();
  if (predicted.shape() != manual.shape()) {
    const auto text = [](const axonzoo::image_masks& masks, const axonzoo::label_image& labels) {
      return "'" + axonzoo::first_file(masks).string() + "' is " + std::to_string(labels.shape(1)) + " x " +
             std::to_string(labels.shape(0));
    };
    throw axonzoo::error("cannot score '" + pair.name + "'",
                         text(pair.predicted, predicted) + " px and " + text(pair.manual, manual), "give masks of the same size");
  }
  return axonzoo::evaluate(predicted, manual, classes, chosen.threshold);
}

void evaluate(const options& chosen) {
  const auto masks = axonzoo::pair_masks(chosen.predicted, chosen.manual, chosen.partial);
  for (const auto& name : masks.left_out) std::cerr << "note: one folder has no " << name << ", which is not scored\n";
  if (!masks.unmatched.empty())
    std::cerr << "note: " << masks.unmatched.size() << " images that are in one folder alone are not scored\n";

  std::vector<axonzoo::image_scores> scores;
  std::vector<std::pair<std::string, named_values>> rows;
  {
    axonzoo::progress progress("scoring", static_cast<double>(masks.pairs.size()));
    for (const auto& pair : masks.pairs) {
      scores.push_back(score(pair, chosen, masks.classes));
      rows.emplace_back(pair.name, columns_of(scores.back(), masks.classes));
      if (masks.pairs.size() > 1) progress.at(static_cast<double>(scores.size()), pair.name);
    }
  }
  rows.emplace_back("mean", columns_of(axonzoo::mean(scores), masks.classes));
  write(chosen.out, rows);
  print(rows);
  std::printf("written to %s\n", chosen.out.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  options chosen;
  CLI::App app("Scores predicted masks of axons and myelin (or of one class) against manual ones.");
  app.footer(columns_help);
  app.add_option("--predicted", chosen.predicted, "folder of predicted masks")->required();
  app.add_option("--manual", chosen.manual, "folder of manual masks, or a BIDS data set")->required();
  app.add_option("--out", chosen.out, "CSV file to write")->required();
  app.add_option("--threshold", chosen.threshold, "IoU from which an axon counts as detected")->capture_default_str();
  app.add_flag("--partial", chosen.partial, "score what both folders have, also where one has more");
  try {
    app.parse(argc, argv);
    if (!(chosen.threshold > 0 && chosen.threshold <= 1)) {
      throw axonzoo::error("cannot use --threshold " + std::to_string(chosen.threshold), "it is no IoU",
                           "give a number above 0 and up to 1");
    }
    evaluate(chosen);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& wrong) {
    std::cerr << "axonzoo-evaluate: " << wrong.what() << "; --help lists the options\n";
    return 1;
  } catch (const std::exception& failed) {
    std::cerr << "axonzoo-evaluate: " << failed.what() << '\n';
    return 1;
  }
  return 0;
}
