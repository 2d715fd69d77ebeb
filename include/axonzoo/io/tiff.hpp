#pragma once

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <tiffio.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/io/image_size.hpp>
#include <axonzoo/io/tiff_samples.hpp>

namespace axonzoo {

namespace detail {

/// An open TIFF whose messages are kept here instead of being printed, and its first page's layout, checked.
class tiff_page {
 public:
  explicit tiff_page(const std::filesystem::path& path, std::uint64_t largest = largest_image)
      : doing_("cannot read image '" + path.string() + "'") {
    const std::unique_ptr<TIFFOpenOptions, decltype(&TIFFOpenOptionsFree)> options(TIFFOpenOptionsAlloc(), &TIFFOpenOptionsFree);
    TIFFOpenOptionsSetErrorHandlerExtR(options.get(), &keep_error, this);
    TIFFOpenOptionsSetWarningHandlerExtR(options.get(), &keep_warning, this);
    handle_.reset(TIFFOpenExt(path.c_str(), "rm", options.get()));
    if (!handle_) refuse("copy it again from its source");
    refuse_further_pages();
    samples_ = tiff_samples(handle_.get(), doing_);
    check_image_size(path, samples_.size(), 0, largest);
    lay_out();
  }
  tiff_page(const tiff_page&) = delete;
  tiff_page& operator=(const tiff_page&) = delete;

  [[nodiscard]] const image_size& size() const { return samples_.size(); }

  [[nodiscard]] image decode() { return decode_rows(0, size().height); }

  /// Rows that are decoded together: of a strip or tile.
  [[nodiscard]] std::size_t part_rows() const { return by_lines() ? 1 : layout_.rows; }

  /// Bytes that decoding them takes besides the pixels.
  [[nodiscard]] std::size_t part_bytes() const { return static_cast<std::size_t>(by_lines() ? layout_.row_bytes : layout_.part_bytes); }

  /// Rows [top, top + count) alone, [count, W, C]; strips and tiles that they share with others are decoded as a whole.
  [[nodiscard]] image decode_rows(std::size_t top, std::size_t count) {
    if (count > size().height || top > size().height - count)
      throw error(doing_, "rows " + std::to_string(top) + " to " + std::to_string(top + count) + " are not in it", "ask for those it has");
    TIFF* const tiff = handle_.get();
    const auto [tiled, rows, columns, part_bytes, row_bytes] = layout_;
    if (by_lines()) return decode_lines(top, count);
    image pixels = image::from_shape({count, size().width, size().channels});
    const auto part = std::make_unique_for_overwrite<unsigned char[]>(static_cast<std::size_t>(part_bytes));
    const std::size_t planes = samples_.separate() ? size().channels : 1;
    for (std::size_t plane = 0; plane < planes; ++plane)
      for (std::size_t y = top / rows * rows; y < top + count; y += rows)
        for (std::size_t x = 0; x < size().width; x += columns) {
          const std::size_t height = std::min<std::size_t>(rows, size().height - y);
          const std::size_t width = std::min<std::size_t>(columns, size().width - x);
          const auto at_x = static_cast<std::uint32_t>(x), at_y = static_cast<std::uint32_t>(y);
          const auto at_plane = static_cast<std::uint16_t>(plane);
          problem_.clear();
          const tmsize_t got =
              tiled ? TIFFReadEncodedTile(tiff, TIFFComputeTile(tiff, at_x, at_y, 0, at_plane), part.get(), part_bytes)
                    : TIFFReadEncodedStrip(tiff, TIFFComputeStrip(tiff, at_y, at_plane), part.get(), part_bytes);
          if (got < static_cast<tmsize_t>(height) * row_bytes || !problem_.empty())
            refuse("the file is cut short or damaged, copy it again from its source");
          const std::size_t begin = y < top ? top - y : 0, end = std::min(height, top + count - y);
          for (std::size_t row = begin; row < end; ++row)
            samples_.convert(part.get() + row * static_cast<std::size_t>(row_bytes), width, &pixels(y + row - top, x, 0), plane);
        }
    check_finite(pixels);
    return pixels;
  }

 private:
  /// Strips that are decoded line by line, not as a whole: many programs write one strip of all rows.
  static constexpr tmsize_t largest_strip = tmsize_t{1} << 25;
  [[nodiscard]] bool by_lines() const { return !layout_.tiled && layout_.part_bytes > largest_strip && !samples_.separate(); }

  struct layout {
    bool tiled = false;
    std::uint32_t rows = 0, columns = 0;  ///< of a strip or tile
    tmsize_t part_bytes = 0, row_bytes = 0;
  };

