#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <axonzoo/nn/gpu/elements.hpp>
#include <axonzoo/nn/gpu/runtime_kernel.hpp>

namespace axonzoo::gpu {

/// A thread has one 2 x 2 window and WIDTH channels of it.
inline const std::string max_pool_source = elements_source + R"(
struct alignas(WIDTH) places { unsigned char of[WIDTH]; };

struct window {
  long small, large;  // first number of the window's value, and of its first pixel
  int channels, width;
  __device__ window(long i, int h, int w, int height, int all_width, int c) : channels(c), width(all_width) {
    const int parts = c / WIDTH;
    const long pixel = i / parts;
    const int part = i % parts, column = pixel % w, row = pixel / w % h;
    const long image = pixel / w / h;
    small = pixel * c + part * WIDTH;
    large = ((image * height + 2 * row) * width + 2 * column) * c + part * WIDTH;
  }
  __device__ long pixel(int k) const { return large + ((long)(k / 2) * width + k % 2) * channels; }
};

extern "C" __global__ void pool(const element* x, element* y, unsigned char* indices, long windows, int h, int w, int height, int width, int channels) {
  for (long i = (long)blockIdx.x * blockDim.x + threadIdx.x; i < windows; i += (long)gridDim.x * blockDim.x) {
    const window at(i, h, w, height, width, channels);
    several best = *(const several*)(x + at.pixel(0));
    places where = {};
    for (int k = 1; k < 4; ++k) {
      const several level = *(const several*)(x + at.pixel(k));
      for (int c = 0; c < WIDTH; ++c) {
        const float value = wide(level.of[c]), former = wide(best.of[c]);
        if (former == former && !(value <= former)) {  // NaN is the largest
          best.of[c] = level.of[c];
          where.of[c] = k;
        }
      }
    }
    *(several*)(y + at.small) = best;
    *(places*)(indices + at.small) = where;
  }
}

extern "C" __global__ void spread(const element* y, const unsigned char* indices, element* x, long windows, int h, int w, int height, int width, int channels) {
  for (long i = (long)blockIdx.x * blockDim.x + threadIdx.x; i < windows; i += (long)gridDim.x * blockDim.x) {
    const window at(i, h, w, height, width, channels);
    const several value = *(const several*)(y + at.small);
    const places where = *(const places*)(indices + at.small);
    for (int k = 0; k < 4; ++k) {
      several to;
      for (int c = 0; c < WIDTH; ++c) to.of[c] = where.of[c] == k ? value.of[c] : (element)0;
      *(several*)(x + at.pixel(k)) = to;
    }
  }
}

extern "C" __global__ void gather(const element* x, const unsigned char* indices, element* y, long windows, int h, int w, int height, int width, int channels) {
  for (long i = (long)blockIdx.x * blockDim.x + threadIdx.x; i < windows; i += (long)gridDim.x * blockDim.x) {
    const window at(i, h, w, height, width, channels);
    const places where = *(const places*)(indices + at.small);
    several value;
    for (int c = 0; c < WIDTH; ++c) value.of[c] = x[at.pixel(where.of[c]) + c];
    *(several*)(y + at.small) = value;
  }
}
)";

namespace detail {

/// `kernel` over all windows of `large`; all three tensors have its channels, `small` and `indices` half of its sides.
inline void over_windows(const char* kernel, const at::Tensor& first, const at::Tensor& second, const at::Tensor& third, const at::Tensor& small, const at::Tensor& large) {
  const elements of(small);
  const auto channels = static_cast<int>(small.size(1)), h = static_cast<int>(small.size(2)), w = static_cast<int>(small.size(3)), height = static_cast<int>(large.size(2)),
             width = static_cast<int>(large.size(3));
  const std::int64_t windows = small.numel() / of.width;
  if (windows == 0) return;
  const void *a = first.data_ptr(), *b = second.data_ptr(), *c = third.data_ptr();
  const auto blocks = static_cast<unsigned>(std::min<std::int64_t>((windows + 255) / 256, 1 << 16));
  runtime_compiler::launch(max_pool_source.c_str(), of.definitions(), kernel, {blocks, 1, 1}, {256, 1, 1}, 0, {&a, &b, &c, &windows, &h, &w, &height, &width, &channels});
}

}  // namespace detail

/// As axonzoo::max_pool_2x2, without a graph.
inline std::pair<at::Tensor, at::Tensor> max_pool_2x2(const at::Tensor& x) {
  const at::IntArrayRef sizes = x.sizes();
  const std::int64_t shape[] = {sizes[0], sizes[1], sizes[2] / 2, sizes[3] / 2};
  const at::Tensor pooled = at::empty(shape, x.options().memory_format(at::MemoryFormat::ChannelsLast)), indices = at::empty(shape, pooled.options().dtype(at::kByte).memory_format(at::MemoryFormat::ChannelsLast));
  detail::over_windows("pool", x, pooled, indices, pooled, x);
  return {pooled, indices};
}

/// Values y at the places that `indices` name, zeros elsewhere.
inline at::Tensor spread(const at::Tensor& y, const at::Tensor& indices, std::int64_t height, std::int64_t width) {
  const at::Tensor x = at::empty({y.size(0), y.size(1), height, width}, y.options().memory_format(at::MemoryFormat::ChannelsLast));
  if (height % 2 != 0 || width % 2 != 0) x.zero_();
  detail::over_windows("spread", y, indices, x, y, x);
  return x;
}

/// Values of x at these places.
inline at::Tensor gather(const at::Tensor& x, const at::Tensor& indices) {
  const at::Tensor y = at::empty(indices.sizes(), x.options().memory_format(at::MemoryFormat::ChannelsLast));
  detail::over_windows("gather", x, indices, y, y, x);
  return y;
}

}  // namespace axonzoo::gpu
