#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <vector>

#include <axonzoo/core/image.hpp>
#include <axonzoo/core/random.hpp>
#include <axonzoo/data/phantom_options.hpp>
#include <axonzoo/data/phantom_outline.hpp>
#include <axonzoo/data/phantom_packing.hpp>
#include <axonzoo/data/phantom_texture.hpp>

namespace axonzoo::detail {

/// Grey levels of 255 of what is seen, and standard deviations of the texture of background, myelin and axon.
struct palette {
  float background, myelin, lamella, axon, axon_rim, neurite, membrane, cell, organelle, organelle_border;
  float between_sheaths, between_axons;  ///< standard deviations between one fibre and the next
  std::array<float, 3> coarse, fine;
};

inline palette palette_of(phantom_contrast contrast) {
  if (contrast == phantom_contrast::sem)
    return {138, 196, 6, 76, 30, 116, 164, 100, 128, 96, 9, 18, {13, 7, 9}, {13, 9, 8}};
  return {112, 34, 9, 158, -10, 164, 62, 104, 92, 48, 6, 12, {16, 5, 9}, {20, 9, 22}};
}

/// Draws the parts in their grey levels, still sharp; labels and axons tell where sheaths and axons are.
inline void paint_tissue(image& pixels, const label_image& labels, const instance_image& axons, const std::vector<tissue_part>& parts,
                         const phantom_options& options, std::uint64_t seed) {
  const auto colours = palette_of(options.contrast);
  const std::size_t rows = pixels.shape(0), columns = pixels.shape(1);
  const double pixel = options.pixel_size, unit = options.mean_diameter / 1.2;
  const auto fill = [&](const outline& shape, float level) {
    scan(shape, pixel, rows, columns, [&](std::size_t y, std::size_t from, std::size_t to) {
      std::fill(pixels.data() + y * columns + from, pixels.data() + y * columns + to, level);
    });
  };
  pixels.fill(colours.background);
  std::int32_t fibre = 0;
  for (std::size_t n = 0; n < parts.size(); ++n) {
    const auto& part = parts[n];
    random_stream random(seed, 2, n);
    const auto varied = [&](float level, float spread) { return level + spread * static_cast<float>(random.normal()); };
    if (part.what == tissue_part::kind::cell) {
      fill(part.whole, varied(colours.cell, 12));
      continue;
    }
    const auto shrunk = [](outline shape, double by) {
      for (auto& one : shape.radius) one = std::max(one * 0.3, one - by);
      shape.measure();
      return shape;
    };
    if (part.what == tissue_part::kind::neurite) {
      fill(part.whole, varied(colours.membrane, 10));
      fill(shrunk(part.whole, std::max(0.035 * unit, 0.6 * pixel)), varied(colours.neurite, 16));
      continue;
    }
    ++fibre;
    const float sheath = varied(colours.myelin, colours.between_sheaths), core = varied(colours.axon, colours.between_axons);
    const double thickness = (part.diameter / part.g_ratio - part.diameter) / 2;
    const int lamellae = std::clamp(static_cast<int>(thickness / pixel / 2.5), 1, 24);
    for (int i = 0; i < lamellae; ++i) {
      outline shell = part.whole;
      const double inwards = static_cast<double>(i) / lamellae;
      for (std::size_t k = 0; k < outline::corners; ++k)
        shell.radius[k] += inwards * (part.axon.radius[k] - shell.radius[k]);
      fill(shell, lamellae == 1 ? sheath : varied(sheath, colours.lamella));
    }
    fill(part.axon, core + colours.axon_rim);
    outline inside = random_outline(random, 14 * options.irregularity);
    inside.x = part.axon.x;
    inside.y = part.axon.y;
    for (std::size_t k = 0; k < outline::corners; ++k) inside.radius[k] = part.axon.radius[k] * std::min(0.97, 0.86 * inside.radius[k]);
    fill(inside, core);

    const auto organelle = [&](double from, double to, float level) {
      outline shape = random_outline(random, 1.5);
      shape.fit(unit * random.uniform(from, to));
      const double away = std::sqrt(random.uniform()) * 0.42 * part.diameter, turn = random.uniform(0, 2 * std::numbers::pi);
      shape.x = part.axon.x + away * std::cos(turn);
      shape.y = part.axon.y + away * std::sin(turn);
      const auto within = [&](const outline& one, float grey) {
        scan(one, pixel, rows, columns, [&](std::size_t y, std::size_t x, std::size_t end) {
          for (; x < end; ++x)
            if (axons(y, x) == fibre && labels(y, x) == 2) pixels(y, x, 0) = grey;
        });
      };
      within(shape, colours.organelle_border + (level - colours.organelle));
      within(shrunk(shape, 0.035 * unit), level);
    };
    const double expected = 0.35 * options.organelles * part.diameter * part.diameter / (unit * unit);
    for (double left = std::min(expected, 12.0); left > random.uniform(); --left) organelle(0.18, 0.5, varied(colours.organelle, 14));
    if (part.diameter > 1.5 * unit && random.uniform() < 0.25 * options.organelles) organelle(0.5, 1.0, varied(core + colours.axon_rim, 10));
  }
}

/// What is not tissue: scratches, stripes of the scan and dirt.
inline void add_artefacts(image& pixels, const phantom_options& options, random_stream& random) {
  const auto rows = static_cast<std::ptrdiff_t>(pixels.shape(0)), columns = static_cast<std::ptrdiff_t>(pixels.shape(1));
  const auto times = [&](double rate) {
    int count = 0;
    for (double left = 2 * rate * options.artefacts * random.uniform(); left > random.uniform(); --left) ++count;
    return count;
  };
  const auto spot = [&](double x, double y, double radius, float level, float strength) {
    const auto reach = static_cast<std::ptrdiff_t>(std::ceil(radius)) + 1, cx = std::lround(x), cy = std::lround(y);
    for (auto j = std::max<std::ptrdiff_t>(0, cy - reach); j <= std::min(rows - 1, cy + reach); ++j)
      for (auto i = std::max<std::ptrdiff_t>(0, cx - reach); i <= std::min(columns - 1, cx + reach); ++i) {
        const double away = std::hypot(static_cast<double>(i) - x, static_cast<double>(j) - y);
        float& to = pixels.data()[j * columns + i];
        to += strength * static_cast<float>(std::clamp(radius + 0.5 - away, 0.0, 1.0)) * (level - to);
      }
  };
  for (int n = times(0.35); n > 0; --n) {
    const double turn = random.uniform(0, std::numbers::pi), width = random.uniform(0.6, 1.6);
    double x = random.uniform(0, static_cast<double>(columns)), y = random.uniform(0, static_cast<double>(rows));
    const float level = random.uniform() < 0.5 ? 230.f : 40.f;
    const double length = random.uniform(0.2, 0.8) * static_cast<double>(columns);
    for (double along = 0; along < length; along += width) {
      spot(x, y, width, level, 0.3f);
      x += width * std::cos(turn);
      y += width * std::sin(turn);
    }
  }
  for (int n = times(1.5); n > 0; --n) {
    const auto x = random.uniform(0, static_cast<double>(columns)), y = random.uniform(0, static_cast<double>(rows));
    const double radius = random.uniform(0.1, 0.5) * options.mean_diameter / options.pixel_size;
    const float level = random.uniform() < 0.7 ? 20.f : 250.f;
    for (int i = 0; i < 5; ++i)
      spot(x + 0.6 * radius * random.normal(), y + 0.6 * radius * random.normal(), radius * random.uniform(0.3, 0.8), level, 0.75f);
  }
  const float unsteady = static_cast<float>(options.artefacts * random.uniform(0, 1.5));
  for (std::ptrdiff_t y = 0; y < rows; ++y) {
    const float offset = unsteady * static_cast<float>(random.normal());
    for (std::ptrdiff_t x = 0; x < columns; ++x) pixels.data()[y * columns + x] += offset;
  }
  for (int n = times(0.5); n > 0; --n) {  // a few lines of the scan that a discharge made brighter or darker
    const auto first = random.below(rows), count = 1 + random.below(4);
    const float offset = static_cast<float>(random.uniform(-22, 22));
    for (auto y = first; y < std::min<std::ptrdiff_t>(rows, first + count); ++y)
      for (std::ptrdiff_t x = 0; x < columns; ++x) pixels.data()[y * columns + x] += offset;
  }
}

/// How a microscope shows the painted tissue: texture, artefacts, point spread, illumination, noise, whole levels of 0 .. 255.
inline void image_tissue(image& pixels, const label_image& labels, const phantom_options& options, std::uint64_t seed) {
  const auto colours = palette_of(options.contrast);
  const auto strength = [&](std::array<float, 3> of) {
    for (auto& one : of) one *= static_cast<float>(options.noise);
    return of;
  };
  const double um = options.mean_diameter / 1.2 / options.pixel_size;
  add_texture(pixels, labels, 0.55 * um, strength(colours.coarse), seed, 3);
  add_texture(pixels, labels, std::max(2.0, 0.03 * um), strength(colours.fine), seed, 4);
  random_stream random(seed, 5);
  add_artefacts(pixels, options, random);
  blur(pixels, 0.8);

  const auto slope = [&] { return static_cast<float>(0.1 * options.illumination * random.uniform(-0.5, 0.5)); };
  const float across = slope(), down = slope(), bowl = slope();
  const float contrast = static_cast<float>(random.uniform(0.85, 1.1)), brightness = static_cast<float>(random.uniform(-12, 12));
  const std::size_t rows = pixels.shape(0), columns = pixels.shape(1);
  for (std::size_t y = 0; y < rows; ++y) {
    random_stream grain(seed, 6, y);
    const float v = 2 * static_cast<float>(y) / static_cast<float>(rows) - 1;
    float* const row = pixels.data() + y * columns;
    for (std::size_t x = 0; x < columns; ++x) {
      const float u = 2 * static_cast<float>(x) / static_cast<float>(columns) - 1;
      const float light = 1 + across * u + down * v + bowl * (u * u + v * v - 0.67f);
      const float level = (128 + brightness + contrast * (row[x] - 128)) * light + static_cast<float>(9 * options.noise * grain.normal());
      row[x] = std::round(std::clamp(level, 0.f, 255.f));
    }
  }
}

}  // namespace axonzoo::detail
