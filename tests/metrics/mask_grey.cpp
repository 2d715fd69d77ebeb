#include <cstdint>
#include <string>

#include <boost/test/unit_test.hpp>

#include <axonzoo/metrics/mask_grey.hpp>

#include "../data/made_folder.hpp"

BOOST_AUTO_TEST_SUITE(metrics_mask_grey)

BOOST_AUTO_TEST_CASE(grey_levels_colours_and_numbers_are_read) {
  const made_folder folder;
  const auto grey =
      axonzoo::read_mask_grey(folder.png("grey.png", 3, 5, [](std::size_t y, std::size_t) { return y == 0 ? 128 : 255; }));
  BOOST_TEST(grey.levels(0, 4) == 128);
  BOOST_TEST(!grey.numbers);
  BOOST_TEST(axonzoo::read_mask_grey(folder.colour_png("colour.png", 1, 1, 127, 0, 255)).levels(0, 0) == 127);
  BOOST_TEST(axonzoo::read_mask_grey(folder.png("numbers.png", 2, 2, 2)).numbers);
  BOOST_TEST(axonzoo::read_mask_grey(folder.png("empty.png", 1, 1, 0)).levels(0, 0) == 0);
}

BOOST_AUTO_TEST_CASE(the_edges_that_jpeg_blurs_do_not_harm) {
  const made_folder folder;
  const auto mask =
      axonzoo::read_mask_grey(folder.jpeg("mask.jpg", 64, 64, 75, [](std::size_t y, std::size_t) { return y < 32 ? 0 : 255; }));
  BOOST_TEST(mask.levels(10, 10) < 20);
  BOOST_TEST(mask.levels(50, 10) > 235);
}

BOOST_AUTO_TEST_CASE(levels_that_mean_nothing_are_a_sentence) {
  const made_folder folder;
  const auto refuse = [&](const std::filesystem::path& path) { return sentence_of([&] { axonzoo::read_mask_grey(path); }); };
  BOOST_TEST(says(
      refuse(folder.png("micrograph.png", 16, 16, [](std::size_t y, std::size_t x) { return static_cast<int>(16 * y + x); })),
      {"micrograph.png", "256 grey levels", "store 0 and 255"}));
  BOOST_TEST(says(refuse(folder.png("instances.png", 16, 16, [](std::size_t, std::size_t x) { return static_cast<int>(x); })),
                  {"instances.png", "16 grey levels up to 15"}));
  BOOST_TEST(says(refuse(folder.text("text.png", "no picture")), {"text.png"}));
}

BOOST_AUTO_TEST_SUITE_END()
