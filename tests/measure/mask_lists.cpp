// Run lengths, small regions and the suppression of boxes: what lists of masks are made with.
#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <algorithm>
#include <utility>
#include <vector>

#include <axonzoo/data/resize_8bit.hpp>
#include <axonzoo/measure/box_suppression.hpp>
#include <axonzoo/measure/run_lengths.hpp>
#include <axonzoo/measure/small_regions.hpp>

using namespace axonzoo;

BOOST_AUTO_TEST_SUITE(measure_mask_lists)

BOOST_AUTO_TEST_CASE(runs_go_down_the_columns) {
  const std::vector<std::uint8_t> mask{1, 0, 0,  //
                                       1, 1, 0};
  const run_lengths runs = encode_runs(mask.data(), 2, 3);
  BOOST_TEST((runs.counts == std::vector<std::int64_t>{0, 2, 1, 1, 2}));
  BOOST_TEST(runs.area() == 3);
  BOOST_TEST((decode_runs(runs) == mask));
  const std::vector<std::uint8_t> empty(6);
  BOOST_TEST((encode_runs(empty.data(), 2, 3).counts == std::vector<std::int64_t>{6}));
}

BOOST_AUTO_TEST_CASE(small_holes_and_islands) {
  auto mask = label_image::from_shape({8, 8});
  const auto fill = [&](std::size_t y0, std::size_t y1, std::size_t x0, std::size_t x1, std::uint8_t value) {
    for (std::size_t y = y0; y < y1; ++y)
      for (std::size_t x = x0; x < x1; ++x) mask(y, x) = value;
  };
  fill(0, 8, 0, 8, 0);
  fill(0, 5, 0, 5, 1);
  mask(2, 2) = 0;  // a hole
  mask(7, 7) = 1;  // an island
  BOOST_TEST(remove_small_regions(mask, 2));
  BOOST_TEST((mask(2, 2) == 1 && mask(7, 7) == 0 && mask(4, 4) == 1));
  BOOST_TEST(!remove_small_regions(mask, 2));
  BOOST_TEST(remove_small_regions(mask, 26));  // its only region is too small, and stays as the largest
  BOOST_TEST((mask(0, 0) == 1));
}

BOOST_AUTO_TEST_CASE(the_better_box_stays) {
  const std::vector<pixel_box> boxes{{0, 0, 10, 10}, {1, 0, 11, 10}, {20, 20, 30, 30}, {0, 0, 10, 10}};
  BOOST_TEST((suppress_boxes(boxes, {0.5f, 0.9f, 0.1f, 0.9f}, 0.7) == std::vector<std::size_t>{1, 2}));
  BOOST_TEST((suppress_boxes(boxes, {0.5f, 0.9f, 0.1f, 0.8f}, 0.9) == std::vector<std::size_t>{1, 3, 2}));
  BOOST_TEST(suppress_boxes({}, {}, 0.5).empty());
}

BOOST_AUTO_TEST_CASE(resizing_keeps_levels_and_halves_by_a_triangle) {
  auto picture = rgb_image::from_shape({4, 4, 3});
  std::fill(picture.begin(), picture.end(), std::uint8_t{77});
  for (const auto& [h, w] : {std::pair<std::size_t, std::size_t>{4, 4}, {1, 9}, {7, 2}})
    for (const auto level : resize_8bit(picture, h, w)) BOOST_TEST(level == 77);
  // the middle sample of 8 to 4: weights 1/8, 3/8, 3/8, 1/8
  auto row = rgb_image::from_shape({1, 8, 3});
  for (std::size_t x = 0; x < 8; ++x)
    for (std::size_t c = 0; c < 3; ++c) row(0, x, c) = x == 3 ? 160 : 0;
  const auto half = resize_8bit(row, 1, 4);
  BOOST_TEST((half(0, 1, 0) == 60 && half(0, 2, 1) == 20));
}

BOOST_AUTO_TEST_SUITE_END()
