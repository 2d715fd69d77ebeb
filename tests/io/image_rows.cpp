#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <tiffio.h>
#include <vector>

#include <boost/test/unit_test.hpp>

#include <axonzoo/io/image_rows.hpp>
#include <axonzoo/io/label_spool.hpp>
#include <axonzoo/io/tiled_tiff.hpp>

#include "fresh.hpp"
#include "made_pyramid.hpp"

using namespace axonzoo;
using namespace axonzoo::testing;

namespace {

label_image random_labels(std::mt19937_64& random, std::size_t height, std::size_t width) {
  label_image labels = label_image::from_shape({height, width});
  for (auto& label : labels) label = static_cast<std::uint8_t>(random() >> 20);
  return labels;
}

/// A grey TIFF in strips of `rows`, or in tiles of `tile`.
void write_tiff(const std::filesystem::path& path, const label_image& levels, std::uint32_t rows, std::uint32_t tile, std::uint16_t compression) {
  TIFF* const tiff = TIFFOpen(path.c_str(), "w");
  made::write_grey_tags(tiff, levels, compression);
  if (tile == 0) {
    const auto height = static_cast<std::uint32_t>(levels.shape(0)), width = static_cast<std::uint32_t>(levels.shape(1));
    TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, rows);
    for (std::uint32_t y = 0; y < height; ++y) TIFFWriteScanline(tiff, const_cast<std::uint8_t*>(levels.data()) + y * width, y, 0);
  } else {
    made::write_tiles(tiff, levels, tile);
  }
  TIFFClose(tiff);
}

