#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <tiffio.h>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/io/image_size.hpp>

namespace axonzoo::detail {

/// How the samples of a TIFF page lie in a decoded row, and their conversion to grey or RGB levels.
class tiff_samples {
 public:
  tiff_samples() = default;

  tiff_samples(TIFF* tiff, const std::string& doing) {
    std::uint32_t width = 0, height = 0;
    std::uint16_t bits = 1, in_pixel = 1, planes = PLANARCONFIG_CONTIG, format = SAMPLEFORMAT_UINT,
                  compression = COMPRESSION_NONE;
    TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width);
    TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &bits);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &in_pixel);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &planes);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &format);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &compression);
    if (TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &photometric_) == 0)
      photometric_ = in_pixel >= 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK;
    if (photometric_ == PHOTOMETRIC_YCBCR && compression == COMPRESSION_JPEG) {
      TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
      photometric_ = PHOTOMETRIC_RGB;
    }
    bits_ = bits;
    in_pixel_ = in_pixel;
    separate_ = planes == PLANARCONFIG_SEPARATE && in_pixel > 1;
    if (format == SAMPLEFORMAT_VOID) format = SAMPLEFORMAT_UINT;
    format_ = format;

    const bool grey = photometric_ == PHOTOMETRIC_MINISBLACK || photometric_ == PHOTOMETRIC_MINISWHITE;
    const bool whole =
        format == SAMPLEFORMAT_UINT && (bits == 1 || bits == 2 || bits == 4 || bits == 8 || bits == 16 || bits == 32);
    const bool has_sign = format == SAMPLEFORMAT_INT && (bits == 8 || bits == 16 || bits == 32);
    const bool floating = format == SAMPLEFORMAT_IEEEFP && (bits == 32 || bits == 64);
    const auto unsupported = [&](const std::string& what) {
      throw error(doing, "TIFF: " + what, "convert it to 8- or 16-bit grey or RGB");
    };
    if (!whole && !has_sign && !floating)
      unsupported("samples of " + std::to_string(bits) + " bits in sample format " + std::to_string(format) +
                  " are not supported");
    if (photometric_ == PHOTOMETRIC_PALETTE) {
      std::uint16_t *red = nullptr, *green = nullptr, *blue = nullptr;
      if (!whole || bits > 8 || in_pixel != 1 || TIFFGetField(tiff, TIFFTAG_COLORMAP, &red, &green, &blue) == 0)
        unsupported("its palette is missing or does not fit its samples");
      read_palette({red, green, blue});
    } else if (!grey && photometric_ != PHOTOMETRIC_RGB) {
      unsupported("photometric interpretation " + std::to_string(photometric_) + " is not supported");
    } else if (grey ? in_pixel > 2 : in_pixel < 3) {
      unsupported(std::to_string(in_pixel) + " samples a pixel do not make a grey or RGB picture");
    }
    size_ = {height, width, grey ? std::size_t{1} : std::size_t{3}, bits < 8 || !palette_.empty() ? 8 : bits};
  }

  [[nodiscard]] const image_size& size() const { return size_; }
  [[nodiscard]] bool separate() const { return separate_; }
  [[nodiscard]] bool floating() const { return format_ == SAMPLEFORMAT_IEEEFP; }

  /// Converts `width` pixels of a decoded row into `out` [width, channels]; of separate planes, only channel `plane`.
  void convert(const unsigned char* row, std::size_t width, float* out, std::size_t plane) const {
    if (!palette_.empty()) {
      for (std::size_t x = 0; x < width; ++x) std::memcpy(out + 3 * x, &palette_[3 * packed(row, x)], 3 * sizeof(float));
    } else if (bits_ < 8) {
      const unsigned top = (1u << bits_) - 1;
      each(width, out, plane, [&](std::size_t i) { return static_cast<float>(255 / top * packed(row, i)); });
    } else if (format_ == SAMPLEFORMAT_IEEEFP) {
      bits_ == 32 ? as<float>(row, width, out, plane) : as<double>(row, width, out, plane);
    } else if (format_ == SAMPLEFORMAT_INT) {
      bits_ == 8    ? as<std::int8_t>(row, width, out, plane)
      : bits_ == 16 ? as<std::int16_t>(row, width, out, plane)
                    : as<std::int32_t>(row, width, out, plane);
    } else {
      bits_ == 8    ? as<std::uint8_t>(row, width, out, plane)
      : bits_ == 16 ? as<std::uint16_t>(row, width, out, plane)
                    : as<std::uint32_t>(row, width, out, plane);
    }
    if (photometric_ == PHOTOMETRIC_MINISWHITE && format_ == SAMPLEFORMAT_UINT)
      for (std::size_t x = 0; x < width; ++x) out[x] = static_cast<float>(std::ldexp(1.0, size_.bits) - 1 - out[x]);
  }

 private:
  [[nodiscard]] unsigned packed(const unsigned char* row, std::size_t i) const {
    const std::size_t bit = i * static_cast<std::size_t>(bits_);
    return (row[bit / 8] >> (8 - static_cast<std::size_t>(bits_) - bit % 8)) & ((1u << bits_) - 1);
  }

  template <class Level>
  void each(std::size_t width, float* out, std::size_t plane, Level level) const {
    const std::size_t channels = size_.channels;
    if (channels == 1 && in_pixel_ == 1)  // known strides: the compiler's vectors
      for (std::size_t x = 0; x < width; ++x) out[x] = level(x);
    else if (separate_)
      for (std::size_t x = 0; x < width; ++x) out[x * channels + plane] = level(x);
    else
      for (std::size_t x = 0; x < width; ++x)
        for (std::size_t c = 0; c < channels; ++c) out[x * channels + c] = level(x * in_pixel_ + c);
  }

  template <class Sample>
  void as(const unsigned char* row, std::size_t width, float* out, std::size_t plane) const {
    each(width, out, plane, [&](std::size_t i) {
      Sample sample;
      std::memcpy(&sample, row + i * sizeof sample, sizeof sample);
      return static_cast<float>(sample);
    });
  }

  // The standard asks for 16-bit colours; some programs write 8-bit ones.
  void read_palette(const std::vector<const std::uint16_t*>& colours) {
    const std::size_t entries = std::size_t{1} << bits_;
    bool wide = false;
    for (const std::uint16_t* colour : colours)
      for (std::size_t i = 0; i < entries; ++i) wide = wide || colour[i] > 255;
    for (std::size_t i = 0; i < entries; ++i)
      for (const std::uint16_t* colour : colours) palette_.push_back(static_cast<float>(wide ? colour[i] >> 8 : colour[i]));
  }

  image_size size_;
  int bits_ = 0, format_ = SAMPLEFORMAT_UINT;
  std::size_t in_pixel_ = 1;
  std::uint16_t photometric_ = PHOTOMETRIC_MINISBLACK;
  bool separate_ = false;
  std::vector<float> palette_;
};

}  // namespace axonzoo::detail
