#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <png.h>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include <axonzoo/io/png.hpp>

#include "fresh.hpp"

using namespace axonzoo;
using namespace axonzoo::testing;

namespace {

/// Writes rows of packed samples as libpng takes them, as any other program would.
void write_reference(const std::filesystem::path& path, std::size_t height, std::size_t width, int bits, int colour,
                     const std::vector<std::uint8_t>& bytes, bool interlaced = false, const std::vector<png_color>& palette = {},
                     bool transparent = false) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_init_io(png, file);
  png_set_IHDR(png, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height), bits, colour,
               interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (!palette.empty()) png_set_PLTE(png, info, palette.data(), static_cast<int>(palette.size()));
  const std::array<png_byte, 1> alpha{0};
  png_color_16 key{};
  if (transparent) png_set_tRNS(png, info, palette.empty() ? nullptr : alpha.data(), 1, palette.empty() ? &key : nullptr);
  png_write_info(png, info);
  std::vector<png_bytep> rows(height);
  for (std::size_t y = 0; y < height; ++y) rows[y] = const_cast<png_bytep>(bytes.data() + y * (bytes.size() / height));
  png_write_image(png, rows.data());
  png_write_end(png, nullptr);
  png_destroy_write_struct(&png, &info);
  std::fclose(file);
}

std::string chunk(const std::string& type, const std::string& data) {
  const auto number = [](std::uint32_t n) {
    return std::string{static_cast<char>(n >> 24), static_cast<char>(n >> 16), static_cast<char>(n >> 8), static_cast<char>(n)};
  };
  std::uint32_t crc = 0xFFFFFFFF;
  for (const char c : type + data) {
    crc ^= static_cast<unsigned char>(c);
    for (int k = 0; k < 8; ++k) crc = (crc & 1) != 0 ? 0xEDB88320 ^ crc >> 1 : crc >> 1;
  }
  return number(static_cast<std::uint32_t>(data.size())) + type + data + number(~crc);
}

std::string hostile(std::uint32_t width, std::uint32_t height) {
  std::string data;
  for (const std::uint32_t n : {width, height})
    for (int shift = 24; shift >= 0; shift -= 8) data += static_cast<char>(n >> shift);
  data += std::string("\x08\x02\x00\x00\x00", 5);
  return std::string("\x89PNG\r\n\x1a\n") + chunk("IHDR", data) + chunk("IDAT", "junk") + chunk("IEND", "");
}

