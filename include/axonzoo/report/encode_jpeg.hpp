#pragma once

#include <csetjmp>
#include <cstdint>
#include <cstdio>  // jpeglib.h uses FILE without including it
#include <cstdlib>
#include <jpeglib.h>
#include <string>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>

namespace axonzoo {

namespace detail {

// libjpeg leaves by longjmp: the function that calls setjmp holds no object with a destructor.
struct jpeg_encoding {
  jpeg_error_mgr errors{};
  jpeg_compress_struct jpeg{};
  std::jmp_buf leave{};
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  char problem[JMSG_LENGTH_MAX] = "";

  jpeg_encoding() {
    jpeg.err = jpeg_std_error(&errors);
    jpeg.client_data = this;
    errors.error_exit = [](j_common_ptr info) {
      auto* self = static_cast<jpeg_encoding*>(info->client_data);
      info->err->format_message(info, self->problem);
      std::longjmp(self->leave, 1);
    };
  }
  jpeg_encoding(const jpeg_encoding&) = delete;
  jpeg_encoding& operator=(const jpeg_encoding&) = delete;
  ~jpeg_encoding() {
    jpeg_destroy_compress(&jpeg);
    std::free(bytes);
  }

  bool encode(const std::uint8_t* rgb, unsigned height, unsigned width, int quality) {
    if (setjmp(leave) != 0) return false;
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &bytes, &size);
    jpeg.image_width = width;
    jpeg.image_height = height;
    jpeg.input_components = 3;
    jpeg.in_color_space = JCS_RGB;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, quality, TRUE);
    jpeg.comp_info[0].h_samp_factor = jpeg.comp_info[0].v_samp_factor = 1;  // outlines one pixel wide keep their colour
    jpeg.optimize_coding = TRUE;
    jpeg_start_compress(&jpeg, TRUE);
    while (jpeg.next_scanline < height) {
      auto* row = const_cast<std::uint8_t*>(rgb + std::size_t{jpeg.next_scanline} * width * 3);
      jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    return true;
  }
};

}  // namespace detail

/// A colour picture [H, W, 3] as the bytes of a JPEG file, for a page; `quality` is libjpeg's 1..100.
[[nodiscard]] inline std::string encode_jpeg(const rgb_image& picture, int quality = 86) {
  const std::size_t height = picture.shape(0), width = picture.shape(1);
  if (picture.size() == 0 || picture.shape(2) != 3 || height > JPEG_MAX_DIMENSION || width > JPEG_MAX_DIMENSION)
    throw error("cannot encode a JPEG",
                std::to_string(width) + " x " + std::to_string(height) + " x " + std::to_string(picture.shape(2)) + " levels",
                "give an RGB picture of 1 to 65500 pixels a side");
  detail::jpeg_encoding encoding;
  if (!encoding.encode(picture.data(), static_cast<unsigned>(height), static_cast<unsigned>(width), quality))
    throw error("cannot encode a JPEG", encoding.problem, "free memory");
  return {reinterpret_cast<const char*>(encoding.bytes), encoding.size};
}

}  // namespace axonzoo
