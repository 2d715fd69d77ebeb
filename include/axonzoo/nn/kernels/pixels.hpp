#pragma once

#include <cstdint>

namespace axonzoo::kernels {

/// Pixels of N images in memory: channels lie side by side, the strides (in elements) are free, so that it can be a slice of
/// the channels of a channels_last tensor or every second pixel of one.
template <class T>
struct pixels {
  T* data = nullptr;
  std::int64_t images = 0, height = 0, width = 0, channels = 0;
  std::int64_t image_stride = 0, row_stride = 0, pixel_stride = 0;

  [[nodiscard]] T* row(std::int64_t n, std::int64_t y) const { return data + n * image_stride + y * row_stride; }
};

/// Where a kernel's taps lie for output pixel (y, x): input rows y * stride + top ... + rows - 1, columns likewise.
struct window {
  std::int64_t rows = 1, columns = 1, stride = 1, top = 0, left = 0;
};

}  // namespace axonzoo::kernels
