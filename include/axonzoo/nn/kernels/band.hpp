#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include <axonzoo/nn/kernels/lanes.hpp>
#include <axonzoo/nn/kernels/pixels.hpp>
#include <axonzoo/nn/kernels/vector.hpp>

namespace axonzoo::kernels {

/// Elements as they are, or widened.
struct copying {
  template <class To>
  [[nodiscard]] To zero() const {
    return To(0);
  }
  template <class T, class To>
  void convert(const T& from, To& to) const {
    to = static_cast<To>(from);
  }
  template <class T, class To>
  void convert(const T* from, std::int64_t count, To* to) const {
    if constexpr (std::is_same_v<T, To>) {
      std::memcpy(static_cast<void*>(to), from, static_cast<std::size_t>(count) * sizeof(T));
    } else {
      std::int64_t i = 0;
      for (; i + lanes::width <= count; i += lanes::width) lanes::load(from + i).store(to + i);
      for (; i < count; ++i) to[i] = static_cast<To>(from[i]);
    }
  }
};

/// Copies `count` pixels of row y of image n from column x on, [pixel][channel] with `pitch` elements a pixel. What lies outside
/// of the image, and channels from `inputs`' sum to `pitch`, is zero. Several inputs stand side by side in the channels. `how` converts the elements.
template <class T, class To, class How = copying>
void copy_row(const std::vector<pixels<const T>>& inputs, std::int64_t n, std::int64_t y, std::int64_t x, std::int64_t count,
              std::int64_t pitch, To* to, const How how = {}) {  // a copy, which bytes that are stored cannot change
  const auto zero = how.template zero<To>();
  const pixels<const T>& first = inputs.front();
  const std::int64_t from = std::clamp<std::int64_t>(-x, 0, count), until = std::clamp<std::int64_t>(first.width - x, from, count);
  if (y < 0 || y >= first.height || from >= until) {
    std::fill_n(to, count * pitch, zero);
    return;
  }
  std::fill_n(to, from * pitch, zero);
  std::fill_n(to + until * pitch, (count - until) * pitch, zero);
  std::int64_t offset = 0;
  for (const auto& input : inputs) {
    const T* source = input.row(n, y) + (x + from) * input.pixel_stride;
    To* target = to + from * pitch + offset;
    if (input.channels == pitch && input.pixel_stride == pitch) {
      how.convert(source, (until - from) * pitch, target);
    } else if (input.channels < 8) {
      for (std::int64_t p = from; p < until; ++p, source += input.pixel_stride, target += pitch) {
        for (std::int64_t c = 0; c < input.channels; ++c) how.convert(source[c], target[c]);
      }
    } else {
      for (std::int64_t p = from; p < until; ++p, source += input.pixel_stride, target += pitch) {
        how.convert(source, input.channels, target);
      }
    }
    offset += input.channels;
  }
  for (; offset < pitch; ++offset) {
    for (std::int64_t p = from; p < until; ++p) to[p * pitch + offset] = zero;
  }
}

}  // namespace axonzoo::kernels
