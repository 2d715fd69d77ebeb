#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>

#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/data/resample.hpp>
#include <axonzoo/data/resize_8bit.hpp>
#include <axonzoo/models/sam/recognise.hpp>

namespace axonzoo {

/// An image as a SAM takes it.
struct sam_input {
  at::Tensor pixels;  ///< [1, 3, S, S] float32, S the network's image side; zeros right of and below the image
  std::int64_t height = 0, width = 0;                ///< of the image
  std::int64_t scaled_height = 0, scaled_width = 0;  ///< of it in `pixels`: the longer is S
};

/// Of each colour, in 8-bit levels: what segment-anything normalises by.
inline constexpr std::array<float, 3> natural_mean{123.675f, 116.28f, 103.53f}, natural_deviation{58.395f, 57.12f, 57.375f};

/// Whether the network takes a mean and a deviation of each colour (SAM) and not levels from 0 to 1 (MedSAM, LiteMedSAM). What a
/// MedSAM with a ViT wants cannot be told from its weights.
[[nodiscard]] inline bool takes_natural_images(const recognised_sam& sam) { return sam.family != sam_family::lite_medsam; }

/// Levels as 8-bit colours: those of 16 bits are divided by 257, grey is repeated.
[[nodiscard]] inline rgb_image eight_bit(const image& pixels) {
  const std::size_t channels = pixels.shape(2);
  const float most = pixels.size() == 0 ? 0.f : *std::max_element(pixels.begin(), pixels.end());
  const float gain = most > 255 ? 1.f / 257 : 1.f;
  auto made = rgb_image::from_shape({pixels.shape(0), pixels.shape(1), 3});
  for (std::size_t i = 0; i < pixels.shape(0) * pixels.shape(1); ++i) {
    for (std::size_t c = 0; c < 3; ++c) {
      const float level = std::clamp(std::nearbyint(pixels.data()[channels * i + (channels == 3 ? c : 0)] * gain), 0.f, 255.f);
      made.data()[3 * i + c] = static_cast<std::uint8_t>(level);
    }
  }
  return made;
}

/// Scales an image [H, W, 1 or 3] in the file's own levels so that its longer side is `sam.image`, normalises it as the family
/// was trained and pads it: with SAM's means and deviations, bit by bit segment-anything's; for LiteMedSAM from 0 to 1 by the
/// image's least and greatest level, its pixels means over areas. Throws `error` for an empty image or another number of channels.
[[nodiscard]] inline sam_input prepare_for_sam(const image& pixels, const recognised_sam& sam) {
  if (pixels.shape(0) == 0 || pixels.shape(1) == 0 || (pixels.shape(2) != 1 && pixels.shape(2) != 3)) {
    throw error("preparing an image of " + std::to_string(pixels.shape(0)) + " x " + std::to_string(pixels.shape(1)) + " pixels and " +
                    std::to_string(pixels.shape(2)) + " channels",
                "it is empty or neither grey nor RGB", "give an image with 1 or 3 channels");
  }
  sam_input made;
  made.height = static_cast<std::int64_t>(pixels.shape(0));
  made.width = static_cast<std::int64_t>(pixels.shape(1));
  const double scale = static_cast<double>(sam.image) / static_cast<double>(std::max(made.height, made.width));
  const auto scaled = [&](std::int64_t side) {
    return std::max<std::int64_t>(static_cast<std::int64_t>(static_cast<double>(side) * scale + 0.5), 1);
  };
  made.scaled_height = scaled(made.height);
  made.scaled_width = scaled(made.width);
  made.pixels = at::zeros({1, 3, sam.image, sam.image});
  const auto height = static_cast<std::size_t>(made.scaled_height), width = static_cast<std::size_t>(made.scaled_width);
  const auto side = static_cast<std::size_t>(sam.image);
  float* to = made.pixels.mutable_data_ptr<float>();
  const auto fill = [&](const auto& from, std::size_t channels, const std::array<float, 3>& mean, const std::array<float, 3>& deviation) {
    for (std::size_t c = 0; c < 3; ++c)
      for (std::size_t y = 0; y < height; ++y)
        for (std::size_t x = 0; x < width; ++x) {
          const auto level = static_cast<float>(from.data()[channels * (y * width + x) + (channels == 3 ? c : 0)]);
          to[(c * side + y) * side + x] = (level - mean[c]) / deviation[c];
        }
  };
  if (takes_natural_images(sam)) {
    fill(resize_8bit(eight_bit(pixels), height, width), 3, natural_mean, natural_deviation);
  } else {
    const image small = resample(pixels, height, width);
    const auto [least, most] = std::minmax_element(small.begin(), small.end());
    const float range = std::max(*most - *least, 1e-8f), low = *least;
    fill(small, small.shape(2), {low, low, low}, {range, range, range});
  }
  return made;
}

}  // namespace axonzoo
