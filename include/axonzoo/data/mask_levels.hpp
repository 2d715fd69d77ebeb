#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/data/listing.hpp>
#include <axonzoo/data/picture.hpp>

namespace axonzoo::detail {

/// How a mask stores its classes: grey levels far apart (0, 127, 255), or whole numbers (0, 1, 2, ...).
struct mask_content {
  enum class kind { empty, two_levels, three_levels, numbers };
  kind how = kind::empty;
  int largest = 0;  ///< number, or level brought to 0..255
};

/// Of a mask's levels in its first channel, how many pixels have each; levels above 65535 count as that.
inline std::vector<std::size_t> count_levels(const image& mask, const std::filesystem::path& path) {
  std::vector<std::size_t> count(65536);
  const std::size_t channels = mask.shape(2);
  const float* const level = mask.data();
  for (std::size_t i = 0; i < mask.size(); i += channels) {
    if (!(level[i] >= 0) || level[i] != std::floor(level[i]))
      throw error("cannot read mask " + quoted(path), "its values are not whole numbers from 0 on",
                  "store classes or instances as whole numbers");
    ++count[static_cast<std::size_t>(std::min(level[i], 65535.f))];
  }
  return count;
}

/// Blocks of 2 x 2 pixels between dark and bright: the width that a class has and a blurred edge has not.
inline std::size_t middle_blocks(const image& mask, float scale) {
  const std::size_t rows = mask.shape(0), columns = mask.shape(1), channels = mask.shape(2);
  const auto middle = [&](std::size_t y, std::size_t x) {
    const float level = mask.data()[(y * columns + x) * channels] * scale;
    return level >= 64 && level < 192;
  };
  std::size_t blocks = 0;
  for (std::size_t y = 0; y + 1 < rows; ++y)
    for (std::size_t x = 0; x + 1 < columns; ++x)
      blocks += middle(y, x) && middle(y, x + 1) && middle(y + 1, x) && middle(y + 1, x + 1);
  return blocks;
}

/// Share of what is not background whose right neighbour has the same level: high for instances, low in the noise of JPEG.
inline double flat_share(const image& mask) {
  const std::size_t columns = mask.shape(1), channels = mask.shape(2);
  std::size_t flat = 0, all = 0;
  for (std::size_t i = 0; i + 1 < mask.shape(0) * columns; ++i) {
    const float level = mask.data()[i * channels];
    if (level == 0) continue;
    ++all;
    flat += level == mask.data()[(i + 1) * channels];
  }
  return all ? static_cast<double>(flat) / static_cast<double>(all) : 0;
}

/// Numbers end below 64, or are many and flat; grey levels gather around one or two values, but for the noise of JPEG. The blurred
/// edges of a mask of two levels spread over the middle and are thin; a third level stands out of it and is wide.
inline mask_content tell_mask(const std::filesystem::path& path) {
  using kind = mask_content::kind;
  const image mask = read_picture(path);
  const auto stored = count_levels(mask, path);
  int largest = 65535, smallest = 1;  // of what is not background
  while (largest > 0 && stored[static_cast<std::size_t>(largest)] == 0) --largest;
  if (largest == 0) return {};
  while (stored[static_cast<std::size_t>(smallest)] == 0) ++smallest;
  if (largest < 64 || (largest > 255 && smallest <= 255)) return {kind::numbers, largest};

  const int step = largest > 255 ? 257 : 1;
  std::vector<std::size_t> count(256);
  std::size_t all = 0;
  for (int level = smallest; level <= largest; ++level) {
    const auto pixels = stored[static_cast<std::size_t>(level)];
    count[static_cast<std::size_t>((level + step / 2) / step)] += pixels;
    all += pixels;
  }
  const auto near = [&](int centre, int reach = 5) {
    std::size_t sum = 0;
    for (int level = std::max(1, centre - reach); level <= std::min(255, centre + reach); ++level) sum += count[static_cast<std::size_t>(level)];
    return sum;
  };
  int peak = 1;
  for (int level = 2; level < 256; ++level)
    if (near(level) > near(peak)) peak = level;
  std::size_t second = 0, middle = 0, middle_peak = 0;
  for (int level = 1; level < 256; ++level) {
    if (std::abs(level - peak) > 10) second = std::max(second, near(level));
    if (level < 64 || level > 191) continue;
    middle += count[static_cast<std::size_t>(level)];
    middle_peak = std::max(middle_peak, near(level, 12));
  }
  if ((near(peak) + second) * 2 < all && flat_share(mask) > 0.5) return {kind::numbers, largest};
  const bool three = middle_peak * 2 >= middle && middle_peak * 50 >= all &&
                     middle_blocks(mask, 1.f / static_cast<float>(step)) * 50 >= all;
  return {three ? kind::three_levels : kind::two_levels, (largest + step / 2) / step};
}

/// What the masks of one folder hold together, from at most 32 of them, spread evenly. Throws when some store numbers and
/// others grey levels.
inline mask_content tell_masks(const std::vector<std::filesystem::path>& masks) {
  using kind = mask_content::kind;
  const std::size_t looked_at = std::min<std::size_t>(32, masks.size());
  mask_content all;
  std::filesystem::path first;
  for (std::size_t i = 0; i < looked_at; ++i) {
    const auto& path = masks[i * masks.size() / looked_at];
    const auto one = tell_mask(path);
    if (one.how == kind::empty) continue;
    const bool numbers = one.how == kind::numbers;
    if (all.how != kind::empty && numbers != (all.how == kind::numbers))
      throw error("cannot tell the classes in mask " + quoted(path),
                  std::string("it stores ") + (numbers ? "numbers" : "grey levels") + " and " + quoted(first) + " stores " +
                      (numbers ? "grey levels" : "numbers"),
                  "store all masks of the folder in one way");
    if (first.empty()) first = path;
    all.how = std::max(all.how, one.how);
    all.largest = std::max(all.largest, one.largest);
  }
  if (all.how != kind::empty && all.how != kind::numbers && all.largest < 192)
    throw error("cannot tell the classes in mask " + quoted(first), "its brightest level is " + std::to_string(all.largest),
                "store one class as 255, or myelin as 127 and axon as 255");
  return all;
}

/// The largest number in all of these masks; every one is decoded.
inline int largest_number(const std::vector<std::filesystem::path>& masks) {
  int largest = 0;
  for (const auto& path : masks) largest = std::max(largest, tell_mask(path).largest);
  return largest;
}

}  // namespace axonzoo::detail
