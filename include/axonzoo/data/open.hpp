#pragma once

#include <cstddef>
#include <filesystem>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/data/bids.hpp>
#include <axonzoo/data/dataset.hpp>
#include <axonzoo/data/listing.hpp>
#include <axonzoo/data/npy_folders.hpp>
#include <axonzoo/data/paired_folders.hpp>
#include <axonzoo/data/picture.hpp>

namespace axonzoo {

namespace detail {

inline bool looks_like_data(const std::filesystem::path& folder) {
  return looks_like_bids(folder) || looks_like_npy_folders(folder) || looks_like_paired_folders(folder);
}

/// The sentence for a folder of no known layout, with what it seems to be.
inline error unknown_layout(const std::filesystem::path& folder) {
  const auto doing = "cannot open data set " + quoted(folder);
  const auto found = list_folder(folder);
  const std::string mend = "see docs/data.md for the layouts that are read";
  if (found.files.empty() && found.folders.empty()) return error(doing, "the folder is empty", mend);
  for (const auto& below : found.folders) {
    bool data = false;
    try {
      data = looks_like_data(below);
    } catch (const error&) {  // only a hint: a folder beside the data may be closed to us
    }
    if (data) return error(doing, "it holds data sets rather than being one", "give " + quoted(below) + " and the like");
  }
  if (const auto images = find_folder(found.folders, {"images", "imgs", "image", "img"})) {
    if (find_folder_pair(folder)) return error(doing, quoted(*images) + " holds no images", "put the images there");
    return error(doing, "it has " + quoted(*images) + " but no folder of masks", "put the masks into " + quoted(folder / "masks"));
  }
  for (const auto& file : found.files)
    if (is_picture(file)) return error(doing, "it has images but no folder of masks", "put images into images/ and their masks into masks/");
  return error(doing, "it is neither a BIDS data set nor images/ with masks/ nor imgs/ with gts/", mend);
}

inline std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

/// A mask of another size is found now rather than in the middle of a training.
inline void check_mask_sizes(const dataset& data) {
  for (const auto& one : data.micrographs) {
    const auto size = read_picture_size(one.path);
    for (const auto& mask : one.masks) check_mask_size(one.path, size, mask.path, read_picture_size(mask.path));
  }
}

}  // namespace detail

/// Opens data sets of any layout, told by what lies in the folders: BIDS microscopy, images/ with masks/, MedSAM's imgs/ with
/// gts/ of NumPy arrays. Several become one; their classes must agree. Names are made unique by the folder's name in
/// front. Nothing is decoded but masks whose classes must be told; sizes are checked from the headers. Throws axonzoo::error.
inline dataset open_dataset(const std::vector<std::filesystem::path>& folders) {
  if (folders.empty()) throw error("cannot open a data set", "no folder is given", "give --data DIR");
  dataset all;
  std::set<std::filesystem::path> opened;
  std::vector<std::string> origin;
  for (const auto& given : folders) {
    std::error_code failed;
    if (!std::filesystem::exists(given, failed))
      throw error("cannot open data set " + detail::quoted(given), "there is no such folder", "check the path");
    if (!std::filesystem::is_directory(given, failed))
      throw error("cannot open data set " + detail::quoted(given), "it is a file", "give the folder of a data set");
    const auto folder = (given / "").parent_path();  // without a slash at the end
    if (!opened.insert(std::filesystem::canonical(folder, failed)).second)
      throw error("cannot open data set " + detail::quoted(given), "it is given twice", "give each folder once");
    dataset one;
    if (looks_like_bids(folder)) one = open_bids(folder);
    else if (looks_like_npy_folders(folder)) one = open_npy_folders(folder);
    else if (looks_like_paired_folders(folder)) one = open_paired_folders(folder);
    else throw detail::unknown_layout(folder);
    detail::check_mask_sizes(one);
    if (!all.classes.empty() && one.classes != all.classes)
      throw error("cannot join data sets " + detail::quoted(folders.front()) + " and " + detail::quoted(given),
                  "their classes differ (" + detail::joined(all.classes) + " against " + detail::joined(one.classes) + ")",
                  "train on data sets with the same classes");
    all.classes = one.classes;
    for (auto& entry : one.micrographs) {
      all.micrographs.push_back(std::move(entry));
      origin.push_back(detail::folder_name(folder));
    }
  }
  std::set<std::string> names;
  for (std::size_t i = 0; i < all.micrographs.size(); ++i) {
    auto& name = all.micrographs[i].name;
    if (names.insert(name).second) continue;
    const auto longer = origin[i] + "_" + name;
    auto unique = longer;
    for (int copy = 2; !names.insert(unique).second; ++copy) unique = longer + "_" + std::to_string(copy);
    name = unique;
  }
  return all;
}

}  // namespace axonzoo
