#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/data/class_names.hpp>
#include <axonzoo/data/dataset.hpp>
#include <axonzoo/data/listing.hpp>
#include <axonzoo/data/mask_levels.hpp>
#include <axonzoo/data/picture.hpp>
#include <axonzoo/data/sidecar.hpp>
#include <axonzoo/data/stem_subjects.hpp>

namespace axonzoo {

namespace detail {

/// The folder of images and the folder of masks, by the names in use.
struct folder_pair {
  std::filesystem::path images, masks;
};

inline std::optional<folder_pair> find_folder_pair(const std::filesystem::path& root) {
  const auto folders = list_folder(root).folders;
  const auto images = find_folder(folders, {"images", "imgs", "image", "img"});
  const auto masks = find_folder(folders, {"masks", "gts", "labels", "mask", "gt", "label"});
  if (!images || !masks) return std::nullopt;
  return folder_pair{*images, *masks};
}

/// Pictures of a folder by stem. Throws when two share one.
inline std::map<std::string, std::filesystem::path> pictures_by_stem(const std::filesystem::path& folder) {
  std::map<std::string, std::filesystem::path> found;
  for (const auto& path : list_pictures(folder))
    if (const auto [other, fresh] = found.emplace(stem_of(path), path); !fresh)
      throw error("cannot use " + quoted(path), "it has the same name as " + quoted(other->second), "rename one of the two");
  return found;
}

/// The classes of a folder and how its masks give them.
struct told_classes {
  std::vector<std::string> names;
  mask_file::kind how;
  std::uint8_t label;  ///< as in mask_file
};

inline told_classes tell_classes(const std::filesystem::path& root, const std::vector<std::string>& stems,
                                 const std::vector<std::filesystem::path>& masks) {
  using kind = mask_content::kind;
  auto names = read_class_names(root);
  const auto content = tell_masks(masks);
  bool class_numbers = content.how == kind::numbers && (names.empty() ? content.largest == 2 : names.size() > 2);
  if (class_numbers) {
    const auto largest = static_cast<std::size_t>(largest_number(masks));
    if (names.empty()) class_numbers = largest == 2;
    else if (largest >= names.size())
      throw error("cannot use " + quoted(root / "classes.txt"),
                  "it names " + std::to_string(names.size() - 1) + " classes and the masks have numbers up to " + std::to_string(largest),
                  "name every class");
  }
  const std::size_t classes = class_numbers && !names.empty() ? names.size() : class_numbers || content.how == kind::three_levels ? 3 : 2;
  if (!names.empty() && names.size() != classes)
    throw error("cannot use " + quoted(root / "classes.txt"),
                "it names " + std::to_string(names.size() - 1) + " classes and the masks have " + std::to_string(classes - 1),
                "name as many as the masks have");
  if (names.empty() && classes == 3) names = {"background", "myelin", "axon"};
  if (names.empty()) names = {"background", one_class_name(root, stems)};
  if (content.how == kind::three_levels) return {std::move(names), mask_file::kind::axonmyelin, 0};
  if (content.how == kind::numbers) return {std::move(names), mask_file::kind::index, static_cast<std::uint8_t>(class_numbers ? 0 : 1)};
  return {std::move(names), mask_file::kind::binary, 1};
}

/// What paired folders of images and MedSAM's folders of arrays have in common.
inline dataset open_folder_pair(const std::filesystem::path& root, const folder_pair& pair, bool slices) {
  const auto images = pictures_by_stem(pair.images), masks = pictures_by_stem(pair.masks);
  const auto doing = "cannot open data set " + quoted(root);
  if (images.empty()) throw error(doing, quoted(pair.images) + " holds no images", "put the images there");
  std::vector<std::string> stems;
  std::vector<std::filesystem::path> used;
  for (const auto& [stem, path] : images) {
    stems.push_back(stem);
    if (const auto mask = masks.find(stem); mask != masks.end()) used.push_back(mask->second);
  }
  if (used.empty())
    throw error(doing, masks.empty() ? quoted(pair.masks) + " holds no masks" : "no mask has the name of an image",
                "put the mask of '" + images.begin()->second.filename().string() + "' into " + quoted(pair.masks) + " as '" +
                    stems.front() + "' with any extension");
  const auto classes = tell_classes(root, stems, used);
  const auto subjects = subjects_of(stems, slices);
  sidecars sizes(root);
  dataset data{{}, classes.names};
  for (std::size_t i = 0; i < stems.size(); ++i) {
    const auto& path = images.at(stems[i]);
    data.micrographs.push_back({stems[i], subjects[i], folder_name(root), path, {}, sizes.pixel_size(path)});
    if (const auto mask = masks.find(stems[i]); mask != masks.end())
      data.micrographs.back().masks = {{mask->second, classes.how, classes.label}};
  }
  return data;
}

}  // namespace detail

/// Whether the folder has images/ and masks/ with image files in the first.
inline bool looks_like_paired_folders(const std::filesystem::path& root) {
  const auto pair = detail::find_folder_pair(root);
  if (!pair) return false;
  for (const auto& file : detail::list_folder(pair->images).files)
    if (is_image(file)) return true;
  return false;
}

/// Images in images/ and a mask of the same stem in masks/, extensions as they come. Two grey levels (or 0 and 1) are one
/// class, three are background, myelin, axon; numbers up to 2 likewise; larger numbers are instances of one class;
/// classes.txt overrides. Subjects come from the stems (see `detail::subjects_of`); the contrast is the folder's name.
/// Images without a mask are kept without. Throws axonzoo::error.
inline dataset open_paired_folders(const std::filesystem::path& root) {
  const auto pair = detail::find_folder_pair(root);
  if (!pair) throw error("cannot open data set " + detail::quoted(root), "it has no images/ with masks/", "see docs/data.md");
  return detail::open_folder_pair(root, *pair, false);
}

}  // namespace axonzoo
