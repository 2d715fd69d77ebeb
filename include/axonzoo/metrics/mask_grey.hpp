#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/data/listing.hpp>
#include <axonzoo/data/picture.hpp>

namespace axonzoo {

/// The first channel of a mask file as levels of 0..255, [H, W], and how it uses them.
struct mask_grey {
  label_image levels;
  bool numbers = false;  ///< stores 0, 1, 2 for background, myelin, axon; or 0, 1
};

/// Reads a mask of any kind of file, 8 or 16 bit, grey or colour. Throws `error`, besides for a file that cannot be read, where
/// its grey levels mean nothing: it is taken for a mask when nine of ten pixels lie near 0, 127 or 255, or all are 0, 1 or 2.
mask_grey read_mask_grey(const std::filesystem::path& path);

inline mask_grey read_mask_grey(const std::filesystem::path& path) {
  const std::string doing = "cannot use " + detail::quoted(path) + " as a mask";
  const image stored = detail::read_picture(path);
  const std::size_t channels = stored.shape(2);
  if (stored.size() == 0) throw error(doing, "it has no pixels", "write it again");
  float largest = 0;
  for (std::size_t i = 0; i < stored.size(); i += channels) {
    const float level = stored.data()[i];
    if (!(level >= 0 && level <= 65535)) throw error(doing, "it has pixels that are no grey levels", "store 0, 127 and 255");
    largest = std::max(largest, level);
  }

  mask_grey mask{label_image::from_shape({stored.shape(0), stored.shape(1)}), largest <= 2};
  const float scale = largest > 255 ? 1.f / 257 : 1.f;
  std::array<std::size_t, 256> count{};
  for (std::size_t i = 0; i < mask.levels.size(); ++i) {
    const auto level = static_cast<std::uint8_t>(stored.data()[i * channels] * scale + 0.5f);
    mask.levels.data()[i] = level;
    ++count[level];
  }
  if (mask.numbers) return mask;
  std::size_t near_a_class = 0, different = 0;
  for (std::size_t level = 0; level < 256; ++level) {
    if (level < 32 || (level >= 96 && level < 160) || level >= 224) near_a_class += count[level];
    different += count[level] > 0;
  }
  if (largest < 96 || static_cast<double>(near_a_class) < 0.9 * static_cast<double>(mask.levels.size())) {
    throw error(
        doing,
        "its " + std::to_string(different) + " grey levels up to " + std::to_string(std::lround(largest)) + " mean no classes",
        "store 0 and 255, or 0, 127 (myelin) and 255 (axon)");
  }
  return mask;
}

}  // namespace axonzoo
