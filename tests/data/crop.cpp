#include <cstdint>
#include <set>
#include <vector>

#include <boost/test/unit_test.hpp>

#include <axonzoo/data/crop.hpp>

#include "made_micrograph.hpp"

using namespace axonzoo;

namespace {

struct cut {
  std::vector<float> pixels;
  std::vector<std::uint8_t> labels;
};

cut crop(const prepared_micrograph& from, std::int64_t top, std::int64_t left, quarter_turn turn, std::int64_t size) {
  const auto n = static_cast<std::size_t>(size * size);
  cut made{std::vector<float>(n * from.pixels.shape(2), -9), std::vector<std::uint8_t>(n, 99)};
  crop_patch(from, top, left, turn, {made.pixels.data(), made.labels.data(), size});
  return made;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(data_crop)

BOOST_AUTO_TEST_CASE(a_line_is_mirrored_at_its_ends) {
  const std::vector<std::int64_t> expected{1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1};
  for (std::int64_t i = 0; i < 13; ++i) BOOST_TEST(reflect(i - 5, 3) == expected[static_cast<std::size_t>(i)]);
  for (const std::int64_t at : {-1000, -1, 0, 1, 77}) BOOST_TEST(reflect(at, 1) == 0);
}

// Against the definition, pixel by pixel, for grey and colour, sizes within and across a block of 16 and beyond the image.
BOOST_AUTO_TEST_CASE(every_turn_takes_the_pixels_that_it_names) {
  for (const std::size_t channels : {1, 3}) {
    const auto from = made_micrograph(40, 53, channels, scattered, [](auto y, auto x) { return (7 * y + 3 * x) % 5; });
    for (const std::int64_t size : {1, 7, 16, 33, 60})
      for (quarter_turn turn = 0; turn < 8; ++turn) {
        const std::int64_t top = size == 60 ? -13 : 5, left = size == 60 ? -4 : 9;
        const auto made = crop(from, top, left, turn, size);
        std::size_t wrong = 0;
        for (std::int64_t i = 0; i < size; ++i)
          for (std::int64_t j = 0; j < size; ++j) {
            std::int64_t y = (turn & 4U) != 0 ? j : i, x = (turn & 4U) != 0 ? i : j;
            if ((turn & 1U) != 0) y = size - 1 - y;
            if ((turn & 2U) != 0) x = size - 1 - x;
            const auto row = static_cast<std::size_t>(reflect(top + y, 40)),
                       column = static_cast<std::size_t>(reflect(left + x, 53));
            const auto at = static_cast<std::size_t>(i * size + j);
            for (std::size_t c = 0; c < channels; ++c) wrong += made.pixels[at * channels + c] != from.pixels(row, column, c);
            wrong += made.labels[at] != from.labels(row, column);
          }
        BOOST_TEST(wrong == 0u);
      }
  }
}

BOOST_AUTO_TEST_CASE(the_eight_turns_differ) {
  const auto from = made_micrograph(20, 20, 1, scattered, [](auto, auto) { return 0; });
  std::set<std::vector<float>> seen;
  for (quarter_turn turn = 0; turn < 8; ++turn) seen.insert(crop(from, 3, 4, turn, 11).pixels);
  BOOST_TEST(seen.size() == 8u);
}

BOOST_AUTO_TEST_CASE(a_micrograph_without_masks_gives_background) {
  auto from = made_micrograph(20, 20, 1, scattered, [](auto, auto) { return 1; });
  from.labels = label_image();
  for (const auto label : crop(from, 0, 0, 5, 8).labels) BOOST_TEST(label == 0);
}

BOOST_AUTO_TEST_SUITE_END()
