#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include <boost/test/unit_test.hpp>

#include <axonzoo/measure/components.hpp>

#include "drawing.hpp"

namespace {

/// Fills each component from its first pixel in raster order, pixel by pixel.
axonzoo::instance_image by_filling(const axonzoo::label_image& labels, std::uint8_t value) {
  axonzoo::instance_image found = axonzoo::instance_image::from_shape(labels.shape());
  found.fill(0);
  std::int32_t components = 0;
  for (std::size_t y = 0; y < labels.shape(0); ++y) {
    for (std::size_t x = 0; x < labels.shape(1); ++x) {
      if (labels(y, x) != value || found(y, x) != 0) continue;
      found(y, x) = ++components;
      std::vector<std::pair<std::size_t, std::size_t>> waiting = {{y, x}};
      while (!waiting.empty()) {
        const auto [row, column] = waiting.back();
        waiting.pop_back();
        for (std::size_t v = std::max<std::size_t>(row, 1) - 1; v < std::min(row + 2, labels.shape(0)); ++v) {
          for (std::size_t u = std::max<std::size_t>(column, 1) - 1; u < std::min(column + 2, labels.shape(1)); ++u) {
            if (labels(v, u) != value || found(v, u) != 0) continue;
            found(v, u) = components;
            waiting.emplace_back(v, u);
          }
        }
      }
    }
  }
  return found;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(measure_components)

BOOST_AUTO_TEST_CASE(corners_join_and_numbers_follow_the_raster) {
  const auto labels = drawing::labels_of({"..A..A", ".A..A.", "A..ooA", "......", "AA.A.A"});
  BOOST_TEST(
      (axonzoo::connected_components(labels, 2) == drawing::instances_of({"..1..2", ".1..2.", "1....2", "......", "33.4.5"})));
}

BOOST_AUTO_TEST_CASE(arms_that_meet_late_are_one) {
  const auto labels = drawing::labels_of({"A.A.A", "A.A.A", "A.AAA", "AAA.."});
  BOOST_TEST((axonzoo::connected_components(labels, 2) == drawing::instances_of({"1.1.1", "1.1.1", "1.111", "111.."})));
}

BOOST_AUTO_TEST_CASE(equal_to_filling_on_random_masks) {
  const unsigned first = std::random_device{}();
  for (unsigned seed = first; seed < first + 20; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      const auto labels = drawing::random_tissue(61, 1 + seed % 90, seed);
      for (const std::uint8_t value : {0, 1, 2}) {
        BOOST_TEST((axonzoo::connected_components(labels, value) == by_filling(labels, value)));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(one_pixel_and_none) {
  BOOST_TEST(axonzoo::connected_components(drawing::blank(1, 1, 2), 2)(0, 0) == 1);
  BOOST_TEST(axonzoo::connected_components(drawing::blank(1, 1, 0), 2)(0, 0) == 0);
  BOOST_TEST(axonzoo::component_runs(drawing::blank(0, 0), 2).empty());
}

BOOST_AUTO_TEST_SUITE_END()
