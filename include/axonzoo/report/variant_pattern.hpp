#pragma once

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <vector>

#include <axonzoo/core/error.hpp>

namespace axonzoo {

/// A variant by its four words, and the program that trains it.
struct variant_program {
  std::array<std::string, 4> axes;  ///< model, precision, pruning, parallel
  std::filesystem::path program;    ///< empty: there is none

  [[nodiscard]] std::string name() const { return axes[0] + '/' + axes[1] + '/' + axes[2] + '/' + axes[3]; }
  [[nodiscard]] std::string file_name() const { return axes[0] + '-' + axes[1] + '-' + axes[2] + '-' + axes[3]; }
};

namespace detail {

inline std::vector<std::string> cut(std::string_view text, char at) {
  std::vector<std::string> parts(1);
  int depth = 0;
  for (const char c : text) {
    depth += (c == '{') - (c == '}');
    if (c == at && depth <= 0)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

/// "a{b,c}" becomes "ab" and "ac".
inline std::vector<std::string> expand_braces(const std::string& text) {
  const auto open = text.find('{'), close = text.find('}', open == std::string::npos ? 0 : open);
  if (open == std::string::npos && close == std::string::npos) return {text};
  if (open == std::string::npos || close == std::string::npos || text.find('{', open + 1) < close)
    throw error("cannot read the variants '" + text + "'", "its braces do not pair", "write {fp32,bf16}, without braces inside");
  std::vector<std::string> all;
  for (const auto& choice : cut(text.substr(open + 1, close - open - 1), ','))
    for (auto& rest : expand_braces(text.substr(close + 1))) all.push_back(text.substr(0, open) + choice + rest);
  return all;
}

inline bool matches(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') return matches(pattern.substr(1), text) || (!text.empty() && matches(pattern, text.substr(1)));
  return !text.empty() && (pattern[0] == '?' || pattern[0] == text[0]) && matches(pattern.substr(1), text.substr(1));
}

}  // namespace detail

/// The variant programs of a folder: its executable files named model-precision-pruning-parallel, by name.
[[nodiscard]] inline std::vector<variant_program> find_variant_programs(const std::filesystem::path& folder) {
  std::error_code failed;
  std::vector<variant_program> found;
  for (auto at = std::filesystem::directory_iterator(folder, failed); !failed && at != std::filesystem::directory_iterator();
       at.increment(failed)) {
    const auto words = detail::cut(at->path().filename().string(), '-');
    std::error_code ignored;
    const auto status = at->status(ignored);
    const bool runs = std::filesystem::is_regular_file(status) &&
                      (status.permissions() & std::filesystem::perms::owner_exec) != std::filesystem::perms::none;
    if (words.size() != 4 || !runs || words[0] == "axonzoo" || at->path().has_extension()) continue;
    found.push_back({{words[0], words[1], words[2], words[3]}, at->path()});
  }
  if (failed) throw error("cannot look for programs in '" + folder.string() + "'", failed.message(), "give --programs DIR");
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.axes < b.axes; });
  return found;
}

/// The variants that `patterns` name: globs as "unet/*/{none,magnitude}/single", separated by commas. A word with * or ? stands
/// for every such word among `programs`, a plain word for itself, so that a combination that was not built is named too (its
/// `program` is empty). Models come in the order of the patterns, within one the reference fp32/none/single first. Throws where a
/// pattern cannot be read or nothing is found.
[[nodiscard]] inline std::vector<variant_program> select_variants(const std::vector<variant_program>& programs,
                                                                  const std::string& patterns) {
  std::vector<variant_program> chosen;
  for (const auto& group : detail::cut(patterns, ','))
    for (const auto& pattern : detail::expand_braces(group)) {
      const auto words = detail::cut(pattern, '/');
      if (words.size() != 4 || std::any_of(words.begin(), words.end(), [](const auto& word) { return word.empty(); }))
        throw error("cannot read the variants '" + pattern + "'", "it has not four words between slashes",
                    "write model/precision/pruning/parallel, for example 'unet/*/none/single'");
      std::array<std::set<std::string>, 4> values;
      for (std::size_t axis = 0; axis < 4; ++axis) {
        if (words[axis].find_first_of("*?") == std::string::npos) values[axis].insert(words[axis]);
        for (const auto& one : programs)
          if (detail::matches(words[axis], one.axes[axis])) values[axis].insert(one.axes[axis]);
      }
      for (const auto& model : values[0])
        for (const auto& precision : values[1])
          for (const auto& pruning : values[2])
            for (const auto& parallel : values[3]) {
              variant_program one{{model, precision, pruning, parallel}, {}};
              const auto same = [&one](const variant_program& other) { return other.axes == one.axes; };
              if (std::any_of(chosen.begin(), chosen.end(), same)) continue;
              if (const auto built = std::find_if(programs.begin(), programs.end(), same); built != programs.end()) one = *built;
              chosen.push_back(one);
            }
    }
  if (std::none_of(chosen.begin(), chosen.end(), [](const auto& one) { return !one.program.empty(); }))
    throw error("cannot compare '" + patterns + "'", "no program of these variants is there",
                "build some, or give --programs DIR");
  std::vector<std::string> models;
  for (const auto& one : chosen)
    if (std::find(models.begin(), models.end(), one.axes[0]) == models.end()) models.push_back(one.axes[0]);
  const auto rank = [&models](const variant_program& one) {
    return std::tuple(std::find(models.begin(), models.end(), one.axes[0]), one.axes[2] != "none", one.axes[2],
                      one.axes[3] != "single", one.axes[3], one.axes[1] != "fp32", one.axes[1]);
  };
  std::sort(chosen.begin(), chosen.end(), [&rank](const auto& a, const auto& b) { return rank(a) < rank(b); });
  return chosen;
}

}  // namespace axonzoo
