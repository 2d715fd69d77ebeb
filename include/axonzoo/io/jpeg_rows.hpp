#pragma once

#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/io/image_size.hpp>
#include <axonzoo/io/jpeg.hpp>
#include <axonzoo/io/open_file.hpp>

namespace axonzoo {

namespace detail {

inline bool start_jpeg_rows(jpeg_session& session) {
  if (setjmp(session.leave) != 0) return false;
  jpeg_start_decompress(&session.jpeg);
  return session.problem[0] == '\0';
}

inline bool next_jpeg_rows(jpeg_session& session, std::uint8_t* row, float* out, std::size_t row_samples, std::size_t count) {
  if (setjmp(session.leave) != 0) return false;
  for (std::size_t y = 0; y < count; ++y) {
    if (jpeg_read_scanlines(&session.jpeg, &row, 1) != 1 || session.problem[0] != '\0') return false;
    for (std::size_t i = 0; i < row_samples; ++i) out[y * row_samples + i] = row[i];
  }
  if (session.jpeg.output_scanline == session.jpeg.output_height) jpeg_finish_decompress(&session.jpeg);
  return session.problem[0] == '\0';
}

}  // namespace detail

/// Rows of a JPEG from top to bottom, once.
class jpeg_rows {
 public:
  /// Throws `error` as `read_jpeg` does, and for a progressive picture, of which libjpeg holds all coefficients.
  explicit jpeg_rows(const std::filesystem::path& path)
      : doing_("cannot read image '" + path.string() + "'"), file_(open_file(path, doing_)) {
    size_ = detail::open_jpeg(session_, file_.get(), path);
    if (jpeg_has_multiple_scans(&session_.jpeg) != 0)
      throw error(doing_, "it is too large to be held and progressive, so that its rows do not come in their order",
                  "save it as a baseline JPEG, or as a TIFF of tiles");
    session_.jpeg.out_color_space = size_.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    if (!detail::start_jpeg_rows(session_)) refuse();
    row_.resize(size_.width * size_.channels);
  }

  [[nodiscard]] const image_size& size() const { return size_; }

  /// The next `count` rows, [count, W, C] in the file's own levels.
  [[nodiscard]] image read(std::size_t count) {
    image pixels = image::from_shape({count, size_.width, size_.channels});
    if (!detail::next_jpeg_rows(session_, row_.data(), pixels.data(), row_.size(), count)) refuse();
    return pixels;
  }

 private:
  [[noreturn]] void refuse() const {
    throw error(doing_, std::string("JPEG: ") + session_.problem.data(),
                "the file is cut short or damaged, copy it again from its source");
  }

  std::string doing_;
  open_handle file_;
  detail::jpeg_session session_;
  image_size size_;
  std::vector<std::uint8_t> row_;
};

}  // namespace axonzoo
