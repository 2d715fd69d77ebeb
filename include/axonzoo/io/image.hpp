#pragma once

#include <array>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <new>
#include <string>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/io/image_size.hpp>
#include <axonzoo/io/jpeg.hpp>
#include <axonzoo/io/open_file.hpp>
#include <axonzoo/io/png.hpp>
#include <axonzoo/io/tiff.hpp>

namespace axonzoo {

/// The kinds of file that `read_image` decodes.
enum class image_format { none, png, jpeg, tiff };

/// Tells the kind from the first bytes, never from the name; `none` also for what cannot be opened.
[[nodiscard]] inline image_format format_of(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return image_format::none;
  const open_handle file(std::fopen(path.c_str(), "rb"));
  std::array<char, 8> magic{};
  if (!file || std::fread(magic.data(), 1, magic.size(), file.get()) < 4) return image_format::none;
  const auto begins = [&](const char* bytes, std::size_t n) { return std::memcmp(magic.data(), bytes, n) == 0; };
  if (begins("\x89PNG\r\n\x1a\n", 8)) return image_format::png;
  if (begins("\xff\xd8\xff", 3)) return image_format::jpeg;
  if (begins("II*\0", 4) || begins("MM\0*", 4) || begins("II+\0", 4) || begins("MM\0+", 4)) return image_format::tiff;
  return image_format::none;
}

/// Whether the file begins as a PNG, JPEG or TIFF does.
[[nodiscard]] inline bool is_image(const std::filesystem::path& path) { return format_of(path) != image_format::none; }

namespace detail {

inline image_format require_format(const std::filesystem::path& path) {
  const image_format format = format_of(path);
  if (format != image_format::none) return format;
  const std::string doing = "cannot read image '" + path.string() + "'";
  (void)open_file(path, doing);  // says so where the file is missing, empty or a folder
  throw error(doing, "its content is not PNG, JPEG or TIFF", "convert it to PNG");
}

}  // namespace detail

/// Height, width, channels and bits, from the header alone. Throws as `read_image` does for what the header shows.
[[nodiscard]] inline image_size read_image_size(const std::filesystem::path& path) {
  switch (detail::require_format(path)) {
    case image_format::png:
      return read_png_size(path);
    case image_format::jpeg:
      return read_jpeg_size(path);
    default:
      return read_tiff_size(path);
  }
}

/// Decodes a PNG, JPEG or TIFF, whatever its name says, into [H, W, 1] or [H, W, 3] with the file's own levels. Alpha is
/// dropped, a palette becomes colours, bilevel becomes 0 and 255. Throws for a file that is cut short or damaged: nothing is
/// filled in. Safe to call from many threads.
[[nodiscard]] inline image read_image(const std::filesystem::path& path) {
  const image_format format = detail::require_format(path);
  try {
    switch (format) {
      case image_format::png:
        return read_png(path);
      case image_format::jpeg:
        return read_jpeg(path);
      default:
        return read_tiff(path);
    }
  } catch (const std::bad_alloc&) {
    throw error("cannot read image '" + path.string() + "'", "it does not fit into memory", "cut it into parts");
  }
}

}  // namespace axonzoo
