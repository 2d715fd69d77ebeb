#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

#include <axonzoo/core/image.hpp>
#include <axonzoo/core/random.hpp>
#include <axonzoo/data/intensity.hpp>
#include <axonzoo/data/phantom/lattice_noise.hpp>
#include <axonzoo/data/phantom/palette.hpp>
#include <axonzoo/data/phantom/raster.hpp>
#include <axonzoo/data/phantom_options.hpp>

namespace axonzoo {

namespace detail {

/// Cuts of the knife: ragged, broken lines across the image.
inline void add_scratches(image& levels, const phantom_window& window, const phantom_options& o, double most, float level,
                          random_stream& stream) {
  const double height = static_cast<double>(o.height), width = static_cast<double>(o.width);
  for (double expected = stream.uniform(0, most) * o.artefacts; expected > 0; --expected) {
    const bool there = stream.uniform() < expected;
    const double angle = stream.uniform(0, std::numbers::pi), x0 = stream.uniform(0, width), y0 = stream.uniform(0, height);
    const double thickness = std::max(0.8, stream.uniform(0.03, 0.1) * o.mean_diameter / o.pixel_size);
    const lattice_noise ragged(stream.bits(), 8 * thickness), broken(stream.bits(), 40 * thickness);
    if (!there) continue;
    const double nx = -std::sin(angle), ny = std::cos(angle);
    for (std::int64_t row = 0; row < window.height; ++row) {
      for (std::int64_t column = 0; column < window.width; ++column) {
        const double x = static_cast<double>(window.left + column), y = static_cast<double>(window.top + row);
        const double off = nx * (x - x0) + ny * (y - y0);
        if (std::abs(off) > 8 * thickness) continue;
        const double along = ny * (x - x0) - nx * (y - y0);
        const auto bend = ragged.gradient(along, 0), gap = broken.gradient(along, 0);
        const double wide = thickness * (0.4 + 18 * thickness * gap.x);
        const double open = std::clamp(wide - std::abs(off - 8 * thickness * thickness * bend.x) + 0.5, 0.0, 1.0);
        auto& at = levels(row, column, 0);
        at += static_cast<float>(open) * (level - at);
      }
    }
  }
}

/// Charge on the specimen: runs of rows that turn bright and fade along the scan.
inline void add_charging(image& levels, const phantom_window& window, const phantom_options& o, random_stream& stream) {
  for (double expected = stream.uniform(0, 2.5) * o.artefacts; expected > 0; --expected) {
    const bool there = stream.uniform() < expected;
    const auto first = stream.below(static_cast<std::int64_t>(o.height)), rows = 1 + stream.below(4);
    const double start = stream.uniform(-0.3, 0.8) * static_cast<double>(o.width), bright = stream.uniform(15, 60);
    const double fade = stream.uniform(0.1, 0.8) * static_cast<double>(o.width);
    if (!there) continue;
    for (auto row = std::max(first, window.top); row < std::min(first + rows, window.top + window.height); ++row) {
      for (std::int64_t column = 0; column < window.width; ++column) {
        const double past = static_cast<double>(window.left + column) - start;
        if (past >= 0) levels(row - window.top, column, 0) += static_cast<float>(bright * std::exp(-past / fade));
      }
    }
  }
}

/// Specks that lie on the section.
inline void add_dirt(image& levels, const phantom_window& window, const phantom_options& o, float level, random_stream& stream) {
  const double area = static_cast<double>(o.height * o.width);
  for (double expected = stream.uniform(0, 3) * o.artefacts * std::max(1.0, area / 1e6); expected > 0; --expected) {
    const bool there = stream.uniform() < expected;
    const double x = stream.uniform(0, static_cast<double>(o.width)), y = stream.uniform(0, static_cast<double>(o.height));
    const double radius = std::max(1.0, stream.uniform(0.05, 0.25) * o.mean_diameter / o.pixel_size),
                 flat = stream.uniform(0.4, 1);
    if (!there) continue;
    const auto reach = static_cast<std::int64_t>(std::ceil(radius / flat)) + 1;
    const auto row0 = static_cast<std::int64_t>(y), column0 = static_cast<std::int64_t>(x);
    for (auto row = std::max(row0 - reach, window.top); row <= std::min(row0 + reach, window.top + window.height - 1); ++row) {
      for (auto column = std::max(column0 - reach, window.left);
           column <= std::min(column0 + reach, window.left + window.width - 1); ++column) {
        const double dx = static_cast<double>(column) - x, dy = (static_cast<double>(row) - y) / flat;
        const double open = std::clamp(radius - std::sqrt(dx * dx + dy * dy) + 0.5, 0.0, 1.0);
        auto& at = levels(row - window.top, column - window.left, 0);
        at += static_cast<float>(open) * (level - at);
      }
    }
  }
}

}  // namespace detail

/// How far blurring reaches: windows are painted with this margin on each side, which `expose` takes off.
inline constexpr std::int64_t exposure_margin = 4;

/// The microscope: artefacts of the section, point spread, uneven illumination, charging, shot noise; whole levels of 0..255.
/// `painted` is the window with its margin; every window sees the same as the whole image would.
inline image expose(image painted, const phantom_options& o, const phantom_palette& palette, std::uint64_t seed,
                    const phantom_window& window) {
  const phantom_window wide{window.top - exposure_margin, window.left - exposure_margin, window.height + 2 * exposure_margin,
                            window.width + 2 * exposure_margin};
  random_stream section(seed, 0xA47E, 1), scan(seed, 0xA47E, 2), light(seed, 0xA47E, 3);
  const bool sem = o.contrast == phantom_contrast::sem;
  detail::add_scratches(painted, wide, o, sem ? 1.6 : 0.6, sem ? 8.F : palette.axon + 25, section);
  detail::add_dirt(painted, wide, o, palette.dirt, section);
  blur(painted.data(), wide.height, wide.width, 1, palette.sharpness);
  if (sem) detail::add_charging(painted, wide, o, scan);

  const double side = static_cast<double>(std::max(o.height, o.width));
  const auto cloud = lattice_noise(light.bits(), std::max(2.0, side / 2)).field(window);
  const double slope = 0.22 * o.illumination, across = light.uniform(-slope, slope), down = light.uniform(-slope, slope);
  const std::uint64_t shot_seed = light.bits();
  image seen = image::from_shape({static_cast<std::size_t>(window.height), static_cast<std::size_t>(window.width), 1});
  for (std::int64_t row = 0; row < window.height; ++row) {
    for (std::int64_t column = 0; column < window.width; ++column) {
      const double x = static_cast<double>(window.left + column) / side - 0.5,
                   y = static_cast<double>(window.top + row) / side - 0.5;
      const double brightness = 1 + across * x + down * y + 0.05 * o.illumination * cloud(row, column);
      const double level = std::max(0.0, brightness * painted(row + exposure_margin, column + exposure_margin, 0));
      const double shot = o.noise * palette.shot * std::sqrt((level + 20) / 148);
      const double counted = level + shot * lattice_noise::deviate(shot_seed, window.left + column, window.top + row);
      seen(row, column, 0) = static_cast<float>(std::clamp(std::round(counted), 0.0, 255.0));
    }
  }
  return seen;
}

}  // namespace axonzoo
