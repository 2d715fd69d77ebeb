#include <algorithm>
#include <random>

#include <boost/test/unit_test.hpp>

#include <axonzoo/measure/distance.hpp>

#include "drawing.hpp"

namespace {

/// The definition: every pixel against every other.
xt::xtensor<std::int32_t, 2> by_definition(const axonzoo::label_image& labels, std::uint8_t value) {
  xt::xtensor<std::int32_t, 2> distance = xt::xtensor<std::int32_t, 2>::from_shape(labels.shape());
  const int height = static_cast<int>(labels.shape(0)), width = static_cast<int>(labels.shape(1));
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      std::int32_t nearest = labels(y, x) == value ? axonzoo::no_distance : 0;
      for (int v = 0; v < height && nearest > 0; ++v) {
        for (int u = 0; u < width; ++u) {
          if (labels(v, u) != value) nearest = std::min(nearest, (y - v) * (y - v) + (x - u) * (x - u));
        }
      }
      distance(y, x) = nearest;
    }
  }
  return distance;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(measure_distance)

BOOST_AUTO_TEST_CASE(equal_to_its_definition_on_random_masks) {
  const unsigned first = std::random_device{}();
  for (unsigned seed = first; seed < first + 20; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      const auto labels = drawing::random_tissue(40, 1 + seed % 50, seed);
      BOOST_TEST((axonzoo::squared_distance(labels, 2) == by_definition(labels, 2)));
      BOOST_TEST((axonzoo::squared_distance(labels, 0) == by_definition(labels, 0)));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_square_deepens_by_one_a_ring) {
  auto labels = drawing::blank(30, 30);
  drawing::rectangle(labels, 5, 6, 11, 11, 2);
  const auto distance = axonzoo::squared_distance(labels, 2);
  BOOST_TEST(distance(10, 11) == 36);
  BOOST_TEST(distance(5, 6) == 1);
  BOOST_TEST(distance(7, 11) == 9);
  BOOST_TEST(distance(4, 6) == 0);
}

BOOST_AUTO_TEST_CASE(the_border_of_the_image_is_no_outside) {
  auto labels = drawing::blank(1, 100, 2);
  labels(0, 99) = 0;
  const auto distance = axonzoo::squared_distance(labels, 2);
  BOOST_TEST(distance(0, 0) == 99 * 99);
  labels.fill(2);
  BOOST_TEST(axonzoo::squared_distance(labels, 2)(0, 50) == axonzoo::no_distance);
}

BOOST_AUTO_TEST_SUITE_END()
