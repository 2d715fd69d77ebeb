#pragma once

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/interrupt.hpp>
#include <axonzoo/core/progress.hpp>
#include <axonzoo/io/replace_file.hpp>
#include <axonzoo/report/child_process.hpp>
#include <axonzoo/report/comparison_plan.hpp>

namespace axonzoo {

namespace detail {

/// The last line of a log after `begin` that says anything, without a leading "name: ".
inline std::string last_sentence(const std::filesystem::path& log, std::streamoff begin, const std::string& program) {
  std::ifstream in(log);
  in.seekg(begin);
  std::string line, last;
  while (std::getline(in, line))
    if (line.find_first_not_of(" \t\r") != std::string::npos)
      last = line.substr(line.rfind('\r', line.size() - 2) == std::string::npos ? 0 : line.rfind('\r') + 1);
  for (const std::string& prefix : {program + ": ", std::string("axonzoo: "), std::string("error: ")})
    if (last.starts_with(prefix)) last.erase(0, prefix.size());
  return last.size() > 500 ? last.substr(0, 500) + "..." : last;
}

/// What a folder held is kept beside it, once.
inline void move_aside(const std::filesystem::path& folder) {
  const std::filesystem::path kept = folder.string() + ".earlier";
  std::error_code failed;
  std::filesystem::remove_all(kept, failed);
  std::filesystem::rename(folder, kept, failed);
  if (failed)
    throw error("cannot move the earlier run '" + folder.string() + "' aside", failed.message(),
                "remove it, or give another --out");
}

}  // namespace detail

/// Runs what a plan still lacks, one program at a time, and puts records and reasons into the plan. A run that stopped half-way
/// goes on (`--resume`); one made with other options is kept as `seed-k.earlier` and made anew; a failed run does not stop the
/// others. `after` is called after each. Returns false when Ctrl-C ended it: the running program has then been asked to save, and
/// given a minute.
inline bool run_comparison(std::vector<planned_run>& plan, double expected_seconds, const std::function<void()>& after) {
  using clock = std::chrono::steady_clock;
  const auto seconds_since = [](clock::time_point begin) { return std::chrono::duration<double>(clock::now() - begin).count(); };
  const auto waiting = static_cast<double>(std::count_if(plan.begin(), plan.end(), [](const planned_run& one) {
    return one.how != planned_run::state::finished && one.how != planned_run::state::missing;
  }));
  if (waiting == 0) return true;
  progress shown("comparing", waiting, std::cerr, std::chrono::minutes(1));
  double done = 0, spent = 0;
  for (auto& planned : plan) {
    if (planned.how == planned_run::state::finished || planned.how == planned_run::state::missing) continue;
    if (interrupted()) return false;
    auto& run = planned.run;
    const auto log = run.folder / "log.txt";
    const std::string note = run.variant() + " seed " + std::to_string(run.seed);
    const auto begin = clock::now();
    try {
      if (planned.how == planned_run::state::other_options) detail::move_aside(run.folder);
      std::error_code failed;
      std::filesystem::create_directories(run.folder, failed);
      if (failed) throw error("cannot make the folder '" + run.folder.string() + "'", failed.message(), "give another --out");
      replace_file(
          detail::command_file(run.folder),
          nlohmann::json{{"program", planned.program.filename().string()}, {"arguments", planned.arguments}}.dump(1) + '\n');
      const auto words = planned.words();
      const auto log_begin =
          std::filesystem::exists(log, failed) ? static_cast<std::streamoff>(std::filesystem::file_size(log, failed)) : 0;

      child_process child(planned.program, words, log);
      while (child.running()) {
        if (interrupted()) {
          shown.at(done, "stopping " + note);
          child.stop(SIGINT, std::chrono::minutes(1));
          planned.how = planned_run::state::unfinished;
          return false;
        }
        const double expected = done > 0 ? spent / done : expected_seconds;
        shown.at(done + (expected > 0 ? std::min(0.97, seconds_since(begin) / expected) : 0), note);
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
      }
      if (const auto outcome = child.outcome(); !outcome.empty()) {
        const auto said = detail::last_sentence(log, log_begin, planned.program.filename().string());
        run.how = compared_run::state::failed;
        run.reason = said.empty() ? outcome + "; see '" + log.string() + "'" : said + " (" + outcome + ')';
        planned.how = planned_run::state::unfinished;
      } else {
        run.record = read_record(run.folder / "results.json");
        run.how = compared_run::state::finished;
        planned.how = planned_run::state::finished;
      }
    } catch (const error& failure) {
      run.how = compared_run::state::failed;
      run.reason = failure.what();
    }
    ++done;
    spent += seconds_since(begin);
    shown.at(done, run.how == compared_run::state::failed ? note + " failed: " + run.reason : note + " finished");
    after();
  }
  return true;
}

}  // namespace axonzoo
