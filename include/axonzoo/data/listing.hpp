#pragma once

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <axonzoo/core/error.hpp>

namespace axonzoo::detail {

/// What lies directly in a folder, sorted by name, without hidden files and the litter of file browsers. Links are followed;
/// those that lead nowhere (or in a circle) stand in `broken`.
struct listing {
  std::vector<std::filesystem::path> files, folders, broken;
};

/// 'name' for error sentences.
inline std::string quoted(const std::filesystem::path& path) { return "'" + path.string() + "'"; }

inline std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// File name without its extension, and without the ".ome" of OME-TIFF.
inline std::string stem_of(const std::filesystem::path& path) {
  auto stem = path.stem().string();
  if (stem.size() > 4 && lower_case(stem.substr(stem.size() - 4)) == ".ome") stem.resize(stem.size() - 4);
  return stem;
}

/// The folder's own name, also for "data/", "." and "..".
inline std::string folder_name(const std::filesystem::path& folder) {
  std::error_code failed;
  const auto whole = std::filesystem::weakly_canonical(folder, failed);
  auto name = (failed ? folder : whole).filename().string();
  return name.empty() ? "data" : name;
}

/// Throws axonzoo::error when the folder cannot be read.
inline listing list_folder(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  std::error_code failed;
  fs::directory_iterator entry(folder, failed);
  listing found;
  for (; !failed && entry != fs::directory_iterator(); entry.increment(failed)) {
    const auto name = entry->path().filename().string();
    const auto plain = lower_case(name);
    if (name.front() == '.' || plain == "thumbs.db" || plain == "desktop.ini" || plain == "__macosx") continue;
    std::error_code lost;
    const auto status = fs::status(entry->path(), lost);
    if (fs::is_regular_file(status)) found.files.push_back(entry->path());
    else if (fs::is_directory(status)) found.folders.push_back(entry->path());
    else if (lost || !fs::exists(status)) found.broken.push_back(entry->path());
  }
  if (failed)
    throw error("cannot read folder " + quoted(folder), lower_case(failed.message()),
                "check that it is a folder and that you may read it");
  for (auto* list : {&found.files, &found.folders, &found.broken})
    std::sort(list->begin(), list->end(), [](const auto& a, const auto& b) { return a.native() < b.native(); });
  return found;
}

/// The folder of that list whose name, in any case, is the first found of `names`.
inline std::optional<std::filesystem::path> find_folder(const std::vector<std::filesystem::path>& folders,
                                                        const std::vector<std::string>& names) {
  for (const auto& name : names)
    for (const auto& folder : folders)
      if (lower_case(folder.filename().string()) == name) return folder;
  return std::nullopt;
}

}  // namespace axonzoo::detail
