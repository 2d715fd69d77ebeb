#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/report/variant_pattern.hpp>

namespace axonzoo {

/// Words of a command line that are handed to some of the compared variants.
struct variant_options {
  std::string variants;  ///< globs as in `select_variants`; words left out at the end stand for any: "sam_tiny", "unet/bf16"
  std::vector<std::string> words;  ///< "--weights", "sam.pth"

  /// Whether one of the globs fits. Throws where one cannot be read.
  [[nodiscard]] bool fits(const variant_program& variant) const {
    bool fitting = false;
    for (const auto& group : detail::cut(variants, ','))
      for (const auto& pattern : detail::expand_braces(group)) {
        const auto axes = detail::cut(pattern, '/');
        if (axes.size() > 4 || std::any_of(axes.begin(), axes.end(), [](const auto& word) { return word.empty(); }))
          throw error("cannot read the variants '" + pattern + "' of --for", "it has not one to four words between slashes",
                      "write a model as 'sam_tiny', or model/precision/pruning/parallel");
        bool fits_all = true;
        for (std::size_t axis = 0; axis < axes.size(); ++axis) fits_all &= detail::matches(axes[axis], variant.axes[axis]);
        fitting |= fits_all;
      }
    return fitting;
  }
};

/// What follows -- on the command line of a comparison: words for every program up to the first `--for`, then, after each `--for
/// VARIANTS`, words for those alone. Throws where a --for has no variants or no options.
[[nodiscard]] inline std::pair<std::vector<std::string>, std::vector<variant_options>> read_program_options(
    const std::vector<std::string>& words) {
  std::pair<std::vector<std::string>, std::vector<variant_options>> read;
  auto& [common, chosen] = read;
  const auto complete = [&chosen = chosen] {
    if (!chosen.empty() && chosen.back().words.empty())
      throw error("cannot read '--for " + chosen.back().variants + "'", "no options follow it",
                  "write --for VARIANTS --OPTION VALUE");
  };
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool joined = words[i].starts_with("--for=");
    if (!joined && words[i] != "--for") {
      (chosen.empty() ? common : chosen.back().words).push_back(words[i]);
      continue;
    }
    complete();
    if (!joined && i + 1 == words.size())
      throw error("cannot read '--for'", "no variants follow it", "write --for VARIANTS --OPTION VALUE");
    chosen.push_back({joined ? words[i].substr(6) : words[++i], {}});
  }
  complete();
  return read;
}

/// "--weights" of "--weights" and of "--weights=sam.pth"; empty for a word that is no option.
[[nodiscard]] inline std::string option_name(std::string_view word) {
  return word.starts_with("--") ? std::string(word.substr(0, word.find('='))) : "";
}

/// Whether an option says how long to train.
[[nodiscard]] inline bool is_budget(const std::string& option) {
  return option == "--minutes" || option == "--epochs" || option == "--steps";
}

[[nodiscard]] inline bool has_budget(const std::vector<std::string>& words) {
  return std::any_of(words.begin(), words.end(), [](const auto& word) { return is_budget(option_name(word)); });
}

/// Appends `own` to `words`, in which the same options leave, with their values; a budget replaces every other. `--minutes 0`
/// replaces them by none, which is for models that do not train.
inline void put_options(std::vector<std::string>& words, const std::vector<std::string>& own) {
  const bool budget = has_budget(own);
  const auto replaced = [&](const std::string& option) {
    return (budget && is_budget(option)) ||
           std::any_of(own.begin(), own.end(), [&](const auto& word) { return option_name(word) == option; });
  };
  std::vector<std::string> made;
  bool leaves = false;
  for (const auto& word : words) {
    if (const auto option = option_name(word); !option.empty()) leaves = replaced(option);
    if (!leaves) made.push_back(word);
  }
  for (std::size_t i = 0; i < own.size(); ++i) {
    if (own[i] == "--minutes=0") continue;
    if (own[i] == "--minutes" && i + 1 < own.size() && own[i + 1] == "0")
      ++i;
    else
      made.push_back(own[i]);
  }
  words = std::move(made);
}

}  // namespace axonzoo
