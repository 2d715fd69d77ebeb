#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

#include <nlohmann/json.hpp>

#include <axonzoo/core/error.hpp>
#include <axonzoo/report/comparison.hpp>
#include <axonzoo/report/variant_options.hpp>
#include <axonzoo/report/variant_pattern.hpp>

namespace axonzoo {

/// What is compared, on what, for how long.
struct comparison_options {
  std::filesystem::path programs;  ///< folder of the variant programs
  std::string variants = "*/*/*/single";
  std::vector<std::filesystem::path> data;
  std::vector<std::string> test_subjects;  ///< empty: each program's own choice
  double minutes = 0;                      ///< of training a run; 0: the further options say how long
  int repeats = 1;                         ///< seeds 1..repeats
  std::filesystem::path out;
  std::vector<std::string> further;     ///< handed to every program
  std::vector<variant_options> chosen;  ///< handed to some; what is said last holds

  /// Whether all variants train for `minutes`.
  [[nodiscard]] bool equal_minutes() const {
    return minutes > 0 && std::none_of(chosen.begin(), chosen.end(), [](const auto& one) { return has_budget(one.words); });
  }

  /// Throws for numbers out of range and for further options that the comparison sets itself.
  void check() const {
    if (repeats < 1 || repeats > 1000)
      throw error("cannot compare with --repeats " + std::to_string(repeats), "it is not in 1 to 1000",
                  "give a number such as 3");
    if (!(minutes >= 0 && minutes < 1e5))
      throw error("cannot compare with --minutes " + std::to_string(minutes), "it is not a time", "give minutes such as 5");
    bool budget = minutes > 0;
    const auto check_words = [&budget](const std::vector<std::string>& words) {
      for (const auto& word : words)
        for (const char* own : {"--out", "--seed", "--resume", "--data", "--phantom", "--test-subjects"})
          if (option_name(word) == own)
            throw error("cannot hand '" + word + "' to the programs", "the comparison sets it itself",
                        "give it before the --, or leave it out");
      budget |= has_budget(words);
    };
    check_words(further);
    for (const auto& one : chosen) check_words(one.words);
    if (!budget) throw error("cannot compare the variants", "nothing says how long to train", "give --minutes");
  }
};

/// A run that is to be there in the end, and how far it is.
struct planned_run {
  enum class state { finished, unfinished, fresh, other_options, missing };
  compared_run run;
  std::filesystem::path program = {};
  std::vector<std::string> arguments = {};  ///< without --out and --resume
  state how = state::fresh;

  /// The command line after the program's name. A run that was stopped before it saved anything begins anew.
  [[nodiscard]] std::vector<std::string> words() const {
    auto all = arguments;
    all.insert(all.end(), {"--out", run.folder.string()});
    std::error_code failed;
    if (how == state::unfinished && std::filesystem::exists(run.folder / "training_state.safetensors", failed))
      all.push_back("--resume");
    return all;
  }
};

namespace detail {

inline std::filesystem::path command_file(const std::filesystem::path& folder) { return folder / "command.json"; }

inline planned_run::state state_of(const planned_run& planned) {
  const auto& folder = planned.run.folder;
  std::error_code failed;
  if (!std::filesystem::exists(folder, failed) || std::filesystem::is_empty(folder, failed)) return planned_run::state::fresh;
  std::ifstream in(command_file(folder));
  const auto command = nlohmann::json::parse(in, nullptr, false);
  if (!command.is_object() || command.value("arguments", nlohmann::json()) != nlohmann::json(planned.arguments))
    return planned_run::state::other_options;
  if (!std::filesystem::exists(folder / "results.json", failed)) return planned_run::state::unfinished;
  try {
    const auto record = read_record(folder / "results.json");
    const bool own = record["variant"]["name"] == planned.run.variant() && record["seed"] == planned.run.seed;
    return own ? planned_run::state::finished : planned_run::state::other_options;
  } catch (const error&) {  // damaged: run again, which replaces it
    return planned_run::state::unfinished;
  }
}

inline std::string number_word(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.10g", value);
  return text;
}

}  // namespace detail

/// All runs of a comparison, those of one seed together, so that a comparison stopped half-way has every variant. A finished run
/// is one whose results.json was made with the same arguments (`command.json` beside it); its record is read.
[[nodiscard]] inline std::vector<planned_run> plan_comparison(const comparison_options& options) {
  options.check();
  const auto variants = select_variants(find_variant_programs(options.programs), options.variants);
  for (const auto& chosen : options.chosen)
    if (std::none_of(variants.begin(), variants.end(), [&chosen](const auto& variant) { return chosen.fits(variant); }))
      throw error("cannot hand options to '" + chosen.variants + "'", "no compared variant is called so",
                  "see --variants, or leave this --for out");
  std::vector<planned_run> plan;
  for (int seed = 1; seed <= options.repeats; ++seed)
    for (const auto& variant : variants) {
      if (variant.program.empty() && seed > 1) continue;
      planned_run one{.run = {.axes = variant.axes, .seed = static_cast<std::uint64_t>(seed)}};
      one.run.folder = options.out / variant.file_name() / ("seed-" + std::to_string(seed));
      one.program = variant.program;
      if (variant.program.empty()) {
        one.how = planned_run::state::missing;
        one.run.how = compared_run::state::missing;
        one.run.reason = "not built: '" + options.programs.string() + "' has no program '" + variant.file_name() + "'";
        plan.push_back(one);
        continue;
      }
      auto& words = one.arguments;
      for (const auto& folder : options.data) words.insert(words.end(), {"--data", folder.string()});
      if (!options.test_subjects.empty()) {
        std::string subjects;
        for (const auto& subject : options.test_subjects) subjects += (subjects.empty() ? "" : ",") + subject;
        words.insert(words.end(), {"--test-subjects", subjects});
      }
      if (options.minutes > 0) words.insert(words.end(), {"--minutes", detail::number_word(options.minutes)});
      words.insert(words.end(), {"--seed", std::to_string(seed)});
      words.insert(words.end(), options.further.begin(), options.further.end());
      for (const auto& chosen : options.chosen)
        if (chosen.fits(variant)) put_options(words, chosen.words);
      one.how = detail::state_of(one);
      if (one.how == planned_run::state::finished) {
        one.run.how = compared_run::state::finished;
        one.run.record = read_record(one.run.folder / "results.json");
      }
      plan.push_back(one);
    }
  return plan;
}

/// The runs of a plan as the tables show them: by variant, then by seed.
[[nodiscard]] inline comparison comparison_of(const std::vector<planned_run>& plan) {
  std::vector<std::string> order;
  for (const auto& planned : plan)
    if (std::find(order.begin(), order.end(), planned.run.variant()) == order.end()) order.push_back(planned.run.variant());
  std::vector<compared_run> runs;
  for (const auto& variant : order)
    for (const auto& planned : plan)
      if (planned.run.variant() == variant) runs.push_back(planned.run);
  return comparison(std::move(runs));
}

}  // namespace axonzoo
