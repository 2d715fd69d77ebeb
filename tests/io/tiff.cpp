#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <tiffio.h>
#include <type_traits>
#include <vector>

#include <boost/test/unit_test.hpp>

#include <axonzoo/io/tiff.hpp>

#include "fresh.hpp"

using namespace axonzoo;
using namespace axonzoo::testing;

namespace {

struct tiff_kind {
  std::uint16_t samples = 1, photometric = PHOTOMETRIC_MINISBLACK, compression = COMPRESSION_NONE, planes = PLANARCONFIG_CONTIG;
  std::uint32_t tile = 0;  ///< side of tiles, 0: strips of `rows`
  std::uint32_t rows = 4;
  const char* mode = "w";
};

/// Appends a page of samples [height, width, kind.samples] to an open file.
template <class Sample>
void add_page(TIFF* tiff, std::size_t height, std::size_t width, const std::vector<Sample>& samples, const tiff_kind& kind) {
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, static_cast<std::uint32_t>(width));
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, static_cast<std::uint32_t>(height));
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8 * sizeof(Sample));
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, kind.samples);
  TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT,
               std::is_floating_point_v<Sample> ? SAMPLEFORMAT_IEEEFP
               : std::is_signed_v<Sample>       ? SAMPLEFORMAT_INT
                                                : SAMPLEFORMAT_UINT);
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, kind.photometric);
  TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, kind.planes);
  TIFFSetField(tiff, TIFFTAG_COMPRESSION, kind.compression);
  const std::uint16_t colours = kind.photometric == PHOTOMETRIC_RGB ? 3 : 1;
  const std::vector<std::uint16_t> extra(4, EXTRASAMPLE_UNASSALPHA);
  if (kind.samples > colours) TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, kind.samples - colours, extra.data());
  if (kind.tile != 0) {
    TIFFSetField(tiff, TIFFTAG_TILEWIDTH, kind.tile);
    TIFFSetField(tiff, TIFFTAG_TILELENGTH, kind.tile);
  } else {
    TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, kind.rows);
  }
  const bool separate = kind.planes == PLANARCONFIG_SEPARATE;
  const std::size_t planes = separate ? kind.samples : 1, in_pixel = separate ? 1 : kind.samples;
  const std::size_t part_height = kind.tile != 0 ? kind.tile : kind.rows, part_width = kind.tile != 0 ? kind.tile : width;
  std::uint32_t part = 0;
  for (std::size_t plane = 0; plane < planes; ++plane)
    for (std::size_t y0 = 0; y0 < height; y0 += part_height)
      for (std::size_t x0 = 0; x0 < width; x0 += part_width) {
        std::vector<Sample> block(part_height * part_width * in_pixel);
        const std::size_t rows = std::min(part_height, height - y0);
        for (std::size_t y = 0; y < rows; ++y)
          for (std::size_t x = 0; x < std::min(part_width, width - x0); ++x)
            for (std::size_t s = 0; s < in_pixel; ++s)
              block[(y * part_width + x) * in_pixel + s] = samples[((y0 + y) * width + x0 + x) * kind.samples + plane + s];
        const auto bytes = static_cast<tmsize_t>((kind.tile != 0 ? part_height : rows) * part_width * in_pixel * sizeof(Sample));
        kind.tile != 0 ? TIFFWriteEncodedTile(tiff, part++, block.data(), bytes)
                       : TIFFWriteEncodedStrip(tiff, part++, block.data(), bytes);
      }
  TIFFWriteDirectory(tiff);
}

template <class Sample>
std::vector<Sample> random_samples(std::mt19937_64& random, std::size_t n) {
  std::vector<Sample> samples(n);
  for (auto& each : samples)
    each = std::is_floating_point_v<Sample> ? static_cast<Sample>(static_cast<double>(random() % 2000000) / 1000 - 1000)
                                            : static_cast<Sample>(random() >> 40);
  return samples;
}

