#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/io/image.hpp>
#include <axonzoo/metrics/mask_folder.hpp>

namespace axonzoo {

/// The classes (0 background, 1 myelin, 2 axon) of an image's masks, read some rows at a time: TIFF only, of any layout, one file
/// of both classes or one of each. Safe to call from many threads.
class mask_rows {
 public:
  /// Whether masks can be read so.
  [[nodiscard]] static bool can_read(const image_masks& masks) {
    for (const auto* path : {&masks.axonmyelin, &masks.axon, &masks.myelin})
      if (!path->empty() && format_of(*path) != image_format::tiff) return false;
    return masks.one_class.empty();
  }

  /// Throws `error` for masks of different sizes and for files that cannot be read.
  explicit mask_rows(const image_masks& masks) {
    for (const auto& [path, role] :
         {std::pair(&masks.axonmyelin, kind::both), std::pair(&masks.myelin, kind::myelin), std::pair(&masks.axon, kind::axon)}) {
      if (path->empty()) continue;
      files_.push_back({*path, role, tiff_rows(*path).size(), 1, false});
      auto& file = files_.back();
      if (file.size.height != files_[0].size.height || file.size.width != files_[0].size.width)
        throw error("cannot join masks '" + files_[0].path.string() + "' and '" + path->string() + "'", "they differ in size",
                    "give two masks of the same image");
      tell_levels(file);
    }
  }

  [[nodiscard]] std::size_t height() const { return files_.at(0).size.height; }
  [[nodiscard]] std::size_t width() const { return files_.at(0).size.width; }

  /// Rows [top, top + count), [count, W].
  [[nodiscard]] label_image read(std::size_t top, std::size_t count) const {
    label_image labels = label_image::from_shape({count, width()});
    labels.fill(0);
    for (const auto& file : files_) {
      const auto levels = read_levels(file, top, count);
      const auto strange = file.numbers ? add_numbers(file, levels, labels) : add_levels(file, levels, labels);
      if (strange > labels.size() / 2)
        throw error("cannot use '" + file.path.string() + "' as a mask", "its grey levels mean no classes",
                    "store 0 and 255, or 0, 127 (myelin) and 255 (axon)");
    }
    return labels;
  }

 private:
  enum class kind { both, myelin, axon };
  struct source {
    std::filesystem::path path;
    kind role;
    image_size size;
    float scale;
    bool numbers;  ///< stores 0, 1, 2
  };

  // What does not change from pixel to pixel stands outside of the loops, which the compiler then makes vectors of.
  static std::size_t add_numbers(const source& file, const image& levels, label_image& labels) {
    const auto* const from = levels.data();
    auto* const to = labels.data();
    const std::size_t channels = file.size.channels, pixels = labels.size();
    const std::uint8_t alone = file.role == kind::axon ? 2 : 1;
    if (file.role == kind::both)
      for (std::size_t i = 0; i < pixels; ++i) to[i] = static_cast<std::uint8_t>((from[i * channels] == 1) + 2 * (from[i * channels] == 2));
    else
      for (std::size_t i = 0; i < pixels; ++i) to[i] = from[i * channels] > 0 ? alone : to[i];
    return 0;
  }

  /// Returns how many levels lie far from those of classes.
  static std::size_t add_levels(const source& file, const image& levels, label_image& labels) {
    const auto* const from = levels.data();
    auto* const to = labels.data();
    const std::size_t channels = file.size.channels, pixels = labels.size();
    const std::uint8_t alone = file.role == kind::axon ? 2 : 1;
    const float scale = file.scale;
    std::size_t strange = 0;
    constexpr std::size_t block = 4096;  // so that counts in 32 bits do
    for (std::size_t first = 0; first < pixels; first += block) {
      const std::size_t end = std::min(pixels, first + block);
      std::uint32_t odd = 0;
      for (std::size_t i = first; i < end; ++i) {
        const float level = from[i * channels] * scale;
        odd += static_cast<std::uint32_t>(((level >= 32) & (level < 96)) | ((level >= 160) & (level < 224)));
      }
      strange += odd;
      if (file.role == kind::both)
        for (std::size_t i = first; i < end; ++i) to[i] = static_cast<std::uint8_t>((from[i * channels] * scale > 63) + (from[i * channels] * scale > 191));
      else
        for (std::size_t i = first; i < end; ++i) to[i] = from[i * channels] * scale > 127 ? alone : to[i];
    }
    return strange;
  }

  /// Each call opens the file: libtiff's handles are not for two threads, and an open one costs a directory, not pixels.
  static image read_levels(const source& file, std::size_t top, std::size_t count) {
    return tiff_rows(file.path).read(top, count);
  }

  static void tell_levels(source& file) {
    constexpr std::size_t band = 512;
    float largest = 0;
    tiff_rows rows(file.path);
    for (std::size_t top = 0; top < file.size.height && largest <= 2; top += band) {
      const auto levels = rows.read(top, std::min(band, file.size.height - top));
      largest = std::max(largest, *std::max_element(levels.begin(), levels.end()));
    }
    file.numbers = largest <= 2;
    file.scale = file.size.bits == 16 && !file.numbers ? 1.f / 257 : 1.f;
  }

  std::vector<source> files_;
};

}  // namespace axonzoo
