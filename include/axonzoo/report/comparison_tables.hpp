#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <axonzoo/report/comparison.hpp>
#include <axonzoo/report/page.hpp>

namespace axonzoo {

/// `value` in a record's unit as people read it: 1234567 parameters as "1.23" (the unit stands in the heading).
[[nodiscard]] inline std::string measured_text(const compared_measure& measure, double value) {
  char text[48];
  std::snprintf(text, sizeof text, "%.*f", measure.digits, value * measure.scale);
  return text;
}

/// A change against the reference: "+0.012" for scores, "1.94x" for anything else.
[[nodiscard]] inline std::string change_text(const compared_measure& measure, double change) {
  char text[48];
  if (measure.score)
    std::snprintf(text, sizeof text, "%+.*f", measure.digits, change);
  else
    std::snprintf(text, sizeof text, change < 0.095 ? "%.3fx" : change < 99.5 ? "%.2fx" : "%.0fx", change);
  return text;
}

/// A variant as tables name it, see `compared_run::shown`.
[[nodiscard]] inline std::string shown_name(const comparison& all, const std::string& variant) {
  const auto finished = all.finished(variant);
  return finished.empty() ? variant : finished.front()->shown();
}

/// Why a variant has no numbers; empty when a run of it finished.
[[nodiscard]] inline std::string reason_of(const comparison& all, const std::string& variant) {
  if (!all.finished(variant).empty()) return {};
  for (const auto& run : all.runs())
    if (run.variant() == variant)
      return run.how == compared_run::state::failed    ? "failed: " + run.reason
             : run.how == compared_run::state::missing ? run.reason
                                                       : "not run yet";
  return {};
}

namespace detail {

inline std::string typographic(std::string text) {
  if (text.starts_with('-')) text.replace(0, 1, "\u2212");
  if (text.ends_with('x')) text.replace(text.size() - 1, 1, "\u00d7");
  return text;
}

inline std::size_t columns_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

/// The best mean of a measure among some variants, as its text: equal texts are equally good.
inline std::string best_text(const comparison& all, const std::vector<std::string>& variants, const compared_measure& measure) {
  if (measure.direction == compared_measure::better::neither) return {};
  std::optional<double> best;
  std::set<std::string> texts;
  for (const auto& variant : variants)
    if (const auto one = all.value(variant, measure)) {
      texts.insert(measured_text(measure, one->mean));
      if (!best || (measure.direction == compared_measure::better::higher ? one->mean > *best : one->mean < *best))
        best = one->mean;
    }
  return texts.size() > 1 ? measured_text(measure, *best) : "";
}

inline std::string heading(const compared_measure& measure) {
  return measure.unit.empty() ? measure.title : measure.title + " (" + measure.unit + ')';
}

}  // namespace detail

/// Variants that compare with one another, and what they have in common.
struct variant_group {
  std::string heading = {};  ///< empty where there is one group alone
  std::vector<std::string> variants = {};
};

/// Variants that were given nothing but the image, those whose prompts were an oracle, and those without results; all in one
/// group where no prompt was an oracle.
[[nodiscard]] inline std::vector<variant_group> variant_groups(const comparison& all) {
  variant_group automatic{"Automatic: given the image alone"}, oracle{"Oracle: told by the manual masks where each fibre is"},
      others{"Without results"};
  for (const auto& variant : all.variants())
    (all.finished(variant).empty() ? others : all.oracle(variant) ? oracle : automatic).variants.push_back(variant);
  if (oracle.variants.empty()) return {{"", all.variants()}};
  std::vector<variant_group> groups{automatic, oracle, others};
  std::erase_if(groups, [](const auto& group) { return group.variants.empty(); });
  return groups;
}

/// One row a variant for the page: mean, spread (where it is not 0), and below it the change against fp32/none/single of the same
/// model. The best mean of a column is bold, among variants of a group (`variant_groups`). A variant without results has its
/// reason instead.
[[nodiscard]] inline page_table variant_table(const comparison& all, const std::vector<compared_measure>& measures,
                                              const std::string& caption_html) {
  page_table table{
      .columns = {{"", "variant", "model/precision/pruning/parallel strategy", true}, {"", "runs", "finished repeats", false}},
      .rows = {},
      .caption = caption_html};
  for (const auto& measure : measures) table.columns.push_back({measure.group, detail::heading(measure), measure.key, false});
  if (measures.empty()) table.columns.push_back({"", "reason", "", true});
  for (const auto& group : variant_groups(all)) {
    if (!group.heading.empty()) table.rows.push_back({.cells = {{.text = group.heading}}, .heading = true});
    std::vector<std::string> best;
    for (const auto& measure : measures) best.push_back(detail::best_text(all, group.variants, measure));
    for (const auto& variant : group.variants) {
      page_table::row row;
      const auto finished = all.finished(variant);
      page_cell name{.text = shown_name(all, variant)};
      if (!finished.empty() && !finished[0]->prompts().empty()) name.detail = "prompts: " + finished[0]->prompts();
      row.cells.push_back(name);
      row.cells.push_back({.text = std::to_string(finished.size()), .sort = static_cast<double>(finished.size())});
      row.reason = reason_of(all, variant);
      for (std::size_t m = 0; m < measures.size() && row.reason.empty(); ++m) {
        const auto value = all.value(variant, measures[m]);
        if (!value) {
          row.cells.push_back({.text = "\u2013"});
          continue;
        }
        page_cell cell{.text = measured_text(measures[m], value->mean), .sort = value->mean};
        if (value->deviation > 0) cell.spread = "\u00b1\u2009" + measured_text(measures[m], value->deviation);
        if (const auto change = all.change(variant, measures[m]))
          cell.detail = detail::typographic(change_text(measures[m], *change));
        cell.best = cell.text == best[m];
        row.cells.push_back(cell);
      }
      table.rows.push_back(row);
    }
  }
  return table;
}

/// The same for a terminal, in blocks of columns that fit it.
[[nodiscard]] inline std::string variant_text(const comparison& all) {
  std::string out;
  const auto measures = all.measures();
  std::vector<std::vector<std::string>> blocks{{"Dice", "IoU"}, {"Instance IoU", "Detection"}, {"Dice by box", "IoU by box"}};
  for (const auto& contrast : all.contrasts())
    if (contrast != "all")
      blocks.push_back({contrast + ": instance IoU", contrast + ": Dice", contrast + ": IoU", contrast + ": IoU by box"});
  blocks.push_back({"Training", "Inference", "Network"});
  for (const auto& groups : blocks) {
    std::vector<compared_measure> shown;
    for (const auto& measure : measures)
      if (std::find(groups.begin(), groups.end(), measure.group) != groups.end()) shown.push_back(measure);
    if (shown.empty()) continue;
    std::vector<std::vector<std::string>> rows{{"", ""}, {"variant", "runs"}};
    std::string group;
    for (const auto& measure : shown) {
      rows[0].push_back(measure.group == group ? "" : measure.group);
      rows[1].push_back(detail::heading(measure));
      group = measure.group;
    }
    for (const auto& [heading, variants] : variant_groups(all)) {
      if (!heading.empty()) rows.push_back({'\t' + heading});
      for (const auto& variant : variants) {
        if (const auto reason = reason_of(all, variant); !reason.empty()) {
          rows.push_back({variant, "0", "\t" + reason});
          continue;
        }
        std::vector<std::string> values{shown_name(all, variant), std::to_string(all.finished(variant).size())}, changes{"", ""};
        bool changed = false;
        for (const auto& measure : shown) {
          const auto value = all.value(variant, measure);
          const auto change = all.change(variant, measure);
          values.push_back(!value ? "-"
                                  : measured_text(measure, value->mean) +
                                        (value->deviation > 0 ? " \u00b1" + measured_text(measure, value->deviation) : ""));
          changes.push_back(change ? change_text(measure, *change) : "");
          changed |= change.has_value();
        }
        rows.push_back(values);
        if (changed) rows.push_back(changes);
      }
    }
    std::vector<std::size_t> widths(rows[1].size(), 0);
    for (const auto& row : rows)
      for (std::size_t c = 0; c < row.size(); ++c)
        if (!row[c].starts_with('\t')) widths[c] = std::max(widths[c], detail::columns_of(row[c]));
    for (const auto& row : rows) {
      std::string line;
      for (std::size_t c = 0; c < row.size(); ++c) {
        const bool sentence = row[c].starts_with('\t');
        const std::string padding(sentence ? 0 : widths[c] - detail::columns_of(row[c]), ' ');
        line += (c ? "  " : "") + (sentence ? row[c].substr(1) : c == 0 ? row[c] + padding : padding + row[c]);
      }
      line.erase(line.find_last_not_of(' ') + 1);
      out += line + '\n';
    }
    out += '\n';
  }
  return out;
}

}  // namespace axonzoo
