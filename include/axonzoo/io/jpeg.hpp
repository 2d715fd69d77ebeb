#pragma once

#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/io/image_size.hpp>
#include <axonzoo/io/open_file.hpp>

// the second needs the first, and the first needs FILE
// clang-format off
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

namespace axonzoo {

namespace detail {

// libjpeg leaves by longjmp. Functions here that call setjmp hold no object with a destructor: those live in jpeg_session.
struct jpeg_session {
  jpeg_error_mgr errors{};  // first: libjpeg hands back its address
  jpeg_decompress_struct jpeg{};
  std::jmp_buf leave{};
  std::array<char, JMSG_LENGTH_MAX> problem{};

  jpeg_session() {
    jpeg.err = jpeg_std_error(&errors);
    jpeg.client_data = this;
    errors.error_exit = [](j_common_ptr info) {
      auto* session = static_cast<jpeg_session*>(info->client_data);
      info->err->format_message(info, session->problem.data());
      std::longjmp(session->leave, 1);
    };
    errors.emit_message = [](j_common_ptr info, int level) {
      auto* session = static_cast<jpeg_session*>(info->client_data);
      if (level < 0 && session->problem[0] == '\0' && loses_pixels(info->err->msg_code))
        info->err->format_message(info, session->problem.data());
    };
  }
  jpeg_session(const jpeg_session&) = delete;
  jpeg_session& operator=(const jpeg_session&) = delete;
  ~jpeg_session() { jpeg_destroy_decompress(&jpeg); }

  // libjpeg only warns of these and goes on with grey
  static bool loses_pixels(int code) {
    return code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE || code == JWRN_ARITH_BAD_CODE ||
           code == JWRN_MUST_RESYNC || code == JWRN_NOT_SEQUENTIAL || code == JWRN_BOGUS_PROGRESSION;
  }
};

inline bool read_jpeg_header(jpeg_session& session, std::FILE* file, image_size& size) {
  if (setjmp(session.leave) != 0) return false;
  jpeg_create_decompress(&session.jpeg);
  jpeg_stdio_src(&session.jpeg, file);
  jpeg_read_header(&session.jpeg, TRUE);
  size = {session.jpeg.image_height, session.jpeg.image_width, static_cast<std::size_t>(session.jpeg.num_components), 8};
  return session.problem[0] == '\0';
}

inline bool read_jpeg_rows(jpeg_session& session, std::uint8_t* row, float* out, std::size_t row_samples) {
  if (setjmp(session.leave) != 0) return false;
  jpeg_start_decompress(&session.jpeg);
  while (session.jpeg.output_scanline < session.jpeg.output_height) {
    float* to = out + session.jpeg.output_scanline * row_samples;
    if (jpeg_read_scanlines(&session.jpeg, &row, 1) != 1 || session.problem[0] != '\0') return false;
    for (std::size_t i = 0; i < row_samples; ++i) to[i] = row[i];
  }
  jpeg_finish_decompress(&session.jpeg);
  return session.problem[0] == '\0';
}

inline image_size open_jpeg(jpeg_session& session, std::FILE* file, const std::filesystem::path& path) {
  const std::string doing = "cannot read image '" + path.string() + "'";
  image_size size;
  if (!read_jpeg_header(session, file, size))
    throw error(doing, std::string("JPEG: ") + session.problem.data(), "copy it again from its source");
  if (size.channels != 1 && size.channels != 3)
    throw error(doing, "a JPEG of " + std::to_string(size.channels) + " inks", "convert it to grey or RGB");
  check_image_size(path, size, 2048);  // one bit a block of 64 pixels, chroma shared by eight blocks: below 1300
  return size;
}

}  // namespace detail

/// Size from a JPEG's header.
[[nodiscard]] inline image_size read_jpeg_size(const std::filesystem::path& path) {
  const open_handle file = open_file(path, "cannot read image '" + path.string() + "'");
  detail::jpeg_session session;
  return detail::open_jpeg(session, file.get(), path);
}

/// Decodes a grey or colour JPEG, baseline or progressive. The camera's orientation mark is not applied.
[[nodiscard]] inline image read_jpeg(const std::filesystem::path& path) {
  const std::string doing = "cannot read image '" + path.string() + "'";
  const open_handle file = open_file(path, doing);
  detail::jpeg_session session;
  const image_size size = detail::open_jpeg(session, file.get(), path);
  session.jpeg.out_color_space = size.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  image pixels = image::from_shape({size.height, size.width, size.channels});
  std::vector<std::uint8_t> row(size.width * size.channels);
  if (!detail::read_jpeg_rows(session, row.data(), pixels.data(), row.size()))
    throw error(doing, std::string("JPEG: ") + session.problem.data(),
                "the file is cut short or damaged, copy it again from its source");
  return pixels;
}

}  // namespace axonzoo
