#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <axonzoo/core/error.hpp>
#include <axonzoo/io/replace_file.hpp>

#ifndef AXONZOO_VERSION
#define AXONZOO_VERSION "0.1.0"
#endif

namespace axonzoo {

/// Where the masks of an image go in a BIDS derivative below `out`: `derivatives/labels/sub-X/[ses-Y/]micr`, by the entities of the
/// image's name. Throws `error` for a name without a subject.
inline std::filesystem::path bids_folder(const std::filesystem::path& out, const std::string& stem) {
  const auto entity = [&stem](const std::string& key) {
    const auto at = stem.starts_with(key) ? 0 : stem.find("_" + key);
    if (at == std::string::npos) return std::string();
    const auto begin = stem[at] == '_' ? at + 1 : at;
    return stem.substr(begin, stem.find('_', begin) - begin);
  };
  const auto subject = entity("sub-"), session = entity("ses-");
  if (!stem.starts_with("sub-") || subject.size() == 4 || subject == stem)
    throw error("cannot write masks of '" + stem + "' as a BIDS derivative", "its name does not begin with a subject", "name it sub-X_sample-Y_SEM, or leave --layout out");
  auto folder = out / "derivatives" / "labels" / subject;
  if (!session.empty()) folder /= session;
  return folder / "micr";
}

/// What tells readers where masks come from: a sidecar beside each, and the derivative's own description where there is none yet. `model`: names of
/// the checkpoints' files; `image`: the micrograph, `pixel_size` um (0: not known).
inline void describe_bids_masks(const std::filesystem::path& out, const std::vector<std::filesystem::path>& masks, const std::filesystem::path& image, double pixel_size,
                                const std::vector<std::string>& models) {
  const auto labels = out / "derivatives" / "labels";
  if (!std::filesystem::exists(labels / "dataset_description.json")) {
    const nlohmann::ordered_json about = {{"Name", "Segmentations of axons and myelin"},
                                          {"BIDSVersion", "1.8.0"},
                                          {"DatasetType", "derivative"},
                                          {"GeneratedBy", {{{"Name", "axonzoo"}, {"Version", AXONZOO_VERSION}}}}};
    replace_file(labels / "dataset_description.json", about.dump(2) + "\n");
  }
  for (const auto& mask : masks) {
    auto name = mask.filename().stem().string();
    nlohmann::ordered_json sidecar = {{"Sources", {image.filename().string()}}, {"SpatialReference", "orig"}, {"Manual", false}, {"GeneratedBy", {{{"Name", "axonzoo"}, {"Version", AXONZOO_VERSION}, {"Models", models}}}}};
    if (name.ends_with("_seg-axonmyelin")) sidecar["LabelMap"] = {{"background", 0}, {"myelin", 127}, {"axon", 255}};
    else sidecar["LabelMap"] = {{"background", 0}, {name.substr(name.rfind("_seg-") + 5), 255}};
    if (pixel_size > 0) {
      sidecar["PixelSize"] = {pixel_size, pixel_size};
      sidecar["PixelSizeUnits"] = "um";
    }
    replace_file(mask.parent_path() / (name + ".json"), sidecar.dump(2) + "\n");
  }
}

}  // namespace axonzoo
