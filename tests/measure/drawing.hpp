#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <axonzoo/core/image.hpp>

// Masks for the tests of measure/ and metrics/.
namespace drawing {

/// '.' background, 'o' myelin (1), 'A' axon (2).
inline axonzoo::label_image labels_of(const std::vector<std::string>& rows) {
  axonzoo::label_image labels = axonzoo::label_image::from_shape({rows.size(), rows.front().size()});
  for (std::size_t y = 0; y < rows.size(); ++y) {
    for (std::size_t x = 0; x < rows[y].size(); ++x) labels(y, x) = rows[y][x] == 'A' ? 2 : rows[y][x] == 'o' ? 1 : 0;
  }
  return labels;
}

/// '.' background, '1' to '9' instances.
inline axonzoo::instance_image instances_of(const std::vector<std::string>& rows) {
  axonzoo::instance_image instances = axonzoo::instance_image::from_shape({rows.size(), rows.front().size()});
  for (std::size_t y = 0; y < rows.size(); ++y) {
    for (std::size_t x = 0; x < rows[y].size(); ++x) instances(y, x) = rows[y][x] == '.' ? 0 : rows[y][x] - '0';
  }
  return instances;
}

inline axonzoo::label_image blank(std::size_t height, std::size_t width, std::uint8_t label = 0) {
  axonzoo::label_image labels = axonzoo::label_image::from_shape({height, width});
  labels.fill(label);
  return labels;
}

/// Paints `label` where (y - row)^2 + (x - column)^2 < radius^2; what a later disc covers is its.
inline void disc(axonzoo::label_image& labels, double row, double column, double radius, std::uint8_t label) {
  for (std::size_t y = 0; y < labels.shape(0); ++y) {
    for (std::size_t x = 0; x < labels.shape(1); ++x) {
      const double dy = static_cast<double>(y) - row, dx = static_cast<double>(x) - column;
      if (dy * dy + dx * dx < radius * radius) labels(y, x) = label;
    }
  }
}

inline void rectangle(axonzoo::label_image& labels, std::size_t row, std::size_t column, std::size_t height, std::size_t width,
                      std::uint8_t label) {
  for (std::size_t y = row; y < row + height; ++y) {
    for (std::size_t x = column; x < column + width; ++x) labels(y, x) = label;
  }
}

/// Axons and myelin of random shape: discs in any position, and speckle that leaves components of all kinds.
inline axonzoo::label_image random_tissue(std::size_t height, std::size_t width, unsigned seed) {
  std::mt19937 random(seed);
  auto labels = blank(height, width);
  for (int i = 0; i < 30; ++i) {
    const double row = random() % height, column = random() % width, radius = 1 + random() % 9;
    disc(labels, row, column, radius * 1.5, 1);
    disc(labels, row, column, radius, 2);
  }
  for (auto& label : labels) {
    if (random() % 12 == 0) label = static_cast<std::uint8_t>(random() % 3);
  }
  return labels;
}

}  // namespace drawing
