#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include <boost/test/unit_test.hpp>

#include <axonzoo/core/random.hpp>
#include <axonzoo/data/crop.hpp>
#include <axonzoo/data/warp.hpp>

#include "made_micrograph.hpp"

using namespace axonzoo;

namespace {

struct warped {
  std::vector<float> pixels;
  std::vector<std::uint8_t> labels;
};

warped apply(const prepared_micrograph& from, const warp& w, std::int64_t size) {
  const auto n = static_cast<std::size_t>(size * size);
  warped made{std::vector<float>(n * from.pixels.shape(2), -9), std::vector<std::uint8_t>(n, 99)};
  warp_patch(from, w, {made.pixels.data(), made.labels.data(), size});
  return made;
}

/// Where pixel (i, j) looks, by the definition.
std::pair<double, double> source_of(const warp& w, std::int64_t size, std::int64_t i, std::int64_t j) {
  const double half = static_cast<double>(size - 1) / 2, y = static_cast<double>(i) - half, x = static_cast<double>(j) - half;
  double row = w.row + w.matrix[0][0] * y + w.matrix[0][1] * x, column = w.column + w.matrix[1][0] * y + w.matrix[1][1] * x;
  if (w.cells > 0) {
    const double v = static_cast<double>(i * w.cells) / static_cast<double>(size),
                 u = static_cast<double>(j * w.cells) / static_cast<double>(size);
    const auto a = static_cast<std::size_t>(v), b = static_cast<std::size_t>(u);
    const double dv = v - std::floor(v), du = u - std::floor(u);
    const auto nodes = static_cast<std::size_t>(w.cells + 1);
    const auto at = [&](const std::vector<float>& shift) {
      return (1 - dv) * ((1 - du) * shift[a * nodes + b] + du * shift[a * nodes + b + 1]) +
             dv * ((1 - du) * shift[(a + 1) * nodes + b] + du * shift[(a + 1) * nodes + b + 1]);
    };
    row += at(w.row_shift);
    column += at(w.column_shift);
  }
  return {row, column};
}

/// Bilinear with mirrored borders, in doubles.
double level_at(const prepared_micrograph& from, double row, double column, std::size_t c) {
  const auto h = static_cast<std::int64_t>(from.pixels.shape(0)), w = static_cast<std::int64_t>(from.pixels.shape(1));
  const auto y = static_cast<std::int64_t>(std::floor(row)), x = static_cast<std::int64_t>(std::floor(column));
  const double v = row - std::floor(row), u = column - std::floor(column);
  const auto pixel = [&](std::int64_t i, std::int64_t j) {
    return static_cast<double>(from.pixels(static_cast<std::size_t>(reflect(i, h)), static_cast<std::size_t>(reflect(j, w)), c));
  };
  return (1 - v) * ((1 - u) * pixel(y, x) + u * pixel(y, x + 1)) + v * ((1 - u) * pixel(y + 1, x) + u * pixel(y + 1, x + 1));
}

warp random_warp(random_stream& random, double row, double column, double stretch, std::int64_t cells, double bend) {
  warp w;
  w.row = row;
  w.column = column;
  for (auto& line : w.matrix)
    for (auto& m : line) m = random.uniform(-stretch, stretch);
  w.cells = cells;
  for (std::int64_t k = 0; k < (cells + 1) * (cells + 1) && cells > 0; ++k) {
    w.row_shift.push_back(static_cast<float>(random.uniform(-bend, bend)));
    w.column_shift.push_back(static_cast<float>(random.uniform(-bend, bend)));
  }
  return w;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(data_warp)

BOOST_AUTO_TEST_CASE(without_change_it_is_the_crop) {
  const auto from = made_micrograph(64, 70, 1, scattered, [](auto y, auto x) { return (y / 3 + x / 5) % 3; });
  warp w;
  w.row = 10 + 15;
  w.column = 20 + 15;
  const auto made = apply(from, w, 31);
  std::vector<float> pixels(31 * 31);
  std::vector<std::uint8_t> labels(31 * 31);
  crop_patch(from, 10, 20, 0, {pixels.data(), labels.data(), 31});
  BOOST_TEST((made.pixels == pixels));
  BOOST_TEST((made.labels == labels));
}

// The plain definition in doubles beside the vectorised stretches, for warps within the image and far across its borders.
BOOST_AUTO_TEST_CASE(random_warps_are_as_the_definition_says) {
  random_stream random(20240601);
  for (int round = 0; round < 60; ++round) {
    const std::size_t channels = round % 3 == 2 ? 3 : 1, h = 60 + 40 * (round % 4), w = 90;
    const auto from = made_micrograph(h, w, channels, scattered, [](auto y, auto x) { return (y / 4 + 2 * (x / 3)) % 3; });
    const std::int64_t size = 17 + 5 * (round % 6);
    const auto chosen = random_warp(random, random.uniform(0, static_cast<double>(h)), random.uniform(0, 90),
                                    round % 2 == 0 ? 1.2 : 0.3, round % 5, 3);
    const auto made = apply(from, chosen, size);
    double worst = 0;
    std::size_t other = 0;
    for (std::int64_t i = 0; i < size; ++i)
      for (std::int64_t j = 0; j < size; ++j) {
        const auto [row, column] = source_of(chosen, size, i, j);
        const auto at = static_cast<std::size_t>(i * size + j);
        for (std::size_t c = 0; c < channels; ++c)
          worst = std::max(worst, std::abs(static_cast<double>(made.pixels[at * channels + c]) - level_at(from, row, column, c)));
        const auto y =
            static_cast<std::size_t>(reflect(static_cast<std::int64_t>(std::floor(row + 0.5)), static_cast<std::int64_t>(h)));
        const auto x =
            static_cast<std::size_t>(reflect(static_cast<std::int64_t>(std::floor(column + 0.5)), static_cast<std::int64_t>(w)));
        other += made.labels[at] != from.labels(y, x);
      }
    BOOST_TEST(worst < 2e-4);
    BOOST_TEST(other <= 1u);  // a point within rounding of the middle between two pixels
  }
}

// What bilinear interpolation must reproduce exactly, far from the corner of a wide image: a plane.
BOOST_AUTO_TEST_CASE(a_plane_stays_a_plane_anywhere_in_a_wide_image) {
  const std::size_t width = 30000;
  const auto from = made_micrograph(
      100, width, 1, [](auto y, auto x, auto) { return 0.25 * static_cast<double>(y) + 0.001 * static_cast<double>(x); },
      [](auto, auto) { return 0; });
  random_stream random(5);
  auto chosen = random_warp(random, 50, 29000, 0.6, 0, 0);
  const auto made = apply(from, chosen, 41);
  double worst = 0;
  for (std::int64_t i = 0; i < 41; ++i)
    for (std::int64_t j = 0; j < 41; ++j) {
      const auto [row, column] = source_of(chosen, 41, i, j);
      worst = std::max(worst, std::abs(made.pixels[static_cast<std::size_t>(i * 41 + j)] - (0.25 * row + 0.001 * column)));
    }
  BOOST_TEST(worst < 2e-5);
}

BOOST_AUTO_TEST_CASE(an_image_of_one_pixel_is_constant) {
  const auto from = made_micrograph(
      1, 1, 1, [](auto, auto, auto) { return 0.75; }, [](auto, auto) { return 2; });
  random_stream random(6);
  const auto made = apply(from, random_warp(random, 0, 0, 1, 2, 4), 9);
  for (const auto level : made.pixels) BOOST_TEST(level == 0.75F);
  for (const auto label : made.labels) BOOST_TEST(label == 2);
}

BOOST_AUTO_TEST_SUITE_END()
