#pragma once

#include <cctype>
#include <map>
#include <string>
#include <vector>

namespace axonzoo::detail {

/// Part of the stem that names a subject, for folders that say nothing else: up to the first of '_', '-' and space.
inline std::string leading_part(const std::string& stem) {
  const auto end = stem.find_first_of("_- ");
  return end == 0 || end == std::string::npos ? stem : stem.substr(0, end);
}

/// MedSAM's slices: "CT_Abd_case12-003" is slice 3 of "CT_Abd_case12".
inline std::string without_slice(const std::string& stem) {
  const auto dash = stem.rfind('-');
  if (dash == std::string::npos || dash == 0 || dash + 1 == stem.size()) return stem;
  for (auto i = dash + 1; i < stem.size(); ++i)
    if (!std::isdigit(static_cast<unsigned char>(stem[i]))) return stem;
  return stem.substr(0, dash);
}

/// Subject of each stem. With `slices`, the stem without its slice number; else its leading part. Where that makes one group of
/// all, or a group of each, it tells nothing, and each stem is its own subject.
inline std::vector<std::string> subjects_of(const std::vector<std::string>& stems, bool slices) {
  for (const auto part : {slices ? without_slice : leading_part, leading_part}) {
    std::vector<std::string> subjects;
    std::map<std::string, int> groups;
    for (const auto& stem : stems) {
      subjects.push_back(part(stem));
      ++groups[subjects.back()];
    }
    if (groups.size() > 1 && groups.size() < stems.size()) return subjects;
  }
  return stems;
}

}  // namespace axonzoo::detail
