#pragma once

#include <csetjmp>
#include <cstddef>
#include <filesystem>
#include <png.h>
#include <string>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/io/image_size.hpp>
#include <axonzoo/io/open_file.hpp>
#include <axonzoo/io/png.hpp>

namespace axonzoo {

namespace detail {

inline bool start_png_rows(png_session& session, std::size_t& row_bytes) {
  if (setjmp(png_jmpbuf(session.png)) != 0) return false;
  png_set_expand(session.png);
  png_set_strip_alpha(session.png);
  png_read_update_info(session.png, session.info);
  row_bytes = png_get_rowbytes(session.png, session.info);
  return true;
}

inline bool next_png_rows(png_session& session, png_bytep bytes, std::size_t row_bytes, std::size_t count, bool last) {
  if (setjmp(png_jmpbuf(session.png)) != 0) return false;
  for (std::size_t y = 0; y < count; ++y) png_read_row(session.png, bytes + y * row_bytes, nullptr);
  if (last) png_read_end(session.png, nullptr);
  return true;
}

}  // namespace detail

/// Rows of a PNG from top to bottom, once.
class png_rows {
 public:
  /// Throws `error` as `read_png` does, and for an interlaced picture, whose rows do not come in their order.
  explicit png_rows(const std::filesystem::path& path)
      : doing_("cannot read image '" + path.string() + "'"), file_(open_file(path, doing_)), session_(false) {
    if (!session_.problem.empty() || !detail::read_png_header(session_, file_.get(), size_))
      throw error(doing_, "PNG: " + session_.problem, "copy it again from its source");
    check_image_size(path, size_, detail::most_compact_deflate);
    if (png_get_interlace_type(session_.png, session_.info) != PNG_INTERLACE_NONE)
      throw error(doing_, "it is too large to be held and interlaced, so that its rows do not come in their order",
                  "save it without interlacing, or as a TIFF of tiles");
    if (!detail::start_png_rows(session_, row_bytes_) ||
        row_bytes_ != size_.width * size_.channels * static_cast<std::size_t>(size_.bits) / 8)
      throw error(doing_, "PNG: " + session_.problem, "copy it again from its source");
  }

  [[nodiscard]] const image_size& size() const { return size_; }

  /// The next `count` rows, [count, W, C] in the file's own levels.
  [[nodiscard]] image read(std::size_t count) {
    bytes_.resize(count * row_bytes_);
    row_ += count;
    if (!detail::next_png_rows(session_, bytes_.data(), row_bytes_, count, row_ == size_.height))
      throw error(doing_, "PNG: " + session_.problem, "the file is cut short or damaged, copy it again from its source");
    image pixels = image::from_shape({count, size_.width, size_.channels});
    float* const out = pixels.data();
    for (std::size_t i = 0; i < pixels.size(); ++i)
      out[i] = size_.bits == 8 ? static_cast<float>(bytes_[i]) : static_cast<float>(bytes_[2 * i] << 8 | bytes_[2 * i + 1]);
    return pixels;
  }

 private:
  std::string doing_;
  open_handle file_;
  detail::png_session session_;
  image_size size_;
  std::size_t row_bytes_ = 0, row_ = 0;
  std::vector<png_byte> bytes_;
};

}  // namespace axonzoo
