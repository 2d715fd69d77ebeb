#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <random>
#include <vector>

#include <axonzoo/data/resample.hpp>

#include "made_folder.hpp"

using namespace axonzoo;

namespace {

image noise(std::size_t h, std::size_t w, std::size_t c, unsigned seed) {
  std::mt19937 random(seed);
  image made = image::from_shape({h, w, c});
  for (auto& level : made) level = static_cast<float>(random() % 256);
  return made;
}

double mean(const image& of) {
  double sum = 0;
  for (const float level : of) sum += static_cast<double>(level);
  return sum / static_cast<double>(of.size());
}

/// The mean over each output pixel's rectangle of the input, by its definition.
image area_mean(const image& from, std::size_t height, std::size_t width) {
  image to = image::from_shape({height, width, from.shape(2)});
  const double dy = static_cast<double>(from.shape(0)) / static_cast<double>(height), dx = static_cast<double>(from.shape(1)) / static_cast<double>(width);
  const auto covered = [](double begin, double end, std::size_t pixel) {
    return std::max(0., std::min(end, static_cast<double>(pixel) + 1) - std::max(begin, static_cast<double>(pixel)));
  };
  for (std::size_t y = 0; y < height; ++y)
    for (std::size_t x = 0; x < width; ++x)
      for (std::size_t c = 0; c < from.shape(2); ++c) {
        double sum = 0;
        for (std::size_t i = 0; i < from.shape(0); ++i)
          for (std::size_t j = 0; j < from.shape(1); ++j)
            sum += covered(static_cast<double>(y) * dy, static_cast<double>(y + 1) * dy, i) *
                   covered(static_cast<double>(x) * dx, static_cast<double>(x + 1) * dx, j) * static_cast<double>(from(i, j, c));
        to(y, x, c) = static_cast<float>(sum / dy / dx);
      }
  return to;
}

double largest_difference(const image& a, const image& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(static_cast<double>(a.data()[i]) - static_cast<double>(b.data()[i])));
  return largest;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(data_resample)

BOOST_AUTO_TEST_CASE(shrinking_is_the_area_mean) {
  for (const auto& [h, w] : std::vector<std::pair<std::size_t, std::size_t>>{{37, 41}, {19, 7}, {24, 13}, {1, 1}, {36, 40}, {37, 1}}) {
    for (const std::size_t c : {1, 3}) {
      const auto from = noise(37, 41, c, std::random_device{}());
      const auto to = resample(from, h, w);
      BOOST_TEST(largest_difference(to, area_mean(from, h, w)) < 2e-4, h << " x " << w);
      BOOST_TEST(mean(to) == mean(from), boost::test_tools::tolerance(1e-6));
    }
  }
}

BOOST_AUTO_TEST_CASE(ratios_that_floating_point_cannot_hold) {
  for (std::size_t in : {1u, 2u, 3u, 7u, 49u, 100u, 333u})
    for (std::size_t out = 1; out <= 2 * in; ++out) {
      const auto taps = detail::make_taps(in, out);
      std::vector<double> total(in);
      for (std::size_t o = 0; o < out; ++o) {
        double sum = 0;
        BOOST_REQUIRE(taps.first[o] + taps.taps <= in);
        for (std::size_t k = 0; k < taps.taps; ++k) {
          sum += static_cast<double>(taps.weight[o * taps.taps + k]);
          total[taps.first[o] + k] += static_cast<double>(taps.weight[o * taps.taps + k]);
        }
        BOOST_REQUIRE_SMALL(sum - 1, 1e-6);
      }
      if (out > in) continue;
      for (const double share : total) BOOST_REQUIRE_SMALL(share * static_cast<double>(in) / static_cast<double>(out) - 1, 1e-5);
    }
}

BOOST_AUTO_TEST_CASE(constants_and_ramps_stay) {
  image flat = image::from_shape({20, 30, 1}), ramp = flat;
  flat.fill(93);
  for (std::size_t y = 0; y < 20; ++y)
    for (std::size_t x = 0; x < 30; ++x) ramp(y, x, 0) = 5.f * static_cast<float>(y) - 2.f * static_cast<float>(x);
  for (const auto& [h, w] : std::vector<std::pair<std::size_t, std::size_t>>{{20, 30}, {31, 47}, {13, 11}, {60, 90}, {9, 61}, {10, 10}, {4, 45}}) {
    for (const float level : resample(flat, h, w)) BOOST_REQUIRE_SMALL(level - 93, 1e-4f);
    const auto moved = resample(ramp, h, w);
    const double dy = 20. / static_cast<double>(h), dx = 30. / static_cast<double>(w);
    for (std::size_t y = 0; y < h; ++y)
      for (std::size_t x = 0; x < w; ++x) {
        const double at_y = (static_cast<double>(y) + 0.5) * dy - 0.5, at_x = (static_cast<double>(x) + 0.5) * dx - 0.5;
        if (at_y < 1 || at_y > 18 || at_x < 1 || at_x > 28) continue;  // the edge is repeated beyond the image
        // The mean over parts of pixels is off by up to an eighth of a pixel; over whole pixels it is not.
        const double off = (h < 20 && 20 % h ? 5 / dy / 8 : 0) + (w < 30 && 30 % w ? 2 / dx / 8 : 0);
        BOOST_REQUIRE_SMALL(static_cast<double>(moved(y, x, 0)) - (5 * at_y - 2 * at_x), off + 1e-3);
      }
  }
}

BOOST_AUTO_TEST_CASE(growing_reproduces_parabolas_and_samples) {
  image curve = image::from_shape({1, 16, 1});
  for (std::size_t x = 0; x < 16; ++x) curve(0, x, 0) = static_cast<float>(x * x);
  const auto triple = resample(curve, 1, 48);
  for (std::size_t x = 6; x < 42; ++x) {
    const double at = (static_cast<double>(x) + 0.5) / 3 - 0.5;
    BOOST_TEST(static_cast<double>(triple(0, x, 0)) == at * at, boost::test_tools::tolerance(1e-5));  // Catmull-Rom is exact to degree 2
  }
  for (std::size_t x = 0; x < 16; ++x) BOOST_TEST(triple(0, 3 * x + 1, 0) == curve(0, x, 0));  // centres that fall together
  const auto same = noise(5, 6, 3, 1);
  BOOST_TEST((resample(same, 5, 6) == same));
}

BOOST_AUTO_TEST_CASE(labels_take_the_nearest) {
  label_image from = label_image::from_shape({4, 6});
  for (std::size_t i = 0; i < from.size(); ++i) from.data()[i] = static_cast<std::uint8_t>(i);
  const auto up = resample_labels(from, 8, 12), down = resample_labels(from, 2, 2);
  for (std::size_t y = 0; y < 8; ++y)
    for (std::size_t x = 0; x < 12; ++x) BOOST_TEST(up(y, x) == from(y / 2, x / 2));
  BOOST_TEST(down(0, 0) == from(1, 1));
  BOOST_TEST(down(1, 1) == from(3, 4));
  BOOST_TEST((resample_labels(from, 4, 6) == from));
  BOOST_TEST((resample_labels(up, 4, 6) == from));
}

BOOST_AUTO_TEST_CASE(size_at_a_pixel_size) {
  using pair = std::pair<std::size_t, std::size_t>;
  BOOST_TEST((size_at(2001, 1000, 0.07, 0.13) == pair{1077, 538}));
  BOOST_TEST((size_at(600, 600, 0.00493, 0.01) == pair{296, 296}));
  BOOST_TEST((size_at(1, 1, 0.01, 1) == pair{1, 1}));
  BOOST_TEST((size_at(10, 20, 0.01, 0) == pair{10, 20}));
  BOOST_TEST(says(sentence_of([] { (void)size_at(600, 600, 0, 0.1); }), {"600 x 600", "positive"}));
  BOOST_TEST(says(sentence_of([] { (void)size_at(600, 600, 0.1, std::numeric_limits<double>::quiet_NaN()); }), {"positive"}));
  BOOST_TEST(says(sentence_of([] { (void)size_at(600, 600, 100, 0.1); }), {"500 million"}));
  BOOST_TEST(says(sentence_of([] { (void)resample(image::from_shape({0, 3, 1}), 2, 2); }), {"no pixels"}));
}

BOOST_AUTO_TEST_SUITE_END()
