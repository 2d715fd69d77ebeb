#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>

namespace axonzoo {

/// An image of any levels [H, W, C] as a grey picture [H, W] of 0..255: colours become luma (ITU-R BT.601), and the levels
/// between the 0.2 and 99.8 percentiles are stretched. A constant image becomes mid grey.
[[nodiscard]] inline xt::xtensor<std::uint8_t, 2> grey_levels(const image& pixels) {
  const std::size_t height = pixels.shape(0), width = pixels.shape(1), channels = pixels.shape(2), count = height * width;
  if (count == 0 || (channels != 1 && channels != 3))
    throw error("cannot draw a picture",
                std::to_string(height) + " x " + std::to_string(width) + " pixels of " + std::to_string(channels) + " channels",
                "give a grey or RGB image");
  std::vector<float> levels(count);
  const float* from = pixels.data();
  for (std::size_t i = 0; i < count; ++i)
    levels[i] = channels == 1 ? from[i] : 0.299f * from[3 * i] + 0.587f * from[3 * i + 1] + 0.114f * from[3 * i + 2];

  std::vector<float> some;
  for (std::size_t i = 0, step = 1 + count / 200000; i < count; i += step)
    if (std::isfinite(levels[i])) some.push_back(levels[i]);
  if (some.empty()) some.push_back(0);
  const auto at = [&some](double share) {
    const auto place = some.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(some.size() - 1) + 0.5);
    std::nth_element(some.begin(), place, some.end());
    return *place;
  };
  const float low = at(0.002), high = at(0.998), scale = high > low ? 255 / (high - low) : 0;
  auto grey = xt::xtensor<std::uint8_t, 2>::from_shape({height, width});
  for (std::size_t i = 0; i < count; ++i) {
    const float level = scale > 0 ? (levels[i] - low) * scale : 128;
    grey.data()[i] = static_cast<std::uint8_t>(std::isfinite(level) ? std::clamp(level, 0.f, 255.f) + 0.5f : 0.f);
  }
  return grey;
}

}  // namespace axonzoo
