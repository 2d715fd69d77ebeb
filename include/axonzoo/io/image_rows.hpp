#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/io/image.hpp>
#include <axonzoo/io/image_size.hpp>
#include <axonzoo/io/jpeg_rows.hpp>
#include <axonzoo/io/openslide_rows.hpp>
#include <axonzoo/io/png_rows.hpp>
#include <axonzoo/io/tiff.hpp>

namespace axonzoo {

/// As `read_image_size`, of images up to `largest_slide`.
[[nodiscard]] image_size read_slide_size(const std::filesystem::path& path);

/// An image of any size whose rows are decoded as they are asked for: of a TIFF or BigTIFF, strips and tiles of the first page
/// (pyramids and OME-TIFF too); of a scanner's slide, its finest level; of a PNG or JPEG from the top. Not for two threads at once.
class image_rows {
 public:
  /// Throws `error` as `read_image` does for what the header shows; sizes up to `largest_slide` are taken.
  explicit image_rows(std::filesystem::path path) : path_(std::move(path)), format_(is_scanner_slide(path_) ? image_format::none : detail::require_format(path_)), seen_(look()) {
    open();
    go_to(0);
  }

  [[nodiscard]] const image_size& size() const { return size_; }

  /// Rows that `next` returns at most, and the bytes that it takes besides them.
  [[nodiscard]] std::size_t chunk() const { return chunk_; }
  [[nodiscard]] std::size_t decoding_bytes() const {
    return slide_ ? openslide_rows::part * chunk_ * 4 : tiff_ ? tiff_->part_bytes() : size_.width * size_.channels * chunk_ * 2;
  }

  /// um, where the file says it itself as scanners' do, else 0.
  [[nodiscard]] double pixel_size() const { return slide_ ? slide_->pixel_size() : 0; }

  /// Changes when the file does.
  [[nodiscard]] std::string fingerprint() const {
    return std::to_string(seen_.bytes) + " bytes of " + std::to_string(seen_.time.time_since_epoch().count());
  }

  /// The row that `next` begins with.
  [[nodiscard]] std::size_t row() const { return row_; }

  /// The following rows [n, W, C] in the file's own levels; n is `chunk()`, less at the end, where it is 0. Throws `error` for what is
  /// damaged, and when the file has changed since it was opened.
  [[nodiscard]] image next() {
    if (!(look() == seen_))
      throw error("cannot read image '" + path_.string() + "'", "it changed while it was read", "wait until it is written, then start again");
    const std::size_t count = std::min(chunk_, size_.height - row_);
    if (count == 0) return image::from_shape({0, size_.width, size_.channels});
    image rows = slide_ ? slide_->read(row_, count) : tiff_ ? tiff_->read(row_, count) : png_ ? png_->read(count) : jpeg_->read(count);
    row_ += count;
    return rows;
  }

  /// Makes `next` begin with `row`, or a little above it. Cheap for TIFF and slides; the others are decoded from the top.
  void go_to(std::size_t row) {
    const std::size_t wanted = row / chunk_ * chunk_;
    if (tiff_ || slide_) {
      row_ = wanted;
      return;
    }
    if (wanted < row_) {
      open();
      row_ = 0;
    }
    while (row_ < wanted) static_cast<void>(next());
  }

 private:
  struct appearance {
    std::uintmax_t bytes = 0;
    std::filesystem::file_time_type time{};
    bool operator==(const appearance&) const = default;
  };

  [[nodiscard]] appearance look() const {
    std::error_code unknown;
    appearance seen;
    seen.bytes = std::filesystem::file_size(path_, unknown);
    seen.time = std::filesystem::last_write_time(path_, unknown);
    return seen;
  }

  void open() {
    png_.reset();
    jpeg_.reset();
    switch (format_) {
      case image_format::none:
        slide_ = std::make_unique<openslide_rows>(path_);
        size_ = slide_->size();
        chunk_ = 256;  // whole tiles of most scanners
        break;
      case image_format::png:
        png_ = std::make_unique<png_rows>(path_);
        size_ = png_->size();
        break;
      case image_format::jpeg:
        jpeg_ = std::make_unique<jpeg_rows>(path_);
        size_ = jpeg_->size();
        break;
      default:
        tiff_ = std::make_unique<tiff_rows>(path_);
        size_ = tiff_->size();
        chunk_ = (least_chunk + tiff_->part_rows() - 1) / tiff_->part_rows() * tiff_->part_rows();
    }
  }

  static constexpr std::size_t least_chunk = 64;

  std::filesystem::path path_;
  image_format format_;
  appearance seen_;
  image_size size_;
  std::size_t chunk_ = least_chunk, row_ = 0;
  std::unique_ptr<openslide_rows> slide_;
  std::unique_ptr<tiff_rows> tiff_;
  std::unique_ptr<png_rows> png_;
  std::unique_ptr<jpeg_rows> jpeg_;
};

inline image_size read_slide_size(const std::filesystem::path& path) {
  if (is_scanner_slide(path)) return openslide_rows(path).size();
  const auto format = detail::require_format(path);
  return format == image_format::tiff ? tiff_rows(path).size() : format == image_format::png ? read_png_size(path) : read_jpeg_size(path);
}

}  // namespace axonzoo
