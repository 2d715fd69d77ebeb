#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include <axonzoo/nn/kernels/pixels.hpp>
#include <axonzoo/nn/kernels/vector.hpp>

namespace axonzoo::kernels {

/// Copies `count` pixels of row y of image n from column x on, [pixel][channel] with `pitch` elements a pixel. What lies outside
/// of the image, and channels from `inputs`' sum to `pitch`, is zero. Several inputs stand side by side in the channels.
template <class T>
void copy_row(const std::vector<pixels<const T>>& inputs, std::int64_t n, std::int64_t y, std::int64_t x, std::int64_t count,
              std::int64_t pitch, T* to) {
  const auto bytes = [](std::int64_t elements) { return static_cast<std::size_t>(elements) * sizeof(T); };
  const pixels<const T>& first = inputs.front();
  const std::int64_t from = std::clamp<std::int64_t>(-x, 0, count), until = std::clamp<std::int64_t>(first.width - x, from, count);
  if (y < 0 || y >= first.height || from >= until) {
    std::memset(static_cast<void*>(to), 0, bytes(count * pitch));
    return;
  }
  std::memset(static_cast<void*>(to), 0, bytes(from * pitch));
  std::memset(static_cast<void*>(to + until * pitch), 0, bytes((count - until) * pitch));
  std::int64_t offset = 0;
  for (const auto& input : inputs) {
    const T* source = input.row(n, y) + (x + from) * input.pixel_stride;
    T* target = to + from * pitch + offset;
    if (input.channels == pitch && input.pixel_stride == pitch) {
      std::memcpy(static_cast<void*>(target), source, bytes((until - from) * pitch));
    } else if (input.channels < 8) {
      for (std::int64_t p = from; p < until; ++p, source += input.pixel_stride, target += pitch) {
        for (std::int64_t c = 0; c < input.channels; ++c) target[c] = source[c];
      }
    } else {
      for (std::int64_t p = from; p < until; ++p, source += input.pixel_stride, target += pitch) {
        std::memcpy(static_cast<void*>(target), source, bytes(input.channels));
      }
    }
    offset += input.channels;
  }
  for (; offset < pitch; ++offset) {
    for (std::int64_t p = from; p < until; ++p) to[p * pitch + offset] = T(0);
  }
}

}  // namespace axonzoo::kernels
