#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/data/dataset.hpp>
#include <axonzoo/data/listing.hpp>
#include <axonzoo/data/picture.hpp>
#include <axonzoo/data/sidecar.hpp>

namespace axonzoo {

namespace detail {

/// Images in sub-*/micr and sub-*/ses-*/micr.
inline std::vector<std::filesystem::path> bids_images(const std::filesystem::path& root) {
  std::vector<std::filesystem::path> images;
  const auto take = [&](const listing& folder) {
    if (const auto micr = find_folder(folder.folders, {"micr"}))
      for (auto& image : list_pictures(*micr)) images.push_back(std::move(image));
  };
  for (const auto& subject : list_folder(root).folders) {
    if (!subject.filename().string().starts_with("sub-")) continue;
    const auto below = list_folder(subject);
    take(below);
    for (const auto& session : below.folders)
      if (session.filename().string().starts_with("ses-")) take(list_folder(session));
  }
  return images;
}

/// Manual masks by image stem and label, "axon" and so on, from derivatives/labels, else from any of derivatives/.
inline std::map<std::string, std::map<std::string, std::filesystem::path>> bids_masks(const std::filesystem::path& root) {
  std::map<std::string, std::map<std::string, std::filesystem::path>> masks;
  const auto derivatives = find_folder(list_folder(root).folders, {"derivatives"});
  if (!derivatives) return masks;
  auto pipelines = list_folder(*derivatives).folders;
  if (const auto labels = find_folder(pipelines, {"labels"})) pipelines = {*labels};
  for (const auto& pipeline : pipelines)
    for (const auto& path : bids_images(pipeline)) {
      const auto stem = stem_of(path);
      const auto seg = stem.rfind("_seg-");
      if (seg == std::string::npos || !stem.ends_with("-manual")) continue;  // a segmentation by a program is no truth
      const auto label = stem.substr(seg + 5, stem.size() - seg - 5 - 7);
      masks[stem.substr(0, seg)].emplace(label, path);
    }
  return masks;
}

}  // namespace detail

/// Whether the folder has BIDS subjects: folders named sub-*.
inline bool looks_like_bids(const std::filesystem::path& root) {
  for (const auto& folder : detail::list_folder(root).folders)
    if (folder.filename().string().starts_with("sub-")) return true;
  return false;
}

/// A BIDS microscopy data set: images sub-X/[ses-Y/]micr/sub-X_..._SEM.png, masks <stem>_seg-<label>-manual.png under
/// derivatives/labels, pixel sizes from the sidecars by inheritance. The contrast is the suffix (SEM, TEM, BF, CARS, ...).
/// Masks: axonmyelin, else axon with myelin (axon wins where both), else one other label alone; uaxon is passed over. Images
/// without masks are kept without. Throws axonzoo::error when no image has a mask or one of axon and myelin is missing.
inline dataset open_bids(const std::filesystem::path& root) {
  const auto doing = "cannot open BIDS data set " + detail::quoted(root);
  const auto masks = detail::bids_masks(root);
  sidecars sizes(root);
  dataset data;
  std::set<std::string> labels;
  bool sheaths = false;
  for (const auto& path : detail::bids_images(root)) {
    const auto stem = detail::stem_of(path);
    const auto suffix = stem.substr(stem.rfind('_') + 1);
    if (suffix == "photo") continue;  // BIDS keeps photographs of the tissue beside the micrographs
    if (suffix.find('-') != std::string::npos || suffix == stem)
      throw error("cannot use image " + detail::quoted(path), "its name does not end in a contrast such as _SEM",
                  "name it sub-X_sample-Y_SEM");
    auto subject = path.lexically_relative(root).begin()->string().substr(4);
    data.micrographs.push_back({stem, std::move(subject), suffix, path, {}, sizes.pixel_size(path)});
    const auto own = masks.find(stem);
    if (own == masks.end()) continue;
    for (const auto& [label, ignored] : own->second)
      if (label != "uaxon") labels.insert(label);
    sheaths |= own->second.count("axonmyelin") || (own->second.count("axon") && own->second.count("myelin"));
  }
  if (data.micrographs.empty())
    throw error(doing, "no sub-*/micr folder holds an image", "see docs/data.md for the layout");
  if (labels.empty())
    throw error(doing, "none of its " + std::to_string(data.micrographs.size()) + " images has a manual mask",
                "put <image>_seg-axonmyelin-manual.png under derivatives/labels/sub-X/micr");
  if (!sheaths && labels.size() > 1)
    throw error(doing, "it has masks of '" + *labels.begin() + "' and '" + *labels.rbegin() + "' that are no axon with its myelin",
                "give each image masks of axon and myelin, or keep one label");
  data.classes = sheaths ? std::vector<std::string>{"background", "myelin", "axon"}
                         : std::vector<std::string>{"background", *labels.begin()};
  for (auto& one : data.micrographs) {
    const auto own = masks.find(one.name);
    if (own == masks.end()) continue;
    const auto find = [&](const std::string& label) { return own->second.find(label); };
    const auto none = own->second.end();
    if (!sheaths) {
      if (const auto found = find(*labels.begin()); found != none) one.masks = {{found->second, mask_file::kind::binary, 1}};
    } else if (const auto both = find("axonmyelin"); both != none) {
      one.masks = {{both->second, mask_file::kind::axonmyelin, 0}};
    } else {
      const auto axon = find("axon"), myelin = find("myelin");
      if ((axon == none) != (myelin == none))
        throw error(doing, "image '" + one.name + "' has a mask of " + (axon == none ? "myelin but none of axon" : "axon but none of myelin"),
                    "add it, or take the image out");
      if (axon != none) one.masks = {{myelin->second, mask_file::kind::binary, 1}, {axon->second, mask_file::kind::binary, 2}};
    }
  }
  return data;
}

}  // namespace axonzoo
