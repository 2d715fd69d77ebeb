#include <cmath>
#include <limits>

#include <boost/test/unit_test.hpp>

#include <axonzoo/io/jpeg.hpp>
#include <axonzoo/report/encode_jpeg.hpp>
#include <axonzoo/report/html.hpp>
#include <axonzoo/report/overlay.hpp>
#include <axonzoo/report/scratch_folder.hpp>

#include "made_record.hpp"

namespace {

/// A ramp of levels from 0 to `top`, [H, W, 1].
axonzoo::image ramp(std::size_t height, std::size_t width, float top) {
  axonzoo::image pixels = axonzoo::image::from_shape({height, width, 1});
  for (std::size_t i = 0; i < pixels.size(); ++i)
    pixels.data()[i] = top * static_cast<float>(i) / static_cast<float>(pixels.size() - 1);
  return pixels;
}

axonzoo::label_image labels(std::size_t height, std::size_t width, std::uint8_t value) {
  axonzoo::label_image all = axonzoo::label_image::from_shape({height, width});
  all.fill(value);
  return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(report_overlay)

BOOST_AUTO_TEST_CASE(levels_are_stretched_whatever_their_range) {
  for (const float top : {1.f, 255.f, 65535.f, 1e-3f}) {
    const auto grey = axonzoo::grey_levels(ramp(50, 40, top));
    BOOST_TEST(int(grey(0, 0)) == 0);
    BOOST_TEST(int(grey(49, 39)) == 255);
    BOOST_TEST(std::abs(grey(25, 0) - 128) <= 1);
  }
  axonzoo::image constant = ramp(3, 3, 0);
  BOOST_TEST(int(axonzoo::grey_levels(constant)(1, 1)) == 128);
  auto broken = ramp(10, 10, 1);
  broken(0, 5, 0) = std::numeric_limits<float>::quiet_NaN();
  BOOST_TEST(int(axonzoo::grey_levels(broken)(0, 5)) == 0);
  axonzoo::image coloured = axonzoo::image::from_shape({1, 2, 3});
  coloured.fill(0);
  coloured(0, 1, 1) = 10;  // green alone
  BOOST_TEST(int(axonzoo::grey_levels(coloured)(0, 1)) == 255);
}

BOOST_AUTO_TEST_CASE(tints_leave_the_background_grey) {
  auto predicted = labels(50, 40, 0);
  predicted(20, 20) = 1;
  predicted(21, 20) = 2;
  const axonzoo::overlay_style style;
  const auto pixels = ramp(50, 40, 200);
  const auto grey = axonzoo::grey_levels(pixels);
  const auto drawn = axonzoo::overlay(pixels, predicted);
  for (std::size_t c = 0; c < 3; ++c) {
    BOOST_TEST(int(drawn(5, 5, c)) == int(grey(5, 5)));
    BOOST_TEST(std::abs(drawn(20, 20, c) - (grey(20, 20) * (1 - style.opacity) + style.myelin[c] * style.opacity)) <= 1);
    BOOST_TEST(std::abs(drawn(21, 20, c) - (grey(21, 20) * (1 - style.opacity) + style.axon[c] * style.opacity)) <= 1);
  }
}

BOOST_AUTO_TEST_CASE(outlines_run_along_the_manual_edges) {
  const auto nothing = labels(20, 20, 0);
  auto manual = nothing;
  for (std::size_t y = 6; y < 14; ++y)
    for (std::size_t x = 6; x < 14; ++x) manual(y, x) = 2;
  const auto pixels = ramp(20, 20, 100);
  const auto plain = axonzoo::overlay(pixels, nothing), drawn = axonzoo::overlay(pixels, nothing, &manual);
  for (const std::size_t x : {5u, 6u, 13u, 14u}) BOOST_TEST(int(drawn(10, x, 0)) == 255);  // both sides of an edge
  BOOST_TEST(int(drawn(10, 4, 0)) < int(plain(10, 4, 0)));                                 // the rim
  for (const auto& [y, x] : {std::pair{10u, 10u}, {0u, 0u}, {19u, 2u}}) BOOST_TEST(int(drawn(y, x, 1)) == int(plain(y, x, 1)));
}

BOOST_AUTO_TEST_CASE(sizes_must_fit) {
  const auto says = [](const axonzoo::error& e) { return contains(e.what(), "not of the image's size, 20 x 10"); };
  const auto good = labels(10, 20, 0), bad = labels(10, 21, 0);
  BOOST_CHECK_EXCEPTION((void)axonzoo::overlay(ramp(10, 20, 1), bad), axonzoo::error, says);
  BOOST_CHECK_EXCEPTION((void)axonzoo::overlay(ramp(10, 20, 1), good, &bad), axonzoo::error, says);
  BOOST_CHECK_THROW((void)axonzoo::grey_levels(axonzoo::image::from_shape({0, 4, 1})), axonzoo::error);
}

BOOST_AUTO_TEST_CASE(jpeg_comes_back) {
  axonzoo::rgb_image picture = axonzoo::rgb_image::from_shape({33, 47, 3});
  for (std::size_t y = 0; y < 33; ++y)
    for (std::size_t x = 0; x < 47; ++x)
      picture(y, x, 0) = static_cast<std::uint8_t>(5 * x), picture(y, x, 1) = static_cast<std::uint8_t>(7 * y),
                    picture(y, x, 2) = 90;
  const axonzoo::scratch_folder folder;
  write_text(folder / "a.jpg", axonzoo::encode_jpeg(picture, 95));
  const auto back = axonzoo::read_jpeg(folder / "a.jpg");
  BOOST_REQUIRE(back.shape(0) == 33u);
  BOOST_REQUIRE(back.shape(1) == 47u);
  double worst = 0;
  for (std::size_t i = 0; i < back.size(); ++i) worst = std::max(worst, std::abs(double(back.data()[i]) - picture.data()[i]));
  BOOST_TEST(worst < 12);
  BOOST_CHECK_THROW((void)axonzoo::encode_jpeg(axonzoo::rgb_image::from_shape({0, 4, 3})), axonzoo::error);
}

BOOST_AUTO_TEST_CASE(text_for_a_page) {
  BOOST_TEST(axonzoo::html("<a href=\"x\">'&'") == "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;");
  // RFC 4648, section 10
  for (const auto& [plain, coded] : {std::pair{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}})
    BOOST_TEST(axonzoo::base64(plain) == coded);
  BOOST_TEST(axonzoo::base64("\xff\xfe\xfd") == "//79");
}

BOOST_AUTO_TEST_SUITE_END()
