#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/data/listing.hpp>
#include <axonzoo/io/open_file.hpp>

namespace axonzoo {

/// The group of each subject, from a table with a line of names, separated by tabs (BIDS' participants.tsv) or commas: subjects
/// in the column `participant_id` or `subject`, groups in `group`, else in the second column. Throws `error` where there is no
/// such column.
[[nodiscard]] inline std::map<std::string, std::string> read_subject_groups(const std::filesystem::path& path) {
  const std::string doing = "cannot read groups from " + detail::quoted(path);
  std::istringstream text(read_file(path, doing));
  const auto split = [](std::string line) {
    std::replace(line.begin(), line.end(), ',', '\t');
    std::erase_if(line, [](char c) { return c == '\r' || c == '"'; });
    std::vector<std::string> cells;
    std::istringstream rest(line);
    for (std::string cell; std::getline(rest, cell, '\t');) cells.push_back(cell);
    return cells;
  };
  std::string line;
  std::getline(text, line);
  const auto names = split(line);
  const auto find = [&](std::initializer_list<const char*> any) {
    for (const char* name : any)
      for (std::size_t i = 0; i < names.size(); ++i)
        if (detail::lower_case(names[i]) == name) return i;
    return names.size();
  };
  const std::size_t subject = find({"participant_id", "subject"});
  std::size_t group = find({"group"});
  if (group == names.size() && names.size() == 2 && subject == 0) group = 1;
  if (subject == names.size() || group == names.size())
    throw error(doing, "its first line names no columns 'participant_id' and 'group'", "name them so");
  std::map<std::string, std::string> groups;
  while (std::getline(text, line)) {
    const auto cells = split(line);
    if (cells.size() > std::max(subject, group)) groups[cells[subject]] = cells[group];
  }
  return groups;
}

}  // namespace axonzoo
