#include <boost/test/unit_test.hpp>

#include <limits>
#include <string>

#include <axonzoo/data/read.hpp>

#include "made_folder.hpp"

using namespace axonzoo;

namespace {

micrograph with_mask(const made_folder& made, mask_file::kind how, std::uint8_t label, const std::function<int(std::size_t, std::size_t)>& level) {
  micrograph one;
  one.path = made.png("image.png", 1, 256, 7);
  one.masks = {{made.png("mask.png", 1, 256, level), how, label}};
  return one;
}

int ramp(std::size_t, std::size_t x) { return static_cast<int>(x); }

}  // namespace

BOOST_AUTO_TEST_SUITE(data_read)

BOOST_AUTO_TEST_CASE(thresholds) {
  made_folder made;
  const auto both = read_labels(with_mask(made, mask_file::kind::axonmyelin, 0, ramp));
  const auto binary = read_labels(with_mask(made, mask_file::kind::binary, 2, ramp));
  const auto instances = read_labels(with_mask(made, mask_file::kind::index, 1, ramp));
  const auto classes = read_labels(with_mask(made, mask_file::kind::index, 0, ramp));
  for (std::size_t x = 0; x < 256; ++x) {
    BOOST_TEST(both(0, x) == (x < 64 ? 0 : x <= 191 ? 1 : 2));
    BOOST_TEST(binary(0, x) == (x > 127 ? 2 : 0));
    BOOST_TEST(instances(0, x) == (x > 0 ? 1 : 0));
    BOOST_TEST(classes(0, x) == x);
  }
}

BOOST_AUTO_TEST_CASE(small_numbers_are_classes_too) {
  made_folder made;
  const auto both = read_labels(with_mask(made, mask_file::kind::axonmyelin, 0, [](auto, auto x) { return static_cast<int>(x % 3); }));
  const auto binary = read_labels(with_mask(made, mask_file::kind::binary, 1, [](auto, auto x) { return static_cast<int>(x % 2); }));
  BOOST_TEST(both(0, 4) == 1);
  BOOST_TEST(both(0, 5) == 2);
  BOOST_TEST(binary(0, 5) == 1);
  BOOST_TEST(binary(0, 4) == 0);
}

BOOST_AUTO_TEST_CASE(first_channel_of_a_colour_mask) {
  made_folder made;
  micrograph one;
  one.path = made.png("image.png", 2, 2, 7);
  one.masks = {{made.colour_png("mask.png", 2, 2, 128, 255, 0), mask_file::kind::axonmyelin, 0}};
  BOOST_TEST(read_labels(one)(1, 1) == 1);
}

BOOST_AUTO_TEST_CASE(refuses_in_one_sentence) {
  made_folder made;
  micrograph one;
  one.path = made.png("image.png", 3, 2, 7);
  BOOST_TEST(says(sentence_of([&] { (void)read_labels(one); }), {"image.png", "there is none"}));
  one.masks = {{made.png("mask.png", 2, 3, 7), mask_file::kind::binary, 1}};
  BOOST_TEST(says(sentence_of([&] { (void)read_labels(one); }), {"mask.png", "3 x 2", "image.png", "2 x 3"}));
  one.path = made.at("gone.png");
  BOOST_TEST(says(sentence_of([&] { (void)read_pixels(one); }), {"gone.png"}));
  xt::xtensor<float, 2> holes = xt::zeros<float>({2, 2});
  holes(1, 0) = std::numeric_limits<float>::quiet_NaN();
  one.path = made.at("holes.npy");
  write_npy(one.path, holes);
  BOOST_TEST(says(sentence_of([&] { (void)read_pixels(one); }), {"holes.npy", "not finite"}));
}

BOOST_AUTO_TEST_CASE(channels_as_asked) {
  made_folder made;
  micrograph grey, colour;
  grey.path = made.png("grey.png", 2, 3, 7);
  colour.path = made.colour_png("colour.png", 2, 3, 100, 50, 200);
  BOOST_TEST(read_pixels(grey).shape(2) == 1u);
  BOOST_TEST(read_pixels(colour).shape(2) == 3u);
  BOOST_TEST(read_pixels(grey, 3)(1, 2, 2) == 7.f);
  BOOST_TEST(read_pixels(colour, 1)(1, 2, 0) == 0.299f * 100 + 0.587f * 50 + 0.114f * 200, boost::test_tools::tolerance(1e-5f));
  BOOST_TEST(channels_of({{grey}, {}}) == 1u);
  BOOST_TEST(channels_of({{grey, colour}, {}}) == 3u);
}

BOOST_AUTO_TEST_CASE(a_jpeg_named_png_is_read) {
  made_folder made;
  micrograph one;
  one.path = made.jpeg("image.png", 16, 16, 95, [](auto, auto) { return 80; });
  BOOST_TEST(read_pixels(one)(8, 8, 0) == 80.f, boost::test_tools::tolerance(0.03f));
}

BOOST_AUTO_TEST_SUITE_END()
