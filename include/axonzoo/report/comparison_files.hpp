#pragma once

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <axonzoo/io/replace_file.hpp>
#include <axonzoo/io/table.hpp>
#include <axonzoo/report/comparison.hpp>

namespace axonzoo {

[[nodiscard]] inline std::string name_of(compared_run::state how) {
  switch (how) {
    case compared_run::state::finished:
      return "finished";
    case compared_run::state::failed:
      return "failed";
    case compared_run::state::missing:
      return "missing";
    default:
      return "waiting";
  }
}

/// results.csv: one row a run, with the origin of its prompts ("oracle"; empty: it takes none) and every measure in the record's
/// unit (seconds, bytes, numbers); an empty cell where there is none.
inline void write_comparison_csv(const std::filesystem::path& path, const comparison& all) {
  const auto measures = all.measures();
  std::vector<std::string> columns{"variant", "model", "precision", "pruning", "parallel", "seed", "state", "reason", "prompts"};
  for (const auto& measure : measures) columns.push_back(measure.key);
  table rows(columns);
  for (const auto& run : all.runs()) {
    std::vector<table::cell> row{run.shown(),      run.axes[0], run.axes[1],
                                 run.axes[2],      run.axes[3], static_cast<std::int64_t>(run.seed),
                                 name_of(run.how), run.reason,  run.prompts()};
    for (const auto& measure : measures) {
      const auto value =
          run.how == compared_run::state::finished ? comparison::number(run.record, measure.pointer) : std::nullopt;
      row.push_back(value ? table::cell(*value) : table::cell(std::string()));
    }
    rows.add(row);
  }
  write_csv(path, rows);
}

/// results.json: {"schema": 1, "command", "runs": [{"variant", "seed", "state", "reason", "folder", "record"}], "summary":
/// {variant: {measure: {"mean", "deviation" (absent for one run), "runs", "change" (absent for the reference)}}}}.
inline void write_comparison_json(const std::filesystem::path& path, const comparison& all, const std::string& command) {
  nlohmann::json out{
      {"schema", 1}, {"command", command}, {"runs", nlohmann::json::array()}, {"summary", nlohmann::json::object()}};
  for (const auto& run : all.runs()) {
    nlohmann::json one{
        {"variant", run.variant()}, {"seed", run.seed}, {"state", name_of(run.how)}, {"folder", run.folder.string()}};
    if (!run.reason.empty()) one["reason"] = run.reason;
    if (run.how == compared_run::state::finished) one["record"] = run.record;
    out["runs"].push_back(one);
  }
  for (const auto& variant : all.variants())
    for (const auto& measure : all.measures()) {
      const auto value = all.value(variant, measure);
      if (!value) continue;
      auto& one = out["summary"][variant][measure.key];
      one = {{"mean", value->mean}, {"runs", value->runs}};
      if (std::isfinite(value->deviation)) one["deviation"] = value->deviation;
      if (const auto change = all.change(variant, measure)) one["change"] = *change;
    }
  replace_file(path, out.dump(1) + '\n');
}

}  // namespace axonzoo
