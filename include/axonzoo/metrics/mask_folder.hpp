#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/data/listing.hpp>
#include <axonzoo/data/mask_levels.hpp>
#include <axonzoo/data/picture.hpp>

namespace axonzoo {

/// The mask files of one image; which exist depends on who wrote them.
struct image_masks {
  std::filesystem::path axonmyelin;  ///< 0 background, 127 myelin, 255 axon
  std::filesystem::path axon, myelin;
  std::filesystem::path one_class;  ///< binary, of a class that no name tells
};

/// One of them, for sentences.
const std::filesystem::path& first_file(const image_masks& masks);

/// The masks of a folder by the stem of the image they belong to.
struct mask_folder {
  std::filesystem::path path;
  std::map<std::string, image_masks> images;
  std::vector<std::string> classes;  ///< of "myelin" and "axon" those that each image has; empty for binary masks of one class
};

/// Finds the masks in a folder and the folders in it: `<stem>_seg-axonmyelin`, `<stem>_seg-axon` and `<stem>_seg-myelin`, also
/// with
/// `-manual` behind and without `seg`, as AxonDeepSeg, BIDS derivatives and axonzoo-segment name them; where no file is named so,
/// each picture is the mask of its stem, less a trailing "mask", "label", "manual", "seg", "gt" or "pred". Of a BIDS data set the
/// derivatives are taken (the micrographs are no masks), of paired folders the masks. Unmyelinated axons (`uaxon`) are passed
/// over. Whether masks without a class in their names hold axon and myelin or one class, their grey levels tell.
///
/// Throws `error` on a folder without masks, where two files claim to be the same mask, and where images differ in their classes.
mask_folder find_masks(const std::filesystem::path& folder);

namespace detail {

struct mask_name {
  std::string stem;                    ///< of the image
  std::optional<std::string> classes;  ///< "axonmyelin", "axon", "myelin" or "uaxon" where the name says so
};

/// Cuts `word` off the end of `stem` with the '_' or '-' before it; whether it stood there, in any case of letters.
inline bool cut_word(std::string& stem, std::string_view word) {
  if (stem.size() < word.size() + 2 || lower_case(stem.substr(stem.size() - word.size())) != word) return false;
  const char before = stem[stem.size() - word.size() - 1];
  if (before != '_' && before != '-') return false;
  stem.resize(stem.size() - word.size() - 1);
  return true;
}

inline mask_name parse_mask_name(const std::filesystem::path& path) {
  mask_name name{stem_of(path), std::nullopt};
  std::string stem = name.stem;
  cut_word(stem, "manual");
  for (const char* classes : {"axonmyelin", "uaxon", "axon", "myelin"}) {
    if (!cut_word(stem, classes)) continue;
    cut_word(stem, "seg");
    return {stem, classes};
  }
  for (bool cut = true; cut;) {
    cut = false;
    for (const char* word : {"manual", "mask", "masks", "label", "labels", "seg", "gt", "pred"}) cut |= cut_word(name.stem, word);
  }
  return name;
}

inline void list_pictures_below(const std::filesystem::path& folder, std::vector<std::filesystem::path>& pictures) {
  for (auto& picture : list_pictures(folder)) pictures.push_back(std::move(picture));
  for (const auto& below : list_folder(folder).folders) list_pictures_below(below, pictures);
}

/// Where in a data set the masks lie.
inline std::filesystem::path folder_of_masks(const std::filesystem::path& folder) {
  const auto folders = list_folder(folder).folders;
  if (const auto derivatives = find_folder(folders, {"derivatives"})) {
    const auto labels = find_folder(list_folder(*derivatives).folders, {"labels"});
    return labels ? *labels : *derivatives;
  }
  const bool has_images = find_folder(folders, {"images", "imgs", "image", "img"}).has_value();
  const auto masks = find_folder(folders, {"masks", "gts", "labels", "mask", "gt", "label"});
  return has_images && masks ? *masks : folder;
}

/// Whether masks that no name tells apart hold axon and myelin. One of them with a middle level tells it for all; if a few dozen
/// have none, there is none.
inline bool hold_axon_and_myelin(const std::vector<std::filesystem::path>& masks) {
  for (std::size_t i = 0; i < masks.size() && i < 32; ++i) {
    const auto content = tell_mask(masks[i]);
    if (content.how == mask_content::kind::three_levels) return true;
    if (content.how == mask_content::kind::numbers && content.largest == 2) return true;
  }
  return false;
}

/// The classes of each image of a folder with names for them.
inline std::vector<std::string> named_classes(const mask_folder& folder) {
  std::vector<std::string> classes;
  for (const auto& [name, masks] : folder.images) {
    std::vector<std::string> here;
    for (const auto& [word, path] : {std::pair("myelin", &masks.myelin), std::pair("axon", &masks.axon)}) {
      if (!path->empty() || !masks.axonmyelin.empty()) here.push_back(word);
    }
    if (classes.empty()) classes = here;
    if (classes == here) continue;
    throw error("cannot use the masks in " + quoted(folder.path),
                "'" + name + "' and '" + folder.images.begin()->first + "' have masks of different classes",
                "add the missing masks, or give a folder with the masks of one class");
  }
  return classes;
}

}  // namespace detail

inline const std::filesystem::path& first_file(const image_masks& masks) {
  for (const auto* path : {&masks.axonmyelin, &masks.axon, &masks.myelin}) {
    if (!path->empty()) return *path;
  }
  return masks.one_class;
}

inline mask_folder find_masks(const std::filesystem::path& folder) {
  const std::string doing = "cannot find masks in " + detail::quoted(folder);
  std::vector<std::filesystem::path> pictures;
  detail::list_pictures_below(detail::folder_of_masks(folder), pictures);
  if (pictures.empty()) throw error(doing, "it holds no image", "give the folder in which the masks lie");

  bool named = false;
  for (const auto& picture : pictures) named |= detail::parse_mask_name(picture).classes.has_value();
  const bool whole = named || detail::hold_axon_and_myelin(pictures);
  mask_folder found{folder, {}, {}};
  for (const auto& picture : pictures) {
    const auto name = detail::parse_mask_name(picture);
    // Beside masks that are named for their classes lie overlays and the micrographs themselves.
    if (named != name.classes.has_value() || name.classes == "uaxon") continue;
    auto& masks = found.images[name.stem];
    auto& place = name.classes == "axon"     ? masks.axon
                  : name.classes == "myelin" ? masks.myelin
                  : whole                    ? masks.axonmyelin
                                             : masks.one_class;
    if (!place.empty()) {
      throw error(doing, detail::quoted(place) + " and " + detail::quoted(picture) + " are masks of the same image",
                  "keep one of them");
    }
    place = picture;
  }
  if (found.images.empty()) throw error(doing, "it holds masks of unmyelinated axons alone", "add masks of axon and myelin");
  if (whole) found.classes = detail::named_classes(found);
  return found;
}

}  // namespace axonzoo