  void lay_out() {
    TIFF* const tiff = handle_.get();
    auto& [tiled, rows, columns, part_bytes, row_bytes] = layout_;
    tiled = TIFFIsTiled(tiff) != 0;
    columns = static_cast<std::uint32_t>(size().width);
    if (tiled) {
      TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &columns);
      TIFFGetField(tiff, TIFFTAG_TILELENGTH, &rows);
    } else {
      TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &rows);
      rows = static_cast<std::uint32_t>(std::min<std::size_t>(rows, size().height));
    }
    part_bytes = tiled ? TIFFTileSize(tiff) : TIFFStripSize(tiff);
    row_bytes = tiled ? TIFFTileRowSize(tiff) : TIFFScanlineSize(tiff);
    if (rows == 0 || columns == 0 || part_bytes <= 0 || row_bytes <= 0 || rows > part_bytes / row_bytes)
      throw error(doing_, "TIFF: its strips or tiles have no sensible size", "export it again from its source");
    // A tile may be far larger than the picture by its header's word; what is decoded in one piece is held to the same limit.
    if (static_cast<std::uint64_t>(part_bytes) > 8 * largest_image && !by_lines())
      throw error(doing_, "TIFF: its tiles are too large", "export it with tiles of 256 pixels");
  }

  /// libtiff goes on from the line that it read last, so rows from top to bottom cost one decoding.
  image decode_lines(std::size_t top, std::size_t count) {
    image pixels = image::from_shape({count, size().width, size().channels});
    const auto line = std::make_unique_for_overwrite<unsigned char[]>(static_cast<std::size_t>(layout_.row_bytes));
    for (std::size_t y = 0; y < count; ++y) {
      problem_.clear();
      if (TIFFReadScanline(handle_.get(), line.get(), static_cast<std::uint32_t>(top + y), 0) < 0 || !problem_.empty())
        refuse("the file is cut short or damaged, copy it again from its source");
      samples_.convert(line.get(), size().width, &pixels(y, 0, 0), 0);
    }
    check_finite(pixels);
    return pixels;
  }

  void check_finite(const image& pixels) const {
    if (samples_.floating() && std::any_of(pixels.begin(), pixels.end(), [](float level) { return !std::isfinite(level); }))
      throw error(doing_, "TIFF: some of its levels are not finite numbers", "replace them before segmenting");
  }

  [[noreturn]] void refuse(const char* mend) const {
    throw error(doing_, "TIFF: " + (problem_.empty() ? "a part of the picture is missing" : problem_), mend);
  }

  static int keep_error(TIFF*, void* self, const char*, const char* format, va_list arguments) {
    return static_cast<tiff_page*>(self)->keep(format, arguments);
  }
  // libtiff only warns where its JPEG decoder fills in with grey; its other warnings are of tags it does not know.
  static int keep_warning(TIFF*, void* self, const char* module, const char* format, va_list arguments) {
    return module != nullptr && std::strcmp(module, "JPEGLib") == 0 ? static_cast<tiff_page*>(self)->keep(format, arguments) : 1;
  }
  int keep(const char* format, va_list arguments) {
    char text[512];
    std::vsnprintf(text, sizeof text, format, arguments);
    if (problem_.empty()) problem_ = text;
    std::replace(problem_.begin(), problem_.end(), '\n', ' ');
    return 1;
  }

  // Smaller copies of the first page (pyramids, thumbnails) may follow; other pages would be lost without a word.
  void refuse_further_pages() {
    TIFF* const tiff = handle_.get();
    for (std::size_t page = 2; TIFFReadDirectory(tiff) != 0; ++page) {
      std::uint32_t kind = 0;
      TIFFGetFieldDefaulted(tiff, TIFFTAG_SUBFILETYPE, &kind);
      if ((kind & (FILETYPE_REDUCEDIMAGE | FILETYPE_MASK)) == 0)
        throw error(doing_, "TIFF: it holds more than one picture (page " + std::to_string(page) + " is not a smaller copy)",
                    "split it into one file a page, for example with tiffsplit");
    }
    if (!problem_.empty() || TIFFSetDirectory(tiff, 0) == 0) refuse("copy it again from its source");
  }

  std::string doing_, problem_;
  std::unique_ptr<TIFF, decltype(&TIFFClose)> handle_{nullptr, &TIFFClose};
  tiff_samples samples_;
  layout layout_;
};

}  // namespace detail

/// Size from a TIFF's first page.
[[nodiscard]] inline image_size read_tiff_size(const std::filesystem::path& path) { return detail::tiff_page(path).size(); }

/// Decodes a TIFF or BigTIFF of one page (smaller copies after it are passed over): strips or tiles, any compression that
/// libtiff has, 1 to 32 bits whole or 16 to 64 bits floating, grey, colour or palette. Float levels come as they are.
[[nodiscard]] inline image read_tiff(const std::filesystem::path& path) { return detail::tiff_page(path).decode(); }

/// Rows of a TIFF, decoded as they are asked for: of images that do not fit into memory. Not for two threads at once.
class tiff_rows {
 public:
  explicit tiff_rows(const std::filesystem::path& path) : page_(path, largest_slide) {}
  [[nodiscard]] const image_size& size() const { return page_.size(); }
  /// Rows [top, top + count), [count, W, C] in the file's own levels.
  [[nodiscard]] image read(std::size_t top, std::size_t count) { return page_.decode_rows(top, count); }
  /// Rows that are decoded together.
  [[nodiscard]] std::size_t part_rows() const { return page_.part_rows(); }
  /// Bytes that reading takes besides the rows.
  [[nodiscard]] std::size_t part_bytes() const { return page_.part_bytes(); }

 private:
  detail::tiff_page page_;
};

}  // namespace axonzoo
