#pragma once

#include <array>
#include <cmath>
#include <string>

#include <axonzoo/report/comparison.hpp>
#include <axonzoo/report/comparison_tables.hpp>
#include <axonzoo/report/page.hpp>

namespace axonzoo {

/// IoU of a published comparison of fine-tuned SAM with other models (2024), on 242 axon and myelin micrographs.
struct published_row {
  const char* model;
  const char* prompts;
  std::array<double, 4> iou;  ///< axon, myelin, all, any against background
};
inline constexpr published_row published_study[] = {
    {"SAM ViT-B, light-microscopy weights", "manual boxes (oracle)", {0.188, 0.095, 0.123, 0.569}},
    {"U-Net", "manual boxes (oracle)", {0.239, 0.107, 0.147, 0.551}},
    {"Med-SAM", "manual boxes (oracle)", {0.219, 0.105, 0.140, 0.579}},
    {"Neuro-SAM", "manual boxes (oracle)", {0.265, 0.086, 0.140, 0.593}},
    {"Neuro-SAM, myelin inferred, per class", "manual boxes (oracle)", {0.368, 0.258, 0.313, 0.610}},
};

/// The study's table with ours below it. Ours are instance IoU without prompts (or the prompts that a record names).
[[nodiscard]] inline page_table published_table(const comparison& all, std::size_t test_images) {
  page_table table{
      .columns = {{"", "model", "", true},
                  {"", "prompts", "", true},
                  {"Instance IoU", "axon", "", false},
                  {"Instance IoU", "myelin", "", false},
                  {"Instance IoU", "all", "", false},
                  {"Class IoU", "any", "axon or myelin against background", false}},
      .rows = {},
      .caption =
          "The upper rows are <b>a published study\u2019s</b>, copied from it: other data (242 micrographs), other training, "
          "another split; they set "
          "the scale and are no test of one against the other. Its prompts came from the manual masks, which is an oracle: no "
          "user has them. Its last row is class IoU in all columns. <b>any</b> is axon or myelin against background. "
          "The lower rows are <b>this comparison\u2019s</b>, mean over repeats \u00b1 sample standard deviation.",
      .sortable = false};
  const auto heading = [&table](const std::string& text) { table.rows.push_back({.cells = {{.text = text}}, .heading = true}); };
  heading("Published study (2024), 242 micrographs");
  for (const auto& published : published_study) {
    page_table::row row{.cells = {{.text = published.model}, {.text = published.prompts}}};
    for (const double iou : published.iou) row.cells.push_back({.text = measured_text({}, iou)});
    table.rows.push_back(row);
  }
  heading("This comparison, " + std::to_string(test_images) + (test_images == 1 ? " test micrograph" : " test micrographs"));
  for (const auto& variant : all.variants()) {
    const auto runs = all.finished(variant);
    if (runs.empty()) continue;
    page_table::row row{.cells = {{.text = variant}, {.text = runs[0]->record.value("prompts", std::string("none"))}}};
    for (const auto* pointer :
         {"/test/mean/instances/axon", "/test/mean/instances/myelin", "/test/mean/instances/all", "/test/mean/classes/any/iou"}) {
      const compared_measure measure{.pointer = pointer};
      const auto value = all.value(variant, measure);
      page_cell cell{.text = value ? measured_text(measure, value->mean) : "\u2013"};
      if (value && std::isfinite(value->deviation)) cell.spread = "\u00b1\u2009" + measured_text(measure, value->deviation);
      row.cells.push_back(cell);
    }
    table.rows.push_back(row);
  }
  return table;
}

}  // namespace axonzoo
