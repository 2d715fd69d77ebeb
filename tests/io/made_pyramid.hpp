#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <tiffio.h>

#include <axonzoo/core/image.hpp>

namespace made {

/// How smaller copies of an image follow it in a TIFF: as pages, or hidden below the first, as OME-TIFF since 6.0 does.
enum class copies { pages, below };

/// Tags of a grey picture of 8 bits.
inline void write_grey_tags(TIFF* tiff, const axonzoo::label_image& levels, std::uint16_t compression) {
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, static_cast<std::uint32_t>(levels.shape(1)));
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, static_cast<std::uint32_t>(levels.shape(0)));
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8);
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, 1);
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
  TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  TIFFSetField(tiff, TIFFTAG_COMPRESSION, compression);
}

/// Its pixels in tiles of `tile`.
inline void write_tiles(TIFF* tiff, const axonzoo::label_image& levels, std::uint32_t tile) {
  const auto height = static_cast<std::uint32_t>(levels.shape(0)), width = static_cast<std::uint32_t>(levels.shape(1));
  TIFFSetField(tiff, TIFFTAG_TILEWIDTH, tile);
  TIFFSetField(tiff, TIFFTAG_TILELENGTH, tile);
  std::vector<std::uint8_t> part(tile * tile);
  for (std::uint32_t y = 0; y < height; y += tile)
    for (std::uint32_t x = 0; x < width; x += tile) {
      for (std::uint32_t v = 0; v < std::min(tile, height - y); ++v)
        std::copy_n(levels.data() + (y + v) * width + x, std::min(tile, width - x), part.data() + v * tile);
      TIFFWriteTile(tiff, part.data(), x, y, 0, 0);
    }
}

namespace detail {

inline void write_level(TIFF* tiff, const axonzoo::label_image& levels, bool copy, const std::string& description) {
  TIFFSetField(tiff, TIFFTAG_SUBFILETYPE, copy ? FILETYPE_REDUCEDIMAGE : 0);
  write_grey_tags(tiff, levels, COMPRESSION_LZW);
  if (!description.empty()) TIFFSetField(tiff, TIFFTAG_IMAGEDESCRIPTION, description.c_str());
  write_tiles(tiff, levels, 32);
}

}  // namespace detail

/// A BigTIFF of tiles with copies of a half, a quarter ... of its sides down to one tile. `description`: OME-XML, or empty.
inline void write_pyramid(const std::filesystem::path& path, const axonzoo::label_image& levels, copies where, const std::string& description = "") {
  std::vector<axonzoo::label_image> smaller;
  for (const auto* last = &levels; std::max(last->shape(0), last->shape(1)) > 32; last = &smaller.back()) {
    auto half = axonzoo::label_image::from_shape({(last->shape(0) + 1) / 2, (last->shape(1) + 1) / 2});
    for (std::size_t y = 0; y < half.shape(0); ++y)
      for (std::size_t x = 0; x < half.shape(1); ++x) half(y, x) = (*last)(2 * y, 2 * x);
    smaller.push_back(std::move(half));
  }
  TIFF* const tiff = TIFFOpen(path.c_str(), "w8");
  const std::vector<std::uint64_t> places(smaller.size());  // filled in by libtiff
  if (where == copies::below && !places.empty()) TIFFSetField(tiff, TIFFTAG_SUBIFD, static_cast<std::uint16_t>(places.size()), places.data());
  detail::write_level(tiff, levels, false, description);
  TIFFWriteDirectory(tiff);
  for (const auto& one : smaller) {
    detail::write_level(tiff, one, true, "");
    TIFFWriteDirectory(tiff);
  }
  TIFFClose(tiff);
}

inline const std::string ome_of_one_plane =
    R"(<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="1" SizeY="1" SizeC="1" SizeZ="1" SizeT="1"><TiffData/></Pixels></Image></OME>)";

}  // namespace made
