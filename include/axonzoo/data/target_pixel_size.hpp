#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include <axonzoo/core/error.hpp>

namespace axonzoo {

/// What images are resampled to before a network sees them: um, one number for all or one by contrast, since an axon of 1 um has 8 px in
/// a scanning and 100 in a transmission electron micrograph. 0 leaves images as they are.
class target_pixel_size {
 public:
  target_pixel_size(double um = 0) : by_contrast_{{any, um}} {}  // NOLINT(google-explicit-constructor): one number is the usual case

  /// {"SEM", 0.13}, {"TEM", 0.01}; one entry stands for images of any contrast.
  explicit target_pixel_size(std::map<std::string, double> by_contrast) : by_contrast_(std::move(by_contrast)) {
    if (by_contrast_.size() == 1) by_contrast_ = {{any, by_contrast_.begin()->second}};
  }

  /// "0.13" or "SEM=0.13,TEM=0.01". Throws `error`.
  static target_pixel_size parse(const std::string& text) {
    std::map<std::string, double> sizes;
    for (std::size_t begin = 0; begin <= text.size();) {
      const std::size_t end = std::min(text.find(',', begin), text.size());
      const std::string part = text.substr(begin, end - begin);
      const std::size_t equals = part.find('=');
      const std::string number = equals == std::string::npos ? part : part.substr(equals + 1);
      char* rest = nullptr;
      const double um = std::strtod(number.c_str(), &rest);
      const std::string contrast = equals == std::string::npos ? any : part.substr(0, equals);
      if (number.empty() || *rest != '\0' || equals == 0 || !sizes.emplace(contrast, um).second || (sizes.size() > 1 && sizes.contains(any))) {
        throw error("cannot resample to '" + text + "'", "it is neither a length in um nor one for each contrast", "give --pixel-size 0.1 or --pixel-size SEM=0.13,TEM=0.01");
      }
      begin = end + 1;
    }
    target_pixel_size made(std::move(sizes));
    made.check();
    return made;
  }

  /// Throws `error` where a number is out of its range.
  void check() const {
    for (const auto& [contrast, um] : by_contrast_) {
      if (by_contrast_.size() > 1 ? !(um > 0 && um < 1000) : !(um >= 0 && um < 1000)) {
        throw error("cannot resample to " + std::to_string(um) + " um", "it is not a length in um", "give --pixel-size as 0.1 or SEM=0.13,TEM=0.01");
      }
    }
  }

  /// um of images of that contrast. Throws `error` where only others are known.
  [[nodiscard]] double of(const std::string& contrast) const {
    auto found = by_contrast_.find(any);
    if (found == by_contrast_.end()) found = by_contrast_.find(contrast);
    if (found != by_contrast_.end()) return found->second;
    std::string known;
    for (const auto& [name, um] : by_contrast_) known += (known.empty() ? "" : ", ") + name;
    throw error("cannot resample an image of " + (contrast.empty() ? "unknown contrast" : "contrast '" + contrast + "'"),
                "pixel sizes are known for " + known, "say which of these it is");
  }

  /// Whether images keep their size.
  [[nodiscard]] bool none() const { return by_contrast_.size() == 1 && by_contrast_.begin()->second == 0; }

  /// A number, or an object by contrast.
  friend void to_json(nlohmann::json& json, const target_pixel_size& sizes) {
    if (sizes.by_contrast_.size() == 1) json = sizes.by_contrast_.begin()->second;
    else json = sizes.by_contrast_;
  }
  friend void from_json(const nlohmann::json& json, target_pixel_size& sizes) {
    sizes = json.is_object() ? target_pixel_size(json.get<std::map<std::string, double>>()) : target_pixel_size(json.get<double>());
    if (sizes.by_contrast_.empty()) sizes = {};
    sizes.check();
  }

 private:
  static constexpr const char* any = "";
  std::map<std::string, double> by_contrast_;
};

}  // namespace axonzoo
