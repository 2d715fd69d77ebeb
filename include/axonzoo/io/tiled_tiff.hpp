#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <tiffio.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/io/replace_file.hpp>

namespace axonzoo {

/// Writes a mask or label picture of 8 bits, whose rows come from top to bottom, as a BigTIFF of compressed tiles with smaller
/// copies (a pyramid: a quarter of the sides each), which OpenSlide, QuPath and Fiji open without reading all of it. Copies take
/// the nearest pixel, so that labels stay labels. The file appears under its name when `finish` has returned. Throws `error` when
/// writing fails.
class tiled_tiff_writer {
 public:
  static constexpr std::size_t tile = 512, factor = 4;

  tiled_tiff_writer(std::filesystem::path path, std::size_t height, std::size_t width)
      : path_(std::move(path)),
        partial_{path_.parent_path() / ("." + path_.filename().string() + "." + std::to_string(::getpid()) + ".partial")},
        height_(height),
        width_(width),
        small_(label_image::from_shape({(height + factor - 1) / factor, (width + factor - 1) / factor})) {
    file_.reset(TIFFOpen(partial_.path.c_str(), "w8"));
    if (!file_) detail::refuse_to_write(path_, errno);
    start_page(height_, width_, false);
    strip_ = label_image::from_shape({tile, width_});
  }

  /// The next rows, [n, width].
  void add(const label_image& rows) {
    if (rows.shape(1) != width_ || row_ + rows.shape(0) > height_)
      throw error("cannot write '" + path_.string() + "'", "rows do not fit its size", "give as many as it was made for");
    for (std::size_t y = 0; y < rows.shape(0); ++y, ++row_) {
      const std::uint8_t* row = rows.data() + y * width_;
      std::copy_n(row, width_, strip_.data() + row_ % tile * width_);
      if (row_ % factor == 0)
        for (std::size_t x = 0; x < width_; x += factor) small_(row_ / factor, x / factor) = row[x];
      if (row_ % tile == tile - 1 || row_ + 1 == height_) write_tiles(strip_, row_ / tile * tile, width_);
    }
  }

  void finish() {
    if (row_ != height_)
      throw error("cannot write '" + path_.string() + "'",
                  "it got " + std::to_string(row_) + " of " + std::to_string(height_) + " rows", "give all");
    end_page();
    while (std::max(height_, width_) / factor >= tile) {
      const std::size_t high = small_.shape(0), wide = small_.shape(1);
      start_page(high, wide, true);
      label_image strip = label_image::from_shape({tile, wide});
      for (std::size_t y = 0; y < high; y += tile) {
        std::copy_n(small_.data() + y * wide, std::min(tile, high - y) * wide, strip.data());
        write_tiles(strip, y, wide);
      }
      end_page();
      height_ = high;
      width_ = wide;
      label_image next = label_image::from_shape({(high + factor - 1) / factor, (wide + factor - 1) / factor});
      for (std::size_t y = 0; y < next.shape(0); ++y)
        for (std::size_t x = 0; x < next.shape(1); ++x) next(y, x) = small_(y * factor, x * factor);
      small_ = std::move(next);
    }
    file_.reset();
    detail::flush_to_disk(partial_.path, path_, false);
    if (::rename(partial_.path.c_str(), path_.c_str()) != 0) detail::refuse_to_write(path_, errno);
    partial_.path.clear();
  }

 private:
  void start_page(std::size_t height, std::size_t width, bool smaller) {
    TIFF* const tiff = file_.get();
    TIFFSetField(tiff, TIFFTAG_SUBFILETYPE, smaller ? FILETYPE_REDUCEDIMAGE : 0);
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, static_cast<std::uint32_t>(width));
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, static_cast<std::uint32_t>(height));
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, 1);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(tiff, TIFFTAG_COMPRESSION, COMPRESSION_ADOBE_DEFLATE);
    TIFFSetField(tiff, TIFFTAG_ZIPQUALITY, 1);
    TIFFSetField(tiff, TIFFTAG_TILEWIDTH, static_cast<std::uint32_t>(tile));
    TIFFSetField(tiff, TIFFTAG_TILELENGTH, static_cast<std::uint32_t>(tile));
  }

  void write_tiles(const label_image& strip, std::size_t top, std::size_t width) {
    std::vector<std::uint8_t> one(tile * tile);
    for (std::size_t x = 0; x < width; x += tile) {
      const std::size_t wide = std::min(tile, width - x);
      for (std::size_t y = 0; y < tile; ++y) std::memcpy(one.data() + y * tile, strip.data() + y * width + x, wide);
      const auto number = TIFFComputeTile(file_.get(), static_cast<std::uint32_t>(x), static_cast<std::uint32_t>(top), 0, 0);
      errno = 0;
      if (TIFFWriteEncodedTile(file_.get(), number, one.data(), static_cast<tmsize_t>(one.size())) < 0)
        detail::refuse_to_write(path_, errno);
    }
  }

  void end_page() {
    errno = 0;
    if (TIFFWriteDirectory(file_.get()) == 0) detail::refuse_to_write(path_, errno);
  }

  std::filesystem::path path_;
  detail::remove_on_exit partial_;
  std::unique_ptr<TIFF, decltype(&TIFFClose)> file_{nullptr, &TIFFClose};
  std::size_t height_, width_, row_ = 0;
  label_image small_, strip_;
};

}  // namespace axonzoo
