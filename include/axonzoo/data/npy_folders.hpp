#pragma once

#include <filesystem>

#include <axonzoo/core/error.hpp>
#include <axonzoo/data/dataset.hpp>
#include <axonzoo/data/listing.hpp>
#include <axonzoo/data/paired_folders.hpp>
#include <axonzoo/data/picture.hpp>

namespace axonzoo {

/// Whether the folder has imgs/ and gts/ with NumPy arrays in the first.
inline bool looks_like_npy_folders(const std::filesystem::path& root) {
  const auto pair = detail::find_folder_pair(root);
  if (!pair) return false;
  for (const auto& file : detail::list_folder(pair->images).files)
    if (detail::is_npy(file)) return true;
  return false;
}

/// MedSAM's preprocessed folders: imgs/NAME.npy, [H, W, 3] or [H, W] of any number type, and gts/NAME.npy, [H, W] with classes
/// or instances as whole numbers, read as in `open_paired_folders`. Subjects are the names without the slice number.
/// Throws axonzoo::error.
inline dataset open_npy_folders(const std::filesystem::path& root) {
  const auto pair = detail::find_folder_pair(root);
  if (!pair) throw error("cannot open data set " + detail::quoted(root), "it has no imgs/ with gts/", "see docs/data.md");
  return detail::open_folder_pair(root, *pair, true);
}

}  // namespace axonzoo
