#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/data/listing.hpp>
#include <axonzoo/data/picture.hpp>

namespace axonzoo::detail {

/// How a mask stores its classes: grey levels far apart (0, 127, 255), or whole numbers (0, 1, 2, ...).
struct mask_content {
  enum class kind { empty, two_levels, three_levels, numbers };
  kind how = kind::empty;
  int largest = 0;  ///< the largest number, for `numbers`
};

/// A mask's first channel.
inline std::vector<float> read_mask(const std::filesystem::path& path, std::size_t& height, std::size_t& width) {
  const image pixels = read_picture(path);
  height = pixels.shape(0);
  width = pixels.shape(1);
  const std::size_t channels = pixels.shape(2);
  std::vector<float> levels(height * width);
  for (std::size_t i = 0; i < levels.size(); ++i) levels[i] = pixels.data()[i * channels];
  return levels;
}

/// Brings 16-bit levels (0..65535) to 0..255 in place; levels that already fit stay.
inline void to_eight_bits(std::vector<float>& levels) {
  if (levels.empty() || *std::max_element(levels.begin(), levels.end()) <= 255.f) return;
  for (auto& level : levels) level /= 257.f;
}

/// Numbers fill their range evenly or end below 64; grey levels gather around one or two values, also after JPEG.
inline mask_content tell_mask(const std::filesystem::path& path) {
  std::size_t height = 0, width = 0;
  auto levels = read_mask(path, height, width);
  float largest = 0, smallest = 65536;  // of what is not background
  for (const float level : levels) {
    if (!(level >= 0) || level != std::floor(level))
      throw error("cannot read mask " + quoted(path), "its values are not whole numbers from 0 on",
                  "store classes or instances as whole numbers");
    largest = std::max(largest, level);
    if (level > 0) smallest = std::min(smallest, level);
  }
  using kind = mask_content::kind;
  if (largest == 0) return {};
  if (largest < 64 || (largest > 255 && smallest <= 255)) return {kind::numbers, static_cast<int>(std::min(largest, 1e9f))};
  to_eight_bits(levels);
  std::array<std::size_t, 256> count{};
  for (const float level : levels)
    if (level > 0) ++count[static_cast<std::size_t>(std::lround(level))];
  const auto near = [&](int centre) {
    std::size_t sum = 0;
    for (int level = std::max(1, centre - 5); level <= std::min(255, centre + 5); ++level) sum += count[static_cast<std::size_t>(level)];
    return sum;
  };
  std::size_t all = 0, best = 0, both = 0;
  int peak = 0;
  for (const auto one : count) all += one;
  for (int level = 1; level < 256; ++level)
    if (near(level) > best) best = near(level), peak = level;
  for (int level = 1; level < 256; ++level)
    if (std::abs(level - peak) > 10) both = std::max(both, best + near(level));
  if (std::max(best, both) * 2 < all) return {kind::numbers, static_cast<int>(largest)};
  std::size_t middle = 0, middle_peak = 0;
  for (int level = 64; level <= 191; ++level) {
    middle += count[static_cast<std::size_t>(level)];
    middle_peak = std::max(middle_peak, near(level));
  }
  // The blurred edges of a two-level JPEG spread over the middle; a third level stands out of it.
  const bool three = middle_peak * 2 >= middle && middle_peak * 100 >= all;
  return {three ? kind::three_levels : kind::two_levels, static_cast<int>(largest)};
}

/// What the masks of one folder hold together, from at most 64 of them, spread evenly. Throws when some store numbers and
/// others grey levels.
inline mask_content tell_masks(const std::vector<std::filesystem::path>& masks) {
  using kind = mask_content::kind;
  constexpr std::size_t most = 64;
  mask_content all;
  std::filesystem::path of_all;
  const std::size_t looked_at = std::min(most, masks.size());
  for (std::size_t i = 0; i < looked_at; ++i) {
    const auto& path = masks[i * masks.size() / looked_at];
    const auto one = tell_mask(path);
    if (one.how == kind::empty) continue;
    if (all.how != kind::empty && (one.how == kind::numbers) != (all.how == kind::numbers))
      throw error("cannot tell the classes in mask " + quoted(path),
                  "it stores " + std::string(one.how == kind::numbers ? "numbers" : "grey levels") + " and " + quoted(of_all) + " does not",
                  "store all masks of the folder in one way");
    if (one.how > all.how) all.how = one.how;
    if (of_all.empty()) of_all = path;
    all.largest = std::max(all.largest, one.largest);
  }
  return all;
}

/// The largest number in all of these masks; every one is decoded.
inline int largest_number(const std::vector<std::filesystem::path>& masks) {
  int largest = 0;
  for (const auto& path : masks) largest = std::max(largest, tell_mask(path).largest);
  return largest;
}

}  // namespace axonzoo::detail
