#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include <axonzoo/io/jpeg.hpp>

#include "fresh.hpp"

using namespace axonzoo;
using namespace axonzoo::testing;

namespace {

struct jpeg_kind {
  int channels = 3;
  J_COLOR_SPACE space = JCS_RGB;
  bool progressive = false;
  int restart_rows = 0;
};

std::string encode(std::size_t height, std::size_t width, const std::vector<std::uint8_t>& bytes, const jpeg_kind& kind) {
  jpeg_compress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* out = nullptr;
  unsigned long n = 0;
  jpeg_mem_dest(&jpeg, &out, &n);
  jpeg.image_height = static_cast<JDIMENSION>(height);
  jpeg.image_width = static_cast<JDIMENSION>(width);
  jpeg.input_components = kind.channels;
  jpeg.in_color_space = kind.space;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, 100, TRUE);
  if (kind.channels == 3) jpeg.comp_info[0].h_samp_factor = jpeg.comp_info[0].v_samp_factor = 1;
  if (kind.progressive) jpeg_simple_progression(&jpeg);
  jpeg.restart_in_rows = kind.restart_rows;
  jpeg_start_compress(&jpeg, TRUE);
  while (jpeg.next_scanline < jpeg.image_height) {
    JSAMPROW row = const_cast<JSAMPROW>(bytes.data() + jpeg.next_scanline * width * static_cast<std::size_t>(kind.channels));
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  std::string encoded(reinterpret_cast<char*>(out), n);
  jpeg_destroy_compress(&jpeg);
  std::free(out);
  return encoded;
}

/// Smooth waves, so that the loss of JPEG at quality 100 stays within some levels.
std::vector<std::uint8_t> waves(std::mt19937_64& random, std::size_t height, std::size_t width, std::size_t channels) {
  const double phase = static_cast<double>(random() % 1000) / 100;
  std::vector<std::uint8_t> bytes;
  for (std::size_t y = 0; y < height; ++y)
    for (std::size_t x = 0; x < width; ++x)
      for (std::size_t c = 0; c < channels; ++c)
        bytes.push_back(static_cast<std::uint8_t>(
            128 + 100 * std::sin(phase + static_cast<double>(y) / 9 + static_cast<double>(x * (c + 1)) / 20)));
  return bytes;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(io_jpeg)

BOOST_AUTO_TEST_CASE(grey_and_colour_baseline_and_progressive) {
  const fresh_folder folder;
  auto random = fresh_random();
  for (const jpeg_kind& kind :
       {jpeg_kind{}, jpeg_kind{1, JCS_GRAYSCALE}, jpeg_kind{3, JCS_RGB, true}, jpeg_kind{3, JCS_RGB, false, 1}}) {
    const std::size_t height = 20 + random() % 40, width = 20 + random() % 40, channels = static_cast<std::size_t>(kind.channels);
    const auto bytes = waves(random, height, width, channels);
    put(folder / "a.png", encode(height, width, bytes, kind));
    const image_size size = read_jpeg_size(folder / "a.png");
    BOOST_TEST((size.height == height && size.width == width && size.channels == channels && size.bits == 8));
    const image pixels = read_jpeg(folder / "a.png");
    BOOST_REQUIRE((pixels.shape() == std::array<std::size_t, 3>{height, width, channels}));
    double furthest = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i)
      furthest = std::max(furthest, std::fabs(static_cast<double>(pixels.data()[i]) - bytes[i]));
    BOOST_TEST(furthest <= 6);
  }
}

BOOST_AUTO_TEST_CASE(every_prefix_is_refused_and_nothing_is_printed) {
  const fresh_folder folder;
  auto random = fresh_random();
  for (const bool progressive : {false, true}) {
    const std::string bytes = encode(24, 40, waves(random, 24, 40, 3), {3, JCS_RGB, progressive});
    for (std::size_t n = 0; n < bytes.size(); ++n) {
      put(folder / "cut.jpg", bytes.substr(0, n));
      const std::string sentence = sentence_of([&] { (void)read_jpeg(folder / "cut.jpg"); });
      BOOST_TEST(says(sentence, "cannot read image '" + (folder / "cut.jpg").string()), n << " bytes: " << sentence);
    }
  }
}

BOOST_AUTO_TEST_CASE(four_inks_are_refused) {
  const fresh_folder folder;
  put(folder / "a.jpg", encode(8, 8, std::vector<std::uint8_t>(256, 9), {4, JCS_CMYK}));
  const std::string sentence = sentence_of([&] { (void)read_jpeg(folder / "a.jpg"); });
  BOOST_TEST(says(sentence, (folder / "a.jpg").string(), "4 inks", "convert it to grey or RGB"), sentence);
}

BOOST_AUTO_TEST_CASE(absurd_sizes_are_refused) {
  const fresh_folder folder;
  std::string bytes = encode(8, 8, std::vector<std::uint8_t>(192, 9), {});
  const std::size_t at = bytes.find("\xff\xc0");
  BOOST_REQUIRE(at != std::string::npos);
  const auto of = [&](const char* height_and_width) {
    put(folder / "a.jpg", std::string(bytes).replace(at + 5, 4, height_and_width, 4));
    return sentence_of([&] { (void)read_jpeg(folder / "a.jpg"); });
  };
  BOOST_TEST(says(of("\xff\x00\xff\x00"), "65280 x 65280 pixels, more than"));
  BOOST_TEST(says(of("\x40\x00\x40\x00"), "16384 x 16384 pixels", "bytes"));
  BOOST_TEST(says(of("\x00\x00\x00\x08"), "JPEG: "));
}

BOOST_AUTO_TEST_SUITE_END()