template <class Sample>
void round_trip(const fresh_folder& folder, std::mt19937_64& random, const tiff_kind& kind) {
  const std::size_t height = 1 + random() % 50, width = 1 + random() % 50, channels = kind.photometric == PHOTOMETRIC_RGB ? 3 : 1;
  const auto samples = random_samples<Sample>(random, height * width * kind.samples);
  const auto path = folder / "a.tif";
  TIFF* tiff = TIFFOpen(path.c_str(), kind.mode);
  add_page(tiff, height, width, samples, kind);
  TIFFClose(tiff);
  const image_size size = read_tiff_size(path);
  BOOST_TEST((size.height == height && size.width == width && size.channels == channels && size.bits == 8 * int{sizeof(Sample)}));
  const image pixels = read_tiff(path);
  BOOST_REQUIRE((pixels.shape() == std::array<std::size_t, 3>{height, width, channels}));
  bool equal = true;
  for (std::size_t i = 0; i < height * width; ++i)
    for (std::size_t c = 0; c < channels; ++c) {
      auto value = samples[i * kind.samples + c];
      if (kind.photometric == PHOTOMETRIC_MINISWHITE) value = static_cast<Sample>(std::numeric_limits<Sample>::max() - value);
      equal = equal && pixels.data()[i * channels + c] == static_cast<float>(value);
    }
  BOOST_TEST(equal, sizeof(Sample) << " bytes, " << kind.samples << " samples, tile " << kind.tile << ", compression "
                                   << kind.compression);
}

std::string refusal(const std::filesystem::path& path) {
  return sentence_of([&] { (void)read_tiff(path); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(io_tiff)

BOOST_AUTO_TEST_CASE(layouts_and_compressions) {
  const fresh_folder folder;
  auto random = fresh_random();
  for (const std::uint16_t compression : {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE, COMPRESSION_PACKBITS})
    for (const std::uint32_t tile : {0u, 16u, 64u})
      for (const std::uint16_t planes : {PLANARCONFIG_CONTIG, PLANARCONFIG_SEPARATE}) {
        round_trip<std::uint8_t>(folder, random, {1, PHOTOMETRIC_MINISBLACK, compression, planes, tile});
        round_trip<std::uint8_t>(folder, random, {2, PHOTOMETRIC_MINISBLACK, compression, planes, tile});
        round_trip<std::uint8_t>(folder, random, {3, PHOTOMETRIC_RGB, compression, planes, tile});
        round_trip<std::uint16_t>(folder, random, {4, PHOTOMETRIC_RGB, compression, planes, tile});
      }
}

BOOST_AUTO_TEST_CASE(sample_types_and_byte_orders) {
  const fresh_folder folder;
  auto random = fresh_random();
  for (const char* mode : {"w", "wb", "wl", "w8"}) {
    tiff_kind kind;
    kind.mode = mode;
    round_trip<std::uint8_t>(folder, random, kind);
    round_trip<std::uint16_t>(folder, random, kind);
    round_trip<std::uint32_t>(folder, random, kind);
    round_trip<std::int8_t>(folder, random, kind);
    round_trip<std::int16_t>(folder, random, kind);
    round_trip<float>(folder, random, kind);
    round_trip<double>(folder, random, kind);
    kind.photometric = PHOTOMETRIC_MINISWHITE;
    round_trip<std::uint8_t>(folder, random, kind);
    round_trip<std::uint16_t>(folder, random, kind);
  }
}

BOOST_AUTO_TEST_CASE(bilevel_and_palette) {
  const fresh_folder folder;
  const auto path = folder / "a.tif";
  for (const bool white_is_zero : {false, true}) {
    TIFF* tiff = TIFFOpen(path.c_str(), "w");
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, 11);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, 1);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 1);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, white_is_zero ? PHOTOMETRIC_MINISWHITE : PHOTOMETRIC_MINISBLACK);
    unsigned char bits[2] = {0b10110010, 0b01000000};
    TIFFWriteEncodedStrip(tiff, 0, bits, 2);
    TIFFClose(tiff);
    const image pixels = read_tiff(path);
    BOOST_TEST(read_tiff_size(path).bits == 8);
    const std::array<int, 11> expected{1, 0, 1, 1, 0, 0, 1, 0, 0, 1, 0};
    for (std::size_t x = 0; x < 11; ++x) BOOST_TEST(pixels(0, x, 0) == ((expected[x] != 0) != white_is_zero ? 255 : 0));
  }
  for (const int scale : {256, 1}) {  // 8-bit colours in the 16-bit palette, too
    TIFF* tiff = TIFFOpen(path.c_str(), "w");
    std::vector<std::uint16_t> red(256), green(256), blue(256);
    for (int i = 0; i < 256; ++i) red[i] = i * scale, green[i] = (255 - i) * scale, blue[i] = i / 2 * scale;
    TIFFSetField(tiff, TIFFTAG_COLORMAP, red.data(), green.data(), blue.data());
    tiff_kind kind;
    kind.photometric = PHOTOMETRIC_PALETTE;
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8);
    TIFFSetField(tiff, TIFFTAG_COLORMAP, red.data(), green.data(), blue.data());
    add_page(tiff, 1, 3, std::vector<std::uint8_t>{7, 200, 255}, kind);
    TIFFClose(tiff);
    const image pixels = read_tiff(path);
    BOOST_REQUIRE(pixels.shape(2) == 3u);
    BOOST_TEST((pixels(0, 1, 0) == 200 && pixels(0, 1, 1) == 55 && pixels(0, 1, 2) == 100));
  }
}

