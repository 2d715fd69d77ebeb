#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numbers>
#include <utility>
#include <vector>

#include <axonzoo/core/random.hpp>
#include <axonzoo/data/phantom_options.hpp>
#include <axonzoo/data/phantom_outline.hpp>

namespace axonzoo::detail {

/// What lies in the tissue. Only a fibre has a sheath: `axon` is the outline inside it.
struct tissue_part {
  enum class kind { fibre, neurite, cell };
  kind what = kind::fibre;
  outline whole, axon;
  double diameter = 0, g_ratio = 0;
};

/// Places outlines without overlap in a rectangle, finding neighbours by a grid.
class packing {
 public:
  packing(double left, double top, double width, double height, double cell, double gap)
      : left_(left), top_(top), width_(width), height_(height), cell_(cell), gap_(gap),
        columns_(static_cast<std::size_t>(std::ceil(width / cell)) + 1),
        rows_(static_cast<std::size_t>(std::ceil(height / cell)) + 1), grid_(rows_ * columns_) {}

  /// Tries this many random places; false where none was free.
  bool place(outline& shape, int tries, random_stream& random) {
    for (; tries > 0; --tries) {
      shape.x = random.uniform(left_, left_ + width_);
      shape.y = random.uniform(top_, top_ + height_);
      if (!free(shape)) continue;
      const auto number = static_cast<std::uint32_t>(placed_.size());
      placed_.push_back(shape);
      each_cell(shape, [&](std::vector<std::uint32_t>& cell) {
        cell.push_back(number);
        return true;
      });
      return true;
    }
    return false;
  }

 private:
  std::size_t column_at(double x) const {
    return static_cast<std::size_t>(std::clamp((x - left_) / cell_, 0.0, static_cast<double>(columns_ - 1)));
  }
  std::size_t row_at(double y) const {
    return static_cast<std::size_t>(std::clamp((y - top_) / cell_, 0.0, static_cast<double>(rows_ - 1)));
  }

  template <class Visit>
  bool each_cell(const outline& shape, Visit&& visit) {
    const double reach = shape.outer + gap_;
    const auto left = column_at(shape.x - reach), right = column_at(shape.x + reach);
    const auto top = row_at(shape.y - reach), bottom = row_at(shape.y + reach);
    for (auto row = top; row <= bottom; ++row)
      for (auto column = left; column <= right; ++column)
        if (!visit(grid_[row * columns_ + column])) return false;
    return true;
  }

  bool free(const outline& shape) {
    const auto clear = [&](const std::vector<std::uint32_t>& cell) {
      return std::none_of(cell.begin(), cell.end(), [&](std::uint32_t other) { return collide(shape, placed_[other], gap_); });
    };
    return clear(grid_[row_at(shape.y) * columns_ + column_at(shape.x)]) && each_cell(shape, clear);
  }

  double left_, top_, width_, height_, cell_, gap_;
  std::size_t columns_, rows_;
  std::vector<std::vector<std::uint32_t>> grid_;
  std::vector<outline> placed_;
};

/// Gamma distributed with mean 1 (Marsaglia and Tsang, "A simple method for generating gamma variables", 2000).
inline double random_gamma(random_stream& random, double shape) {
  if (shape < 1) return random_gamma(random, shape + 1) * (shape + 1) / shape * std::pow(1 - random.uniform(), 1 / shape);
  const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = random.normal(), root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    if (std::log(1 - random.uniform()) < x * x / 2 + d - d * v + d * std::log(v)) return d * v / shape;
  }
}

/// An axon with its sheath, at no place yet. The axon is less round than the fibre where the sheath leaves room for that.
inline tissue_part random_fibre(const phantom_options& options, random_stream& random) {
  tissue_part made;
  do made.diameter = options.mean_diameter * random_gamma(random, options.diameter_shape);
  while (!(made.diameter >= options.least_diameter && made.diameter <= options.greatest_diameter));
  const double mean = options.g_ratio + options.g_ratio_slope * std::log(made.diameter);
  made.g_ratio = std::clamp(mean + options.g_ratio_spread * random.normal(), 0.3, 0.95);
  made.whole = random_outline(random, options.irregularity / 0.1);
  made.whole.fit(made.diameter / made.g_ratio);
  const outline own = random_outline(random, options.irregularity / 0.1);
  for (double share = 1; share > 0.01; share /= 2) {
    made.axon = made.whole;
    for (std::size_t i = 0; i < outline::corners; ++i) made.axon.radius[i] *= 1 + share * (own.radius[i] - 1);
    made.axon.fit(made.diameter);
    double closest = 1;  // thinnest sheath, relative to its mean thickness
    for (std::size_t i = 0; i < outline::corners; ++i)
      closest = std::min(closest, (1 - made.axon.radius[i] / made.whole.radius[i]) / (1 - made.g_ratio));
    if (closest > 0.55) return made;
  }
  made.axon = made.whole;
  made.axon.fit(made.diameter);
  return made;
}

/// Fibres of the image and of a margin around it, so that some are cut by its border; then what lies between them.
inline std::vector<tissue_part> pack_tissue(const phantom_options& options, std::uint64_t seed) {
  using kind = tissue_part::kind;
  random_stream random(seed, 1);
  const double margin = std::min(options.greatest_diameter, 5 * options.mean_diameter) / 2 / options.g_ratio;
  const double width = static_cast<double>(options.width) * options.pixel_size + 2 * margin,
               height = static_cast<double>(options.height) * options.pixel_size + 2 * margin, area = width * height;
  std::vector<tissue_part> drawn, parts;
  for (double covered = 0; covered < options.fibre_fraction * area;) {
    drawn.push_back(random_fibre(options, random));
    covered += drawn.back().whole.area();
  }
  for (double left = options.glia_fraction * area; left > 0;) {  // bodies and large processes of glia
    tissue_part cell{kind::cell, random_outline(random, 2 * std::min(1.0, options.irregularity / 0.1 + 0.3)), {}, 0, 0};
    cell.whole.fit(options.mean_diameter * random.uniform(1.5, 4.5));
    const double own = cell.whole.area();
    if (own < left || random.uniform() * own < left) drawn.push_back(cell);
    left -= own;
  }
  std::stable_sort(drawn.begin(), drawn.end(), [](const auto& a, const auto& b) { return a.whole.outer > b.whole.outer; });

  packing places(-margin, -margin, width, height, 1.5 * options.mean_diameter, options.gap);
  const auto keep = [&](const tissue_part& one, int tries) {
    tissue_part part = one;
    if (!places.place(part.whole, tries, random)) return false;
    part.axon.x = part.whole.x;
    part.axon.y = part.whole.y;
    parts.push_back(part);
    return true;
  };
  for (const auto& one : drawn) keep(one, 3000);

  double left = options.neurite_fraction * area;  // of unmyelinated neurites, where the gaps take them
  for (int missed = 0; missed < 60 && left > 0;) {
    tissue_part neurite{kind::neurite, random_outline(random, options.irregularity / 0.1), {}, 0, 0};
    neurite.whole.fit(options.neurite_diameter * random.uniform(0.5, 1.5));
    left -= neurite.whole.area();
    missed = keep(neurite, 60) ? 0 : missed + 1;
  }
  return parts;
}

}  // namespace axonzoo::detail
