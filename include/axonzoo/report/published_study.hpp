#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <axonzoo/report/comparison.hpp>
#include <axonzoo/report/comparison_tables.hpp>
#include <axonzoo/report/page.hpp>

namespace axonzoo {

/// IoU of a published comparison of fine-tuned SAM with other models (2024), on 242 axon and myelin micrographs.
struct published_row {
  const char* model;
  const char* prompts;
  std::array<double, 4> iou;  ///< axon, myelin, all, any against background
  bool of_classes = false;    ///< the first three too; of instances otherwise
};
inline constexpr published_row published_study[] = {
    {"SAM ViT-B, light-microscopy weights", "manual boxes (oracle)", {0.188, 0.095, 0.123, 0.569}},
    {"U-Net", "manual boxes (oracle)", {0.239, 0.107, 0.147, 0.551}},
    {"Med-SAM", "manual boxes (oracle)", {0.219, 0.105, 0.140, 0.579}},
    {"Neuro-SAM", "manual boxes (oracle)", {0.265, 0.086, 0.140, 0.593}},
    {"Neuro-SAM, myelin inferred, per class", "manual boxes (oracle)", {0.368, 0.258, 0.313, 0.610}, true},
};

namespace detail {

/// IoU of a group of variants on the micrographs of one contrast, or "all".
inline void add_study_rows(page_table& table, const comparison& all, const variant_group& group, const std::string& contrast,
                           bool boxes) {
  const auto at = "/test/contrasts/" + contrast,
             by_box = contrast == "all" ? std::string("/test/prompted") : "/test/prompted_by_contrast/" + contrast;
  std::vector<std::string> pointers;
  for (const char* name : {"axon", "myelin", "all"}) pointers.push_back(at + "/instances/" + name);
  for (const char* name : {"/classes/axon/iou", "/classes/myelin/iou", "/classes_mean/iou", "/classes/any/iou"})
    pointers.push_back(at + name);
  for (const char* name : {"axon", "myelin"})
    if (boxes) pointers.push_back(by_box + '/' + name + "/iou");
  for (const auto& variant : group.variants) {
    const auto runs = all.finished(variant);
    if (runs.empty() || !all.value(variant, {.pointer = at + "/images"})) continue;
    const auto prompts = runs[0]->prompts();
    page_table::row row{.cells = {{.text = variant},
                                  {.text = runs[0]->oracle() ? "manual boxes (oracle)"
                                           : prompts.empty() ? "none"
                                                             : prompts}}};
    for (const auto& pointer : pointers) {
      const compared_measure measure{.pointer = pointer};
      const auto value = all.value(variant, measure);
      page_cell cell{.text = value ? measured_text(measure, value->mean) : "\u2013"};
      if (value && std::isfinite(value->deviation)) cell.spread = "\u00b1\u2009" + measured_text(measure, value->deviation);
      row.cells.push_back(cell);
    }
    table.rows.push_back(row);
  }
}

}  // namespace detail

/// The study's table with ours below it: on all micrographs and on those of each contrast, automatic rows and those with an
/// oracle apart.
[[nodiscard]] inline page_table published_table(const comparison& all) {
  page_table table{
      .columns = {{"", "model", "", true},
                  {"", "prompts", "", true},
                  {"Instance IoU", "axon", "", false},
                  {"Instance IoU", "myelin", "", false},
                  {"Instance IoU", "all", "", false},
                  {"Class IoU", "axon", "", false},
                  {"Class IoU", "myelin", "where boxes were given: fibre minus axon", false},
                  {"Class IoU", "mean", "of axon and myelin", false},
                  {"Class IoU", "any", "axon or myelin against background", false}},
      .rows = {},
      .caption =
          "The upper rows are <b>a published study\u2019s</b>, copied from it: other data (242 micrographs), other training, "
          "another split; they set "
          "the scale and are no test of one against the other. Its prompts came from the manual masks, which is an oracle: no "
          "user has them. <b>any</b> is axon or myelin against background, <b>mean</b> that of axon and myelin (the study\u2019s "
          "\u201call\u201d); where boxes were "
          "given, myelin is inferred as fibre minus axon. "
          "The lower rows are <b>this comparison\u2019s</b>, mean over repeats \u00b1 sample standard deviation.",
      .sortable = false};
  const bool boxes = std::any_of(all.variants().begin(), all.variants().end(), [&all](const auto& variant) {
    return all.value(variant, {.pointer = "/test/prompted/axon/iou"}).has_value();
  });
  if (boxes) {
    table.columns.push_back({"IoU by box", "axon", "", false});
    table.columns.push_back({"IoU by box", "myelin", "", false});
    table.caption +=
        " <b>IoU by box</b>: each mask against the structure whose box it was asked for, those of 50 px and more, mean over "
        "structures.";
  }
  const auto heading = [&table](const std::string& text) { table.rows.push_back({.cells = {{.text = text}}, .heading = true}); };
  heading("Published study (2024), 242 micrographs");
  for (const auto& published : published_study) {
    page_table::row row{.cells = {{.text = published.model}, {.text = published.prompts}}};
    const auto add = [&row, &published](bool known) {
      for (std::size_t i = 0; i < 3; ++i) row.cells.push_back({.text = known ? measured_text({}, published.iou[i]) : "\u2013"});
    };
    add(!published.of_classes);
    add(published.of_classes);
    row.cells.push_back({.text = measured_text({}, published.iou[3])});
    while (row.cells.size() < table.columns.size()) row.cells.push_back({.text = "\u2013"});
    table.rows.push_back(row);
  }
  for (const auto& contrast : all.contrasts())
    for (const auto& group : variant_groups(all)) {
      std::size_t images = 0;
      for (const auto& variant : group.variants)
        for (const auto* run : all.finished(variant))
          images = std::max(images, static_cast<std::size_t>(
                                        comparison::number(run->record, "/test/contrasts/" + contrast + "/images").value_or(0)));
      if (images == 0) continue;
      heading("This comparison, " + std::to_string(images) + (contrast == "all" ? "" : ' ' + contrast) +
              (images == 1 ? " test micrograph" : " test micrographs") + (group.heading.empty() ? "" : ". " + group.heading));
      detail::add_study_rows(table, all, group, contrast, boxes);
    }
  return table;
}

}  // namespace axonzoo
