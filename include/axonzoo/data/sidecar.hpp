#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <axonzoo/core/error.hpp>
#include <axonzoo/data/listing.hpp>
#include <axonzoo/io/tiff_pixel_size.hpp>

namespace axonzoo {

/// Pixel size in um from a BIDS sidecar: PixelSize (a number, or a list of 2 or 3: x, y, z) in PixelSizeUnits (um where it
/// says nothing, mm or nm). Nothing where the file has no PixelSize. Throws axonzoo::error on broken JSON, on a size
/// that is not positive, on unknown units and on pixels that are not square within 1 %.
inline std::optional<double> read_pixel_size(const std::filesystem::path& sidecar) {
  const auto doing = "cannot read the pixel size in " + detail::quoted(sidecar);
  const auto refuse = [&](const std::string& wrong) {
    return error(doing, wrong, "write \"PixelSize\": [x, y] and \"PixelSizeUnits\": \"um\"");
  };
  std::ifstream file(sidecar, std::ios::binary);
  if (!file) throw error(doing, "the file cannot be opened", "check that you may read it");
  const auto text = nlohmann::json::parse(file, nullptr, false);
  if (text.is_discarded() || !text.is_object()) throw refuse("it is not a JSON object");
  if (!text.contains("PixelSize") || text["PixelSize"].is_null()) return std::nullopt;
  const auto& value = text["PixelSize"];
  const auto number = [&](const nlohmann::json& one) {
    if (!one.is_number() || !(one.get<double>() > 0) || !std::isfinite(one.get<double>()))
      throw refuse("PixelSize is not a positive number");
    return one.get<double>();
  };
  double x = 0, y = 0;
  if (!value.is_array()) {
    x = y = number(value);
  } else {
    if (value.size() != 2 && value.size() != 3) throw refuse("PixelSize has " + std::to_string(value.size()) + " numbers");
    x = number(value[0]);
    y = number(value[1]);
  }
  if (std::abs(x - y) > 0.01 * std::max(x, y)) throw refuse("the pixels are not square");
  std::string unit = "um";
  if (text.contains("PixelSizeUnits")) unit = text["PixelSizeUnits"].is_string() ? text["PixelSizeUnits"].get<std::string>() : "";
  const std::map<std::string, double> units{{"um", 1}, {"\u00b5m", 1}, {"\u03bcm", 1}, {"nm", 1e-3}, {"mm", 1e3}};
  const auto known = units.find(unit);
  if (known == units.end()) throw refuse("PixelSizeUnits is '" + unit + "', not um, nm or mm");
  return (x + y) / 2 * known->second;
}

/// Finds the pixel size of images below a data set's root by BIDS inheritance: a sidecar holds for an image with the same
/// suffix and all of the sidecar's entities, in the sidecar's folder and below; the nearest folder wins, then the more
/// specific name. AxonDeepSeg's pixel_size_in_micrometer.txt counts too, after the sidecars of its folder; last, what the image says itself
/// (`tiff_pixel_size`).
class sidecars {
 public:
  explicit sidecars(std::filesystem::path root) : root_(std::move(root)) {}

  /// um, or 0 where nothing says it. `path` is one below the root, written with the root in front.
  double pixel_size(const std::filesystem::path& path) {
    const auto parts = name_parts(detail::stem_of(path));
    double size = 0;
    auto folder = root_;
    look_into(folder, parts, size);
    for (const auto& step : path.parent_path().lexically_relative(root_)) {
      if (step == "." || step.empty()) continue;
      folder /= step;
      look_into(folder, parts, size);
    }
    return size > 0 ? size : tiff_pixel_size(path);
  }

 private:
  struct sidecar {
    std::vector<std::string> parts;
    std::filesystem::path path;
    std::optional<std::optional<double>> size;  // read once, when first needed
  };
  struct level {
    std::vector<sidecar> files;  // fewer entities first
    double plain = 0;            // pixel_size_in_micrometer.txt
  };

  /// Entities in any order, then the suffix.
  static std::vector<std::string> name_parts(const std::string& stem) {
    std::vector<std::string> parts;
    std::istringstream text(stem);
    for (std::string part; std::getline(text, part, '_');) parts.push_back(part);
    return parts;
  }

  static bool holds_for(const std::vector<std::string>& sidecar, const std::vector<std::string>& parts) {
    if (sidecar.empty() || parts.empty() || sidecar.back() != parts.back()) return false;
    return std::all_of(sidecar.begin(), sidecar.end(), [&](const std::string& part) {
      return std::find(parts.begin(), parts.end(), part) != parts.end();
    });
  }

  static double read_plain(const std::filesystem::path& path) {
    std::ifstream file(path);
    double size = 0;
    if (!(file >> size) || !(size > 0) || !std::isfinite(size))
      throw error("cannot read the pixel size in " + detail::quoted(path), "it holds no positive number",
                  "write the um of a pixel's side into it");
    return size;
  }

  level& level_of(const std::filesystem::path& folder) {
    const auto known = levels_.find(folder);
    if (known != levels_.end()) return known->second;
    level made;
    for (const auto& file : detail::list_folder(folder).files) {
      if (detail::lower_case(file.extension().string()) == ".json")
        made.files.push_back({name_parts(detail::stem_of(file)), file, std::nullopt});
      if (file.filename() == "pixel_size_in_micrometer.txt") made.plain = read_plain(file);
    }
    std::stable_sort(made.files.begin(), made.files.end(),
                     [](const auto& a, const auto& b) { return a.parts.size() < b.parts.size(); });
    return levels_.emplace(folder, std::move(made)).first->second;
  }

  void look_into(const std::filesystem::path& folder, const std::vector<std::string>& parts, double& size) {
    auto& here = level_of(folder);
    if (here.plain > 0) size = here.plain;
    for (auto& file : here.files) {
      if (!holds_for(file.parts, parts)) continue;
      if (!file.size) file.size = read_pixel_size(file.path);
      if (*file.size) size = **file.size;
    }
  }

  std::filesystem::path root_;
  std::map<std::filesystem::path, level> levels_;
};

/// Pixel size (um) of an image given by itself: the nearest folder above it with a dataset_description.json is the root of
/// inheritance, else its own folder. 0 where neither a sidecar nor the image says it.
inline double known_pixel_size(const std::filesystem::path& path) {
  const auto own = path.parent_path().empty() ? std::filesystem::path(".") : path.parent_path();
  std::error_code failed;
  const auto whole = std::filesystem::canonical(own, failed);
  if (failed) return 0;
  auto root = whole;
  for (auto folder = whole; folder.has_relative_path(); folder = folder.parent_path())
    if (std::filesystem::exists(folder / "dataset_description.json", failed)) {
      root = folder;
      break;
    }
  return sidecars(root).pixel_size(whole / path.filename());
}

}  // namespace axonzoo
