#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/data/listing.hpp>
#include <axonzoo/data/sidecar.hpp>
#include <axonzoo/data/stem_subjects.hpp>
#include <axonzoo/io/tiff_pixel_size.hpp>
#include <axonzoo/metrics/mask_folder.hpp>

namespace axonzoo {

/// A mask to measure: its image's name, its subject, its files and the pixel size that a sidecar says (um, 0 for none).
struct listed_mask {
  std::string name, subject;
  image_masks files;
  double pixel_size = 0;
};

/// Masks that are given as files and folders, in the order given. A file named `<stem>_seg-axon` brings `<stem>_seg-myelin` along
/// (in either order, with "-manual" behind or not); any other file holds both classes. Folders are read as `find_masks` reads
/// them. The subject is the BIDS entity `sub`, or what file names share.
std::vector<listed_mask> list_masks(const std::vector<std::filesystem::path>& given);

namespace detail {

/// Of a folder of masks, <root>/derivatives/<any>/<rest>, that of their images, <root>/<rest>; empty where there is none.
inline std::filesystem::path raw_folder(const std::filesystem::path& folder) {
  std::filesystem::path below;
  for (auto at = folder; at.has_relative_path(); at = at.parent_path()) {
    if (at.parent_path().filename() == "derivatives") {
      std::error_code failed;
      const auto raw = at.parent_path().parent_path() / below;
      return std::filesystem::is_directory(raw, failed) ? raw : std::filesystem::path();
    }
    below = below.empty() ? at.filename() : at.filename() / below;
  }
  return {};
}

}  // namespace detail

/// The pixel size (um) of a mask's image, from a sidecar beside the mask or, of a mask in a data set's derivatives, beside the
/// image, else from the mask itself; 0 where nothing says it.
inline double mask_pixel_size(const std::filesystem::path& mask, const std::string& image) {
  namespace fs = std::filesystem;
  std::error_code failed;
  const auto folder = fs::canonical(mask.has_parent_path() ? mask.parent_path() : fs::path("."), failed);
  if (failed) return 0;
  if (const double beside = known_pixel_size(folder / (image + ".png")); beside > 0) return beside;
  const auto raw = detail::raw_folder(folder);
  const double inherited = raw.empty() ? 0 : known_pixel_size(raw / (image + ".png"));
  return inherited > 0 ? inherited : tiff_pixel_size(mask);
}

/// The micrograph that a mask belongs to, as a file `<image>.<png, tif, ...>` in one of `folders`, beside the mask or, of a mask in a data
/// set's derivatives, in the data set; empty where there is none.
inline std::filesystem::path micrograph_of(const std::filesystem::path& mask, const std::string& image,
                                           const std::vector<std::filesystem::path>& folders = {}) {
  namespace fs = std::filesystem;
  std::error_code failed;
  auto places = folders;
  const auto folder = fs::canonical(mask.has_parent_path() ? mask.parent_path() : fs::path("."), failed);
  if (!failed) places.push_back(folder);
  if (const auto raw = detail::raw_folder(folder); !raw.empty()) places.push_back(raw);
  for (const auto& place : places) {
    for (const char* extension : {".png", ".tif", ".tiff", ".ome.tif", ".jpg", ".jpeg", ".PNG", ".TIF", ".JPG", ".npy"}) {
      const auto path = place / (image + extension);
      if (fs::is_regular_file(path, failed) && !fs::equivalent(path, mask, failed)) return path;
    }
  }
  return {};
}

namespace detail {

/// The mask of the other class beside `path`, or nothing.
inline std::filesystem::path other_class(const std::filesystem::path& path, const std::string& from, const std::string& to) {
  auto name = path.filename().string();
  const auto at = name.rfind("-" + from);
  if (at == std::string::npos) return {};
  name.replace(at, from.size() + 1, "-" + to);
  std::error_code failed;
  return std::filesystem::exists(path.parent_path() / name, failed) ? path.parent_path() / name : std::filesystem::path();
}

inline listed_mask mask_of_file(const std::filesystem::path& path) {
  const auto name = parse_mask_name(path);
  listed_mask one{name.stem, {}, {}, 0};
  if (name.classes == "axon" || name.classes == "myelin") {
    const bool axon = name.classes == "axon";
    const auto other = axon ? other_class(path, "axon", "myelin") : other_class(path, "myelin", "axon");
    if (other.empty()) {
      throw error("cannot measure " + quoted(path),
                  "there is no mask of " + std::string(axon ? "myelin" : "axons") + " beside it",
                  axon ? "give --axon and --myelin, or --unmyelinated for axons alone" : "give --axon and --myelin");
    }
    one.files.axon = axon ? path : other;
    one.files.myelin = axon ? other : path;
  } else {
    one.files.axonmyelin = path;
  }
  return one;
}

}  // namespace detail

inline std::vector<listed_mask> list_masks(const std::vector<std::filesystem::path>& given) {
  std::vector<listed_mask> listed;
  for (const auto& path : given) {
    std::error_code failed;
    if (std::filesystem::is_directory(path, failed)) {
      for (auto& [name, files] : find_masks(path).images) listed.push_back({name, {}, files, 0});
    } else {
      listed.push_back(detail::mask_of_file(path));
    }
  }
  std::vector<std::string> names;
  for (const auto& one : listed) names.push_back(one.name);
  const auto subjects = detail::subjects_of(names, false);
  for (std::size_t i = 0; i < listed.size(); ++i) {
    auto& one = listed[i];
    one.subject = one.name.starts_with("sub-") ? one.name.substr(0, one.name.find('_')) : subjects[i];
  }
  return listed;
}

}  // namespace axonzoo
