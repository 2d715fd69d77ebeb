#pragma once

#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <png.h>
#include <string>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/io/image_size.hpp>
#include <axonzoo/io/open_file.hpp>
#include <axonzoo/io/replace_file.hpp>

namespace axonzoo {

namespace detail {

// libpng leaves by longjmp. Every function here that calls setjmp therefore holds no object with a destructor: those live in
// png_session, outside its frame.
struct png_session {
  png_structp png = nullptr;
  png_infop info = nullptr;
  bool writes = false;
  std::string problem;

  explicit png_session(bool to_write) : writes(to_write) {
    png = writes ? png_create_write_struct(PNG_LIBPNG_VER_STRING, this, &fail, &ignore)
                 : png_create_read_struct(PNG_LIBPNG_VER_STRING, this, &fail, &ignore);
    if (png != nullptr) info = png_create_info_struct(png);
    if (info == nullptr) problem = "out of memory";
  }
  png_session(const png_session&) = delete;
  png_session& operator=(const png_session&) = delete;
  ~png_session() { writes ? png_destroy_write_struct(&png, &info) : png_destroy_read_struct(&png, &info, nullptr); }

  [[noreturn]] static void fail(png_structp png, png_const_charp text) {
    static_cast<png_session*>(png_get_error_ptr(png))->problem = text;
    png_longjmp(png, 1);
  }
  static void ignore(png_structp, png_const_charp) {}
};

inline bool read_png_header(png_session& session, std::FILE* file, image_size& size) {
  if (setjmp(png_jmpbuf(session.png)) != 0) return false;
  png_init_io(session.png, file);
  png_read_info(session.png, session.info);
  size.height = png_get_image_height(session.png, session.info);
  size.width = png_get_image_width(session.png, session.info);
  size.channels = (png_get_color_type(session.png, session.info) & PNG_COLOR_MASK_COLOR) != 0 ? 3 : 1;
  size.bits = png_get_bit_depth(session.png, session.info) == 16 ? 16 : 8;
  return true;
}

inline bool read_png_rows(png_session& session, const image_size& size, png_bytep bytes, png_bytepp rows) {
  if (setjmp(png_jmpbuf(session.png)) != 0) return false;
  png_set_expand(session.png);
  png_set_strip_alpha(session.png);
  png_set_interlace_handling(session.png);
  png_read_update_info(session.png, session.info);
  const std::size_t row = png_get_rowbytes(session.png, session.info);
  if (row != size.width * size.channels * static_cast<std::size_t>(size.bits) / 8)
    png_error(session.png, "rows of unexpected length");
  for (std::size_t y = 0; y < size.height; ++y) rows[y] = bytes + y * row;
  png_read_image(session.png, rows);
  png_read_end(session.png, nullptr);
  return true;
}

inline void append_png_bytes(png_structp png, png_bytep bytes, std::size_t n) {
  bool appended = true;
  try {
    static_cast<std::string*>(png_get_io_ptr(png))->append(reinterpret_cast<const char*>(bytes), n);
  } catch (...) {
    appended = false;
  }
  if (!appended) png_error(png, "out of memory");
}

inline bool encode_png(png_session& session, std::string& out, const std::uint8_t* bytes, png_uint_32 height, png_uint_32 width,
                       int channels) {
  if (setjmp(png_jmpbuf(session.png)) != 0) return false;
  png_set_write_fn(session.png, &out, &append_png_bytes, nullptr);
  png_set_IHDR(session.png, session.info, width, height, 8, channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB,
               PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (channels == 1) png_set_filter(session.png, PNG_FILTER_TYPE_BASE, PNG_FILTER_NONE);  // flat masks deflate best unfiltered
  png_write_info(session.png, session.info);
  const std::size_t row = std::size_t{width} * static_cast<std::size_t>(channels);
  for (std::size_t y = 0; y < height; ++y) png_write_row(session.png, bytes + y * row);
  png_write_end(session.png, nullptr);
  return true;
}

inline void write_png_bytes(const std::filesystem::path& path, const std::uint8_t* bytes, std::size_t height, std::size_t width,
                            int channels) {
  const std::string doing = "cannot write image '" + path.string() + "'";
  if (height == 0 || width == 0 || height > PNG_USER_HEIGHT_MAX || width > PNG_USER_WIDTH_MAX)
    throw error(doing, "a PNG cannot hold " + std::to_string(width) + " x " + std::to_string(height) + " pixels",
                "write another size");
  std::string encoded;
  png_session session(true);
  if (!session.problem.empty() ||
      !encode_png(session, encoded, bytes, static_cast<png_uint_32>(height), static_cast<png_uint_32>(width), channels))
    throw error(doing, session.problem, "free memory");
  replace_file(path, encoded);
}

constexpr std::uint64_t most_compact_deflate = 1032;  // zlib's technical notes: 258 bytes from 2 bits

}  // namespace detail

/// Size from a PNG's header.
[[nodiscard]] inline image_size read_png_size(const std::filesystem::path& path) {
  const std::string doing = "cannot read image '" + path.string() + "'";
  const open_handle file = open_file(path, doing);
  detail::png_session session(false);
  image_size size;
  if (!session.problem.empty() || !detail::read_png_header(session, file.get(), size))
    throw error(doing, "PNG: " + session.problem, "copy it again from its source");
  check_image_size(path, size, detail::most_compact_deflate);
  return size;
}

/// Decodes a PNG: 1 to 16 bits, palette, grey or colour, with or without alpha, interlaced or not.
[[nodiscard]] inline image read_png(const std::filesystem::path& path) {
  const std::string doing = "cannot read image '" + path.string() + "'";
  const open_handle file = open_file(path, doing);
  detail::png_session session(false);
  image_size size;
  if (!session.problem.empty() || !detail::read_png_header(session, file.get(), size))
    throw error(doing, "PNG: " + session.problem, "copy it again from its source");
  check_image_size(path, size, detail::most_compact_deflate);
  const std::size_t samples = size.height * size.width * size.channels;
  const auto bytes = std::make_unique_for_overwrite<png_byte[]>(samples * static_cast<std::size_t>(size.bits) / 8);
  const auto rows = std::make_unique_for_overwrite<png_bytep[]>(size.height);
  if (!detail::read_png_rows(session, size, bytes.get(), rows.get()))
    throw error(doing, "PNG: " + session.problem, "the file is cut short or damaged, copy it again from its source");
  image pixels = image::from_shape({size.height, size.width, size.channels});
  float* out = pixels.data();
  if (size.bits == 8)
    for (std::size_t i = 0; i < samples; ++i) out[i] = bytes[i];
  else
    for (std::size_t i = 0; i < samples; ++i) out[i] = static_cast<float>(bytes[2 * i] << 8 | bytes[2 * i + 1]);
  return pixels;
}

/// Writes [H, W, 3] as an 8-bit RGB PNG; the file is complete or, with an exception, untouched.
inline void write_png(const std::filesystem::path& path, const rgb_image& pixels) {
  if (pixels.shape(2) != 3)
    throw error("cannot write image '" + path.string() + "'", std::to_string(pixels.shape(2)) + " channels", "give three");
  detail::write_png_bytes(path, pixels.data(), pixels.shape(0), pixels.shape(1), 3);
}

/// Writes [H, W] as an 8-bit grey PNG with the values as they are.
inline void write_png(const std::filesystem::path& path, const label_image& values) {
  detail::write_png_bytes(path, values.data(), values.shape(0), values.shape(1), 1);
}

}  // namespace axonzoo
