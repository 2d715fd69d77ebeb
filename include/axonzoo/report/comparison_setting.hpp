#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <axonzoo/report/comparison.hpp>
#include <axonzoo/report/comparison_figures.hpp>
#include <axonzoo/report/comparison_tables.hpp>
#include <axonzoo/report/html.hpp>
#include <axonzoo/report/page.hpp>

namespace axonzoo {

/// What a page says beside the runs' own records.
struct comparison_page_facts {
  std::string command = {};  ///< that makes the comparison again
  std::string made = {};     ///< when, as text
  std::string budget = {};   ///< "20 min of training each"
};

namespace detail {

/// "7 variants" for 7 and "variant".
inline std::string counted(std::size_t count, const std::string& what) {
  return std::to_string(count) + ' ' + what + (count == 1 ? "" : "s");
}

inline std::string listed(const nlohmann::json& names) {
  std::string text;
  if (names.is_array())
    for (const auto& name : names)
      if (name.is_string()) text += (text.empty() ? "" : ", ") + name.get<std::string>();
  return text.empty() ? "none" : text;
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
  if (!memory.empty() && memory.find(';') == std::string::npos)
    std::snprintf(text, sizeof text, ", %.0f GiB", std::stod(memory) / (1 << 30));
  return common(all, "/hardware/cpu") + ", " + common(all, "/hardware/cores", "?") + " cores" + text +
         ", GPU: " + common(all, "/hardware/gpu", "none");
}

inline std::size_t most_repeats(const comparison& all) {
  std::size_t most = 0;
  for (const auto& variant : all.variants()) most = std::max(most, all.finished(variant).size());
  return most;
}

inline std::string repeats_sentence(const comparison& all) {
  const auto most = most_repeats(all);
  return most < 2 ? "One run of each variant: no spread is known, and small differences mean nothing."
                  : "Mean over up to " + std::to_string(most) +
                        " runs with different seeds \u00b1 their sample standard deviation (n \u2212 1).";
}

}  // namespace detail

/// The sections on data, split, hardware, versions, the command, and every run. At least one run must have finished.
inline void add_setting(page& out, const comparison& all, const comparison_page_facts& facts) {
  const auto pairs = [&out](const std::vector<std::pair<std::string, std::string>>& items) {
    std::string text;
    for (const auto& [name, value] : items) text += "<dt>" + html(name) + "</dt><dd>" + html(value) + "</dd>";
    out.raw("<dl class=\"pairs\">" + text + "</dl>");
  };
  out.section("data", "Data and split");
  const auto runs = detail::finished_runs(all);
  std::set<std::string> splits;
  for (const auto* run : runs) splits.insert(run->record["data"]["split"].dump());
  const auto& data = runs.front()->record["data"];
  out.paragraph("Subjects never stand on two sides of a split." +
                std::string(splits.size() > 1
                                ? " The validation subjects differ between seeds; shown is the split of the first run."
                                : ""));
  std::vector<std::pair<std::string, std::string>> items{
      {"Folders", detail::listed(data.value("folders", nlohmann::json()))},
      {"Classes", detail::listed(data.value("classes", nlohmann::json()))},
      {"Pixel size", detail::common(all, "/data/pixel_size") + " \u00b5m after resampling"}};
  for (const std::string side : {"train", "validation", "test"}) {
    const auto images = data["split"].value(side, nlohmann::json::array());
    const auto subjects =
        data.contains("subjects") ? data["subjects"].value(side, nlohmann::json::array()) : nlohmann::json::array();
    items.emplace_back(side, detail::counted(images.size(), "image") + " of " + detail::counted(subjects.size(), "subject") +
                                 ": " + detail::listed(subjects));
  }
  pairs(items);

  out.section("setting", "Hardware, versions, command");
  const auto option = [&all](const std::string& name) { return detail::common(all, "/options/" + name, "?"); };
  pairs(
      {{"Hardware", detail::hardware(all)},
       {"Training", "batch " + option("batch") + ", patch " + option("patch") + " px, " + option("optimizer") + ", " +
                        option("schedule") + " schedule, loader threads: " + option("workers") + ", device " + option("device")},
       {"Ranks", detail::common(all, "/ranks", "1")},
       {"axonzoo", detail::common(all, "/versions/axonzoo")},
       {"LibTorch", detail::common(all, "/versions/torch")},
       {"Compiler", detail::common(all, "/versions/compiler")},
       {"Made", facts.made}});
  out.paragraph("The same comparison again, or the rest of it where it stopped:");
  out.preformatted(facts.command);

  page_table table{.columns = {{"", "run", "", true},
                               {"", "seed", "", false},
                               {"", "state", "", true},
                               {"", "mean Dice", "", false},
                               {"", "steps", "", false},
                               {"", "training (s)", "", false},
                               {"", "total (s)", "", false}},
                   .rows = {},
                   .caption = "Every run, as it ended."};
  for (const auto& run : all.runs()) {
    page_table::row row{.cells = {{.text = run.shown()}}};
    if (run.how == compared_run::state::missing) {
      row.reason = run.reason;
    } else {
      row.cells.push_back({.text = std::to_string(run.seed), .sort = static_cast<double>(run.seed)});
      row.cells.push_back({.text = run.how == compared_run::state::finished ? "finished"
                                   : run.how == compared_run::state::failed ? "failed"
                                                                            : "not run yet",
                           .failed = run.how == compared_run::state::failed});
      row.reason = run.reason;
      if (run.how == compared_run::state::finished) {
        const auto add = [&row](std::optional<double> value, int digits) {
          row.cells.push_back(value ? page_cell{.text = measured_text({.digits = digits}, *value), .sort = *value}
                                    : page_cell{.text = "\u2013"});
        };
        add(mean_dice(run.record["test"]["mean"]), 3);
        for (const auto* pointer : {"/steps", "/seconds/train", "/seconds/total"})
          add(comparison::number(run.record, pointer), 0);
      }
    }
    table.rows.push_back(row);
  }
  out.table(table);
}

}  // namespace axonzoo
