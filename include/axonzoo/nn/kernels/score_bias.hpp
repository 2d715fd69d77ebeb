#pragma once

#include <algorithm>
#include <cstdint>

#include <axonzoo/nn/kernels/lanes.hpp>
#include <axonzoo/nn/kernels/pack_panels.hpp>
#include <axonzoo/nn/kernels/vector.hpp>

#if defined(AXONZOO_VECTORS)

namespace axonzoo::kernels {

/// What is added to the scaled scores of one head: nothing; of query i and key j of an image `columns` wide, height[i][j /
/// columns] + width[i][j % columns]; or all[i][j].
template <class T>
struct score_bias {
  matrix<const T> height, width;
  matrix<const float> all;
  std::int64_t columns = 0;

  [[nodiscard]] bool none() const { return height.data == nullptr && all.data == nullptr; }

  /// to[0 ... end - begin - 1] = factor times the biases of query i and keys begin ... end - 1; writes up to 15 floats beyond.
  void fill(std::int64_t i, std::int64_t begin, std::int64_t end, float factor, float* to) const {
    const lanes times = lanes::all(factor);
    if (none()) {
      for (std::int64_t j = begin; j < end; j += 16) lanes::all(0).store(to + j - begin);
    } else if (all.data != nullptr) {
      const float* const row = all.row(i);
      for (std::int64_t j = begin; j < end; j += 16)
        (lanes::load(row + j, std::min<std::int64_t>(end - j, 16)) * times).store(to + j - begin);
    } else {
      const T* const own = width.row(i);
      if (columns <= 16 && begin % columns == 0) {  // one vector a row of the image
        const lanes across = lanes::load(own, columns);
        for (const T* down = height.row(i) + begin / columns; begin < end; begin += columns, to += columns, ++down) {
          fma(times, across, lanes::all(static_cast<float>(*down) * factor)).store(to);
        }
        return;
      }
      each_row(begin, end, [&](std::int64_t y, std::int64_t x, std::int64_t count) {
        const lanes down = lanes::all(static_cast<float>(height.row(i)[y]) * factor);
        for (std::int64_t c = 0; c < count; c += 16) {
          fma(times, lanes::load(own + x + c, std::min<std::int64_t>(count - c, 16)), down).store(to + c);
        }
        to += count;
      });
    }
  }

  /// Adds the gradients of the scores of keys begin ... end - 1 to those of height's and width's row.
  void accumulate(std::int64_t begin, std::int64_t end, const float* gradient, float* of_height, float* of_width) const {
    each_row(begin, end, [&](std::int64_t y, std::int64_t x, std::int64_t count) {
      lanes total = lanes::all(0);
      for (std::int64_t c = 0; c < count; c += 16) {
        const std::int64_t n = std::min<std::int64_t>(count - c, 16);
        const lanes g = lanes::load(gradient + c, n);
        total = total + g;
        (lanes::load(of_width + x + c, n) + g).store(of_width + x + c, n);
      }
      of_height[y] += sum(total);
      gradient += count;
    });
  }

 private:
  /// work(y, x, count) for the keys begin ... end - 1, a row of the image at a time.
  template <class Work>
  void each_row(std::int64_t begin, std::int64_t end, const Work& work) const {
    for (std::int64_t y = begin / columns, x = begin % columns; begin < end; ++y, x = 0) {
      const std::int64_t count = std::min(columns - x, end - begin);
      work(y, x, count);
      begin += count;
    }
  }
};

}  // namespace axonzoo::kernels

#endif
