#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <axonzoo/core/image.hpp>
#include <axonzoo/measure/measured_image.hpp>
#include <axonzoo/report/chart.hpp>
#include <axonzoo/report/encode_jpeg.hpp>
#include <axonzoo/report/grey_levels.hpp>
#include <axonzoo/report/html.hpp>

namespace axonzoo {

/// An image of a report: small enough for a page, with fibres in the colours of their g-ratios.
struct g_ratio_picture {
  std::string jpeg;
  std::size_t height = 0, width = 0;  ///< px of the picture
  double scale = 1;                   ///< px of the image for one of the picture
  double sharpness = 0;  ///< of the micrograph: mean size of its Laplacian against its standard deviation; NaN without one
};

inline constexpr double least_coloured_g = 0.4, greatest_coloured_g = 0.9;

/// The colour of a g-ratio, from violet for 0.4 and below over teal to yellow for 0.9 and above (viridis of van der Walt and
/// Smith, whose order is seen with any kind of colour vision); red for none and for 1 or more.
[[nodiscard]] inline std::array<std::uint8_t, 3> g_ratio_colour(double g) {
  static constexpr std::array<std::array<std::uint8_t, 3>, 9> steps{{{68, 1, 84},
                                                                     {71, 45, 123},
                                                                     {59, 82, 139},
                                                                     {44, 114, 142},
                                                                     {33, 145, 140},
                                                                     {40, 174, 128},
                                                                     {94, 201, 98},
                                                                     {173, 220, 48},
                                                                     {253, 231, 37}}};
  if (!(g < 1)) return {214, 60, 50};
  const double at = std::clamp((g - least_coloured_g) / (greatest_coloured_g - least_coloured_g), 0., 1.) * 8;
  const auto step = std::min<std::size_t>(static_cast<std::size_t>(at), 7);
  std::array<std::uint8_t, 3> colour;
  for (std::size_t c = 0; c < 3; ++c)
    colour[c] = static_cast<std::uint8_t>(steps[step][c] +
                                          (at - static_cast<double>(step)) * (steps[step + 1][c] - steps[step][c]) + 0.5);
  return colour;
}

/// How sharp a micrograph is, as `g_ratio_picture::sharpness`.
[[nodiscard]] inline double sharpness_of(const xt::xtensor<std::uint8_t, 2>& grey) {
  const std::size_t height = grey.shape(0), width = grey.shape(1);
  if (height < 3 || width < 3) return std::nan("");
  double laplacian = 0, sum = 0, squares = 0;
  for (std::size_t y = 1; y + 1 < height; ++y) {
    const std::uint8_t* row = grey.data() + y * width;
    std::uint64_t sizes = 0, levels = 0, level_squares = 0;
    for (std::size_t x = 1; x + 1 < width; ++x) {
      const int here = row[x];
      sizes += static_cast<unsigned>(std::abs(4 * here - row[x - 1] - row[x + 1] - row[x - width] - row[x + width]));
      levels += static_cast<unsigned>(here);
      level_squares += static_cast<unsigned>(here * here);
    }
    laplacian += static_cast<double>(sizes);
    sum += static_cast<double>(levels);
    squares += static_cast<double>(level_squares);
  }
  const double n = static_cast<double>((height - 2) * (width - 2)),
               deviation = std::sqrt(std::max(squares / n - sum / n * (sum / n), 0.));
  return deviation > 0 ? laplacian / n / deviation : std::nan("");
}

/// Draws `measured` over its micrograph ([H, W, C]; without pixels: over grey), at most `most` px a side.
[[nodiscard]] inline g_ratio_picture draw_g_ratios(const measured_image& measured, const image& pixels, std::size_t most = 1400) {
  const std::size_t height = measured.height, width = measured.width,
                    block = std::max<std::size_t>(1, (std::max(height, width) + most - 1) / most);
  g_ratio_picture picture;
  picture.scale = static_cast<double>(block);
  picture.height = (height + block - 1) / block;
  picture.width = (width + block - 1) / block;
  const bool bare = pixels.size() == 0;
  const auto grey = bare ? xt::xtensor<std::uint8_t, 2>() : grey_levels(pixels);
  picture.sharpness = bare ? std::nan("") : sharpness_of(grey);

  std::vector<double> g_of;
  for (const auto& axon : measured.measures.table) {
    const auto number = static_cast<std::size_t>(axon.number);
    if (g_of.size() <= number) g_of.resize(number + 1, -1);
    g_of[number] = std::isnan(axon.g_ratio) ? 1 : axon.g_ratio;
  }
  auto drawn = rgb_image::from_shape({picture.height, picture.width, 3});
  for (std::size_t y = 0; y < picture.height; ++y) {
    for (std::size_t x = 0; x < picture.width; ++x) {
      unsigned sum = 0, count = 0;
      if (!bare) {
        for (std::size_t v = y * block; v < std::min(height, (y + 1) * block); ++v)
          for (std::size_t u = x * block; u < std::min(width, (x + 1) * block); ++u, ++count) sum += grey(v, u);
      }
      for (std::size_t c = 0; c < 3; ++c) drawn(y, x, c) = static_cast<std::uint8_t>(bare ? 40 : sum / std::max(count, 1u));
    }
  }
  const auto tint = [&](const std::vector<instance_run>& runs, double opacity) {
    for (const auto& run : runs) {
      const auto row = static_cast<std::size_t>(run.row), number = static_cast<std::size_t>(run.instance);
      if (row % block != block / 2 && row + 1 != height) continue;
      if (number >= g_of.size() || g_of[number] < 0) continue;
      const auto colour = g_ratio_colour(g_of[number]);
      for (std::size_t x = static_cast<std::size_t>(run.begin); x < static_cast<std::size_t>(run.end); ++x) {
        if (x % block != block / 2) continue;
        for (std::size_t c = 0; c < 3; ++c) {
          auto& level = drawn(row / block, x / block, c);
          level = static_cast<std::uint8_t>(level * (1 - opacity) + colour[c] * opacity + 0.5);
        }
      }
    }
  };
  tint(measured.measures.fibres, 0.5);
  tint(measured.measures.axons, measured.options.myelinated ? 0.3 : 0.7);  // on top of the fibre's
  picture.jpeg = encode_jpeg(drawn, 85);
  return picture;
}

/// The picture as HTML: whoever points at a fibre sees its numbers, as in the table.
[[nodiscard]] inline std::string g_ratio_figure(const measured_image& measured, const g_ratio_picture& picture) {
  const auto whole = [](double value) { return std::to_string(static_cast<long>(std::lround(value))); };
  std::string marks;
  const double s = measured.options.pixel_size;
  for (std::size_t i = 0; i < measured.measures.table.size(); ++i) {
    const auto& axon = measured.measures.table[i];
    const double diameter =
        axon.has_fibre && axon.g_ratio > 0 ? axon.axon_diameter + 2 * axon.myelin_thickness : axon.axon_diameter;
    marks += "<circle cx=\"" + short_number(axon.x / picture.scale, 5) + "\" cy=\"" + short_number(axon.y / picture.scale, 5) +
             "\" r=\"" + short_number(std::max(diameter / s / 2 / picture.scale, 1.5), 3) + "\"><title>axon " +
             std::to_string(i) + ": g-ratio " + short_number(axon.g_ratio) + ", diameter " + short_number(axon.axon_diameter) +
             " um, myelin " + short_number(axon.myelin_thickness) + " um, at " + whole(axon.x) + ", " + whole(axon.y) +
             " px</title></circle>";
  }
  // A scale bar of a round length, at most a fifth of the width.
  const double um = static_cast<double>(picture.width) * picture.scale * s, power = std::pow(10, std::floor(std::log10(um / 5)));
  const double bar = power * (um / 5 >= 5 * power ? 5 : um / 5 >= 2 * power ? 2 : 1);
  return "<div class=\"frame g\"><img alt=\"" + html(measured.name) + " with fibres in the colours of their g-ratios\" width=\"" +
         std::to_string(picture.width) + "\" height=\"" + std::to_string(picture.height) + "\" src=\"data:image/jpeg;base64," +
         base64(picture.jpeg) + "\"><svg viewBox=\"0 0 " + std::to_string(picture.width) + " " + std::to_string(picture.height) +
         "\">" + marks + "</svg><span class=\"scale\" style=\"width:" + short_number(100 * bar / um, 4) + "%\">" +
         short_number(bar) + " um</span></div>";
}

}  // namespace axonzoo
