#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/report/grey_levels.hpp>

namespace axonzoo {

/// How classes are drawn over a micrograph. Blue and orange differ in hue for every common kind of colour vision, and in
/// lightness on paper; the outline is dark with a bright core, so that it shows on bright and on dark myelin.
struct overlay_style {
  std::array<std::uint8_t, 3> axon = {0, 130, 220};     ///< label 2
  std::array<std::uint8_t, 3> myelin = {240, 150, 20};  ///< label 1, and the one class of a data set with one
  std::array<std::uint8_t, 3> outline = {255, 255, 255};
  float opacity = 0.42f;  ///< of the tint; grey levels stay readable below it
};

/// The micrograph [H, W, 1 or 3] in grey with the predicted labels [H, W] as tints and, where given, the outlines of the manual
/// labels. All three must be of one size; a picture for a page is best resampled before, so that outlines keep their width.
[[nodiscard]] inline rgb_image overlay(const image& pixels, const label_image& predicted, const label_image* manual = nullptr,
                                       const overlay_style& style = {}) {
  const std::size_t height = pixels.shape(0), width = pixels.shape(1);
  const auto fits = [&](const label_image& labels) { return labels.shape(0) == height && labels.shape(1) == width; };
  if (!fits(predicted) || (manual != nullptr && !fits(*manual)))
    throw error("cannot draw an overlay",
                "the labels are not of the image's size, " + std::to_string(width) + " x " + std::to_string(height),
                "resample them to it");
  const auto grey = grey_levels(pixels);
  auto drawn = rgb_image::from_shape({height, width, 3});
  for (std::size_t i = 0; i < height * width; ++i) {
    const float level = grey.data()[i];
    const std::uint8_t label = predicted.data()[i];
    const auto& tint = label == 2 ? style.axon : style.myelin;
    for (std::size_t c = 0; c < 3; ++c)
      drawn.data()[3 * i + c] =
          static_cast<std::uint8_t>(label == 0 ? level : level * (1 - style.opacity) + tint[c] * style.opacity + 0.5f);
  }
  if (manual == nullptr) return drawn;

  // An outline is two pixels wide, one on either side of a change of class; its neighbours make the dark rim.
  const auto label_at = [&](std::size_t y, std::size_t x) { return (*manual)(y, x); };
  const auto on_outline = [&](std::size_t y, std::size_t x) {
    const auto here = label_at(y, x);
    return (x > 0 && label_at(y, x - 1) != here) || (x + 1 < width && label_at(y, x + 1) != here) ||
           (y > 0 && label_at(y - 1, x) != here) || (y + 1 < height && label_at(y + 1, x) != here);
  };
  label_image line = label_image::from_shape({height, width});
  line.fill(0);
  for (std::size_t y = 0; y < height; ++y)
    for (std::size_t x = 0; x < width; ++x) {
      if (!on_outline(y, x)) continue;
      for (std::size_t v = y > 0 ? y - 1 : 0; v < std::min(y + 2, height); ++v)
        for (std::size_t u = x > 0 ? x - 1 : 0; u < std::min(x + 2, width); ++u)
          line(v, u) = std::max<std::uint8_t>(line(v, u), v == y && u == x ? 2 : 1);
    }
  for (std::size_t i = 0; i < height * width; ++i)
    for (std::size_t c = 0; c < 3 && line.data()[i] != 0; ++c) {
      auto& level = drawn.data()[3 * i + c];
      level = line.data()[i] == 2 ? style.outline[c] : static_cast<std::uint8_t>(level * 45 / 100);
    }
  return drawn;
}

}  // namespace axonzoo