/// Whether the rows from `from` on are those of the picture.
bool same_rows(image_rows& rows, const image& whole, std::size_t from) {
  rows.go_to(from);
  std::size_t row = rows.row();
  bool same = row <= from;
  while (row < whole.shape(0)) {
    const auto part = rows.next();
    same &= part.shape(0) > 0 && std::equal(part.begin(), part.end(), whole.data() + row * whole.shape(1) * whole.shape(2));
    row += part.shape(0);
  }
  return same && rows.next().size() == 0;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(io_image_rows)

BOOST_AUTO_TEST_CASE(rows_of_all_kinds_are_those_of_the_whole) {
  const fresh_folder folder;
  auto random = fresh_random();
  for (int round = 0; round < 8; ++round) {
    const auto levels = random_labels(random, 1 + random() % 300, 1 + random() % 90);
    write_png(folder / "a", levels);
    write_tiff(folder / "b", levels, 1 + static_cast<std::uint32_t>(random() % 100), 0, COMPRESSION_LZW);
    write_tiff(folder / "c", levels, 0, 16 << random() % 4, COMPRESSION_ADOBE_DEFLATE);
    for (const char* name : {"a", "b", "c"}) {
      const auto whole = read_image(folder / name);
      image_rows rows(folder / name);
      BOOST_TEST(same_rows(rows, whole, 0));
      BOOST_TEST(same_rows(rows, whole, random() % levels.shape(0)));
      BOOST_TEST(same_rows(rows, whole, 0));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_pyramid_is_its_finest_level) {
  const fresh_folder folder;
  auto random = fresh_random();
  for (int round = 0; round < 4; ++round) {
    const auto levels = random_labels(random, 33 + random() % 200, 1 + random() % 150);
    made::write_pyramid(folder / "a.tif", levels, made::copies::pages);
    made::write_pyramid(folder / "a.ome.tif", levels, made::copies::below, made::ome_of_one_plane);
    for (const char* name : {"a.tif", "a.ome.tif"}) {
      image_rows rows(folder / name);
      BOOST_TEST((rows.size().height == levels.shape(0) && rows.size().width == levels.shape(1) && rows.size().channels == 1));
      const auto whole = read_image(folder / name);
      BOOST_TEST((std::equal(whole.begin(), whole.end(), levels.begin(), levels.end())));
      BOOST_TEST(same_rows(rows, whole, random() % levels.shape(0)));
      BOOST_TEST(same_rows(rows, whole, 0));
    }
  }
}

// Such a strip is never held: its lines are decoded one by one.
BOOST_AUTO_TEST_CASE(one_strip_of_all_rows_is_read_line_by_line) {
  const fresh_folder folder;
  auto random = fresh_random();
  const auto line = random_labels(random, 1, 1021);
  label_image levels = label_image::from_shape({36000, 1021});
  for (std::size_t y = 0; y < levels.shape(0); ++y) std::rotate_copy(line.begin(), line.begin() + y % 1021, line.end(), levels.data() + y * 1021);
  write_tiff(folder / "a", levels, 36000, 0, COMPRESSION_LZW);
  image_rows rows(folder / "a");
  BOOST_TEST(rows.decoding_bytes() < 4096u);
  bool same = true;
  for (std::size_t y = 0; y < 36000;) {
    const auto part = rows.next();
    same &= std::equal(part.begin(), part.end(), levels.data() + y * 1021);
    y += part.shape(0);
  }
  BOOST_TEST(same);
}

BOOST_AUTO_TEST_CASE(a_file_that_grows_while_it_is_read_is_told) {
  const fresh_folder folder;
  auto random = fresh_random();
  write_png(folder / "a.png", random_labels(random, 200, 50));
  image_rows rows(folder / "a.png");
  static_cast<void>(rows.next());
  std::ofstream(folder / "a.png", std::ios::app) << "more";
  const auto sentence = sentence_of([&] { static_cast<void>(rows.next()); });
  BOOST_TEST(says(sentence, "a.png", "changed while it was read"), sentence);
}

BOOST_AUTO_TEST_CASE(a_slide_with_a_missing_tile_is_a_sentence) {
  const fresh_folder folder;
  auto random = fresh_random();
  TIFF* const tiff = TIFFOpen((folder / "a.tif").c_str(), "w8");
  for (const auto& [tag, value] : {std::pair(TIFFTAG_IMAGEWIDTH, 64), {TIFFTAG_IMAGELENGTH, 64}, {TIFFTAG_TILEWIDTH, 32}, {TIFFTAG_TILELENGTH, 32}}) TIFFSetField(tiff, tag, value);
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8);
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
  TIFFSetField(tiff, TIFFTAG_COMPRESSION, COMPRESSION_ADOBE_DEFLATE);
  auto tile = random_labels(random, 32, 32);
  for (const std::uint32_t number : {0u, 1u, 3u}) TIFFWriteEncodedTile(tiff, number, tile.data(), 1024);
  TIFFClose(tiff);
  image_rows rows(folder / "a.tif");
  const auto sentence = sentence_of([&] { static_cast<void>(rows.next()); });
  BOOST_TEST(says(sentence, "a.tif", "TIFF"), sentence);
}

/// A TIFF of one 8-bit line, whose directory says `width` x `height` and is followed by the directory at `next`.
std::string made_tiff(std::uint32_t width, std::uint32_t height, std::uint32_t next, std::uint32_t kind = 0) {
  std::string bytes("II*\0\x08\0\0\0", 8);
  const auto put = [&bytes](std::uint32_t value, int n) {
    for (int i = 0; i < n; ++i) bytes += static_cast<char>(value >> 8 * i);
  };
  const std::vector<std::pair<std::uint32_t, std::uint32_t>> entries = {
      {TIFFTAG_SUBFILETYPE, kind}, {TIFFTAG_IMAGEWIDTH, width}, {TIFFTAG_IMAGELENGTH, height}, {TIFFTAG_BITSPERSAMPLE, 8}, {TIFFTAG_COMPRESSION, 1},
      {TIFFTAG_PHOTOMETRIC, 1}, {TIFFTAG_STRIPOFFSETS, 8}, {TIFFTAG_SAMPLESPERPIXEL, 1}, {TIFFTAG_ROWSPERSTRIP, 1}, {TIFFTAG_STRIPBYTECOUNTS, 16}};
  put(static_cast<std::uint32_t>(entries.size()), 2);
  for (const auto& [tag, value] : entries) put(tag, 2), put(4, 2), put(1, 4), put(value, 4);
  put(next, 4);
  return bytes;
}

BOOST_AUTO_TEST_CASE(hostile_headers_are_sentences_and_take_no_memory) {
  const fresh_folder folder;
  put(folder / "wide.tif", made_tiff(0x7fffffff, 1, 0));
  put(folder / "both.tif", made_tiff(0x7fffffff, 0x7fffffff, 0));
  put(folder / "high.tif", made_tiff(4000, 40000000, 0));
  for (const char* name : {"wide.tif", "both.tif", "high.tif"}) {
    const auto sentence = sentence_of([&] {
      image_rows rows(folder / name);
      static_cast<void>(rows.next());
    });
    BOOST_TEST(says(sentence, name), sentence);
  }
  // Directories that lead back to themselves: it ends, with the picture or a sentence.
  for (const std::uint32_t kind : {0u, 1u}) {
    put(folder / "loop.tif", made_tiff(16, 1, 8, kind));
    const auto sentence = sentence_of([&] {
      image_rows rows(folder / "loop.tif");
      static_cast<void>(rows.next());
    });
    BOOST_TEST((sentence.empty() || says(sentence, "loop.tif")), sentence);
  }
}

BOOST_AUTO_TEST_CASE(a_scanners_slide_is_read_where_openslide_is) {
  const fresh_folder folder;
  auto random = fresh_random();
  // What makes a TIFF of tiles an Aperio slide is its description.
  const auto path = folder / "a.svs";
  std::vector<std::uint8_t> levels(256 * 256 * 3);
  for (auto& level : levels) level = static_cast<std::uint8_t>(random() >> 20);
  TIFF* const tiff = TIFFOpen(path.c_str(), "w");
  for (const auto& [tag, value] : {std::pair(TIFFTAG_IMAGEWIDTH, 512), {TIFFTAG_IMAGELENGTH, 300}, {TIFFTAG_TILEWIDTH, 256}, {TIFFTAG_TILELENGTH, 256}, {TIFFTAG_BITSPERSAMPLE, 8},
                                   {TIFFTAG_SAMPLESPERPIXEL, 3}, {TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_RGB}, {TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG}, {TIFFTAG_COMPRESSION, COMPRESSION_LZW}})
    TIFFSetField(tiff, tag, value);
  TIFFSetField(tiff, TIFFTAG_IMAGEDESCRIPTION, "Aperio Image Library v1.0\r\n512x300 (256x256)|AppMag = 20|MPP = 0.25");
  for (std::uint32_t tile = 0; tile < 4; ++tile) TIFFWriteEncodedTile(tiff, tile, levels.data(), static_cast<tmsize_t>(levels.size()));
  TIFFClose(tiff);
  if (!axonzoo::detail::openslide::library().found) {
    const auto sentence = sentence_of([&] { image_rows{path}; });
    BOOST_TEST(says(sentence, "a.svs", "libopenslide0"), sentence);
    return;
  }
  image_rows rows(path);
  BOOST_TEST((rows.size().height == 300 && rows.size().width == 512 && rows.size().channels == 3));
  BOOST_TEST(rows.pixel_size() == 0.25);
  bool same = true;
  for (std::size_t row = 0; row < 300;) {
    const auto part = rows.next();
    for (std::size_t y = 0; y < part.shape(0); ++y, ++row)
      for (std::size_t x = 0; x < 512; ++x)
        for (std::size_t c = 0; c < 3; ++c) same &= part(y, x, c) == levels[(row % 256 * 256 + x % 256) * 3 + c];
  }
  BOOST_TEST(same);
  // Cut short, and no slide at all.
  const auto bytes = get(path);
  for (const auto& content : {bytes.substr(0, bytes.size() / 2), bytes.substr(0, 100), std::string("nothing of the kind")}) {
    put(path, content);
    const auto sentence = sentence_of([&] {
      image_rows damaged(path);
      static_cast<void>(damaged.next());
    });
    BOOST_TEST(says(sentence, "a.svs", "OpenSlide"), sentence);
  }
}

BOOST_AUTO_TEST_CASE(a_spool_outlives_a_full_disk_and_a_cut) {
  const fresh_folder folder;
  auto random = fresh_random();
  const auto first = random_labels(random, 7, 200), second = random_labels(random, 30, 200);
  const auto content = [](label_spool& spool) {
    std::vector<std::uint8_t> all;
    spool.read([&all](const label_image& rows) { all.insert(all.end(), rows.begin(), rows.end()); });
    return all;
  };
  const std::vector<std::uint8_t> kept(first.begin(), first.end());
  {
    label_spool spool(folder / "a", 200, "note", false);
    spool.add(first);
    const small_disk full(3000);
    const auto sentence = sentence_of([&] { spool.add(second); });
    BOOST_TEST(says(sentence, "a'", "free some space"), sentence);
    BOOST_TEST((content(spool) == kept));
  }
  {
    label_spool again(folder / "a", 200, "note", true);
    BOOST_TEST(again.rows() == 7u);
    again.add(second);
    BOOST_TEST(content(again).size() == 37u * 200u);
  }
  auto bytes = get(folder / "a");
  bytes[bytes.size() - 5] ^= 1;
  put(folder / "a", bytes);
  label_spool damaged(folder / "a", 200, "note", true);
  BOOST_TEST((content(damaged) == kept));
  BOOST_TEST(label_spool(folder / "a", 200, "of another model", true).rows() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