BOOST_AUTO_TEST_CASE(further_pages_are_a_sentence_and_smaller_copies_are_passed_over) {
  const fresh_folder folder;
  auto random = fresh_random();
  const auto path = folder / "a.tif";
  const auto first = random_samples<std::uint8_t>(random, 400), second = random_samples<std::uint8_t>(random, 100);
  for (const bool smaller_copy : {false, true}) {
    TIFF* tiff = TIFFOpen(path.c_str(), "w");
    add_page(tiff, 20, 20, first, {});
    if (smaller_copy) TIFFSetField(tiff, TIFFTAG_SUBFILETYPE, FILETYPE_REDUCEDIMAGE);
    add_page(tiff, 10, 10, second, {});
    TIFFClose(tiff);
    if (smaller_copy) {
      const image pixels = read_tiff(path);
      BOOST_TEST((std::equal(pixels.begin(), pixels.end(), first.begin(), first.end())));
    } else {
      const std::string sentence = refusal(path);
      BOOST_TEST(says(sentence, path.string(), "more than one picture", "split it"), sentence);
    }
  }
}

BOOST_AUTO_TEST_CASE(every_prefix_is_refused) {
  const fresh_folder folder;
  auto random = fresh_random();
  for (const std::uint16_t compression : {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE}) {
    TIFF* tiff = TIFFOpen((folder / "a.tif").c_str(), "w");
    add_page(tiff, 9, 7, random_samples<std::uint16_t>(random, 63), {1, PHOTOMETRIC_MINISBLACK, compression});
    TIFFClose(tiff);
    const std::string bytes = get(folder / "a.tif");
    for (std::size_t n = 0; n < bytes.size(); ++n) {
      put(folder / "cut.tif", bytes.substr(0, n));
      const std::string sentence = refusal(folder / "cut.tif");
      BOOST_TEST(says(sentence, "cannot read image '" + (folder / "cut.tif").string()), n << " bytes: " << sentence);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_not_supported_or_absurd_is_a_sentence) {
  const fresh_folder folder;
  const auto path = folder / "a.tif";
  const auto write = [&](std::uint32_t height, std::uint32_t width, std::uint16_t samples, std::uint16_t photometric,
                         std::uint16_t bits) {
    TIFF* tiff = TIFFOpen(path.c_str(), "w");
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, width);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, height);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, bits);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, samples);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, photometric);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, height);
    std::vector<unsigned char> row(64, 1);
    TIFFWriteRawStrip(tiff, 0, row.data(), 64);
    TIFFClose(tiff);
    return refusal(path);
  };
  BOOST_TEST(says(write(0x7FFFFFFF, 0x7FFFFFFF, 1, PHOTOMETRIC_MINISBLACK, 8), "2147483647 x 2147483647 pixels, more than"));
  BOOST_TEST(says(write(4, 4, 4, PHOTOMETRIC_SEPARATED, 8), "photometric interpretation 5"));
  BOOST_TEST(says(write(1, 4, 6, PHOTOMETRIC_MINISBLACK, 8), "6 samples a pixel"));
  BOOST_TEST(says(write(1, 4, 2, PHOTOMETRIC_RGB, 8), "2 samples a pixel"));
  BOOST_TEST(says(write(1, 4, 1, PHOTOMETRIC_MINISBLACK, 12), "samples of 12 bits"));

  TIFF* tiff = TIFFOpen(path.c_str(), "w");
  add_page(tiff, 1, 2, std::vector<float>{1, std::numeric_limits<float>::quiet_NaN()}, {});
  TIFFClose(tiff);
  BOOST_TEST(says(refusal(path), path.string(), "not finite"));
}

BOOST_AUTO_TEST_SUITE_END()