std::vector<std::uint8_t> random_bytes(std::mt19937_64& random, std::size_t n) {
  std::vector<std::uint8_t> bytes(n);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(io_png)

BOOST_AUTO_TEST_CASE(every_colour_type_and_depth_has_its_levels) {
  const fresh_folder folder;
  auto random = fresh_random();
  const auto path = folder / "a.png";
  struct kind {
    int colour;
    std::size_t samples, channels;
  };
  const kind kinds[] = {{PNG_COLOR_TYPE_GRAY, 1, 1},
                        {PNG_COLOR_TYPE_GRAY_ALPHA, 2, 1},
                        {PNG_COLOR_TYPE_RGB, 3, 3},
                        {PNG_COLOR_TYPE_RGB_ALPHA, 4, 3}};
  for (const auto& [colour, samples, channels] : kinds)
    for (const int bits : {8, 16})
      for (const bool interlaced : {false, true}) {
        const std::size_t height = 1 + random() % 20, width = 1 + random() % 20, item = static_cast<std::size_t>(bits) / 8;
        const auto bytes = random_bytes(random, height * width * samples * item);
        write_reference(path, height, width, bits, colour, bytes, interlaced);
        const image_size size = read_png_size(path);
        BOOST_TEST((size.height == height && size.width == width && size.channels == channels && size.bits == bits));
        const image pixels = read_png(path);
        BOOST_REQUIRE((pixels.shape() == std::array<std::size_t, 3>{height, width, channels}));
        bool equal = true;
        for (std::size_t i = 0; i < height * width; ++i)
          for (std::size_t c = 0; c < channels; ++c) {
            const std::size_t at = (i * samples + c) * item;
            equal = equal && pixels.data()[i * channels + c] == (item == 1 ? bytes[at] : bytes[at] * 256 + bytes[at + 1]);
          }
        BOOST_TEST(equal, "colour type " << colour << ", " << bits << " bits");
      }
}

BOOST_AUTO_TEST_CASE(few_bits_span_0_to_255_and_palettes_become_colours) {
  const fresh_folder folder;
  auto random = fresh_random();
  const auto path = folder / "a.png";
  const std::size_t height = 9, width = 13;
  for (const int bits : {1, 2, 4, 8})
    for (const bool with_palette : {false, true}) {
      if (bits == 8 && !with_palette) continue;
      const std::size_t row = (width * static_cast<std::size_t>(bits) + 7) / 8;
      const auto bytes = random_bytes(random, height * row);
      std::vector<png_color> palette(with_palette ? std::size_t{1} << bits : 0);
      for (auto& each : palette)
        each = {static_cast<png_byte>(random()), static_cast<png_byte>(random()), static_cast<png_byte>(random())};
      for (const bool transparent : {false, true}) {
        write_reference(path, height, width, bits, with_palette ? PNG_COLOR_TYPE_PALETTE : PNG_COLOR_TYPE_GRAY, bytes, false,
                        palette, transparent);
        const image pixels = read_png(path);
        BOOST_TEST(read_png_size(path).bits == 8);
        BOOST_REQUIRE(pixels.shape(2) == (with_palette ? 3u : 1u));
        bool equal = true;
        for (std::size_t y = 0; y < height; ++y)
          for (std::size_t x = 0; x < width; ++x) {
            const std::size_t bit = x * static_cast<std::size_t>(bits);
            const int value = bytes[y * row + bit / 8] >> (8 - bits - static_cast<int>(bit % 8)) & ((1 << bits) - 1);
            if (with_palette) {
              const png_color colour = palette[static_cast<std::size_t>(value)];
              equal = equal && pixels(y, x, 0) == colour.red && pixels(y, x, 1) == colour.green && pixels(y, x, 2) == colour.blue;
            } else {
              equal = equal && pixels(y, x, 0) == value * 255 / ((1 << bits) - 1);
            }
          }
        BOOST_TEST(equal, bits << " bits, palette " << with_palette << ", transparent " << transparent);
      }
    }
}

BOOST_AUTO_TEST_CASE(what_is_written_is_read) {
  const fresh_folder folder;
  auto random = fresh_random();
  for (const auto& [height, width] :
       {std::pair<std::size_t, std::size_t>{1, 1}, {1, 300}, {300, 1}, {1 + random() % 200, 1 + random() % 200}}) {
    label_image labels = label_image::from_shape({height, width});
    for (auto& value : labels) value = static_cast<std::uint8_t>(random());
    write_png(folder / "labels.png", labels);
    const image grey = read_png(folder / "labels.png");
    BOOST_TEST(grey.shape(2) == 1u);
    BOOST_TEST((std::equal(grey.begin(), grey.end(), labels.begin(), labels.end())));

    rgb_image picture = rgb_image::from_shape({height, width, std::size_t{3}});
    for (auto& value : picture) value = static_cast<std::uint8_t>(random());
    write_png(folder / "picture.png", picture);
    const image colours = read_png(folder / "picture.png");
    BOOST_TEST(colours.shape(2) == 3u);
    BOOST_TEST((std::equal(colours.begin(), colours.end(), picture.begin(), picture.end())));
  }
  label_image flat = label_image::from_shape({1000, 1000});
  flat.fill(127);
  write_png(folder / "flat.png", flat);
  BOOST_TEST(std::filesystem::file_size(folder / "flat.png") < 5000u);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_written_is_a_sentence) {
  const fresh_folder folder;
  const label_image none = label_image::from_shape({0, 7});
  std::string sentence = sentence_of([&] { write_png(folder / "a.png", none); });
  BOOST_TEST(says(sentence, (folder / "a.png").string(), "7 x 0 pixels"), sentence);
  const rgb_image two = rgb_image::from_shape({4, 4, 2});
  sentence = sentence_of([&] { write_png(folder / "a.png", two); });
  BOOST_TEST(says(sentence, (folder / "a.png").string(), "2 channels"), sentence);
  BOOST_TEST(folder.files() == 0u);

  auto random = fresh_random();
  label_image noise = label_image::from_shape({300, 300});
  for (auto& value : noise) value = static_cast<std::uint8_t>(random());
  put(folder / "a.png", "old");
  {
    const small_disk full(1 << 14);
    sentence = sentence_of([&] { write_png(folder / "a.png", noise); });
  }
  BOOST_TEST(says(sentence, (folder / "a.png").string(), "File too large"), sentence);
  BOOST_TEST(get(folder / "a.png") == "old");
}

BOOST_AUTO_TEST_CASE(every_prefix_is_refused) {
  const fresh_folder folder;
  auto random = fresh_random();
  write_reference(folder / "a.png", 5, 6, 8, PNG_COLOR_TYPE_RGB, random_bytes(random, 90));
  const std::string bytes = get(folder / "a.png");
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    put(folder / "cut.png", bytes.substr(0, n));
    const std::string sentence = sentence_of([&] { (void)read_png(folder / "cut.png"); });
    BOOST_TEST(says(sentence, "cannot read image '" + (folder / "cut.png").string()), n << " bytes: " << sentence);
  }
}

BOOST_AUTO_TEST_CASE(a_changed_byte_never_passes_as_another_picture) {
  const fresh_folder folder;
  auto random = fresh_random();
  write_reference(folder / "a.png", 8, 8, 8, PNG_COLOR_TYPE_GRAY, random_bytes(random, 64));
  const std::string bytes = get(folder / "a.png");
  const image whole = read_png(folder / "a.png");
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    std::string damaged = bytes;
    damaged[n] = static_cast<char>(damaged[n] ^ (1 + random() % 255));
    put(folder / "damaged.png", damaged);
    try {
      BOOST_TEST((read_png(folder / "damaged.png") == whole), "byte " << n);
    } catch (const error&) {
    }
  }
}

BOOST_AUTO_TEST_CASE(absurd_sizes_are_refused_before_memory_is_asked_for) {
  const fresh_folder folder;
  const auto path = folder / "a.png";
  const auto of = [&](std::uint32_t width, std::uint32_t height) {
    put(path, hostile(width, height));
    const std::string sentence = sentence_of([&] { (void)read_png(path); });
    BOOST_TEST(sentence_of([&] { (void)read_png_size(path); }) == sentence);
    return sentence;
  };
  BOOST_TEST(says(of(1000000, 1000000), path.string(), "1000000 x 1000000 pixels, more than 1073741824", "cut it into parts"));
  BOOST_TEST(says(of(20000, 20000), path.string(), "20000 x 20000 pixels", "the file has only"));
  BOOST_TEST(says(of(0x7FFFFFFF, 0x7FFFFFFF), path.string(), "PNG: "));
  BOOST_TEST(says(of(0xFFFFFFFF, 1), path.string(), "PNG: "));
  BOOST_TEST(says(of(0, 5), path.string(), "PNG: "));
}

BOOST_AUTO_TEST_SUITE_END()
