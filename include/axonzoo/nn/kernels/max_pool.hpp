#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <ATen/Parallel.h>

namespace axonzoo::kernels {

/// Images [N, H, W, C] whose 2 x 2 windows are the places of [N, H/2, W/2, C].
struct windows {
  std::int64_t images, height, width, channels;

  [[nodiscard]] std::int64_t rows() const { return images * (height / 2); }
  [[nodiscard]] std::int64_t columns() const { return width / 2; }
  /// Elements of one row of pixels, and of one row of windows.
  [[nodiscard]] std::int64_t line() const { return width * channels; }
  [[nodiscard]] std::int64_t window_line() const { return columns() * channels; }
  /// The first element of the upper line of window row r.
  [[nodiscard]] std::int64_t upper(std::int64_t r) const { return (r / (height / 2) * height + r % (height / 2) * 2) * line(); }

  /// work(window row) in parallel.
  template <class Work>
  void each_row(const Work& work) const {
    const std::int64_t grain = 1 + 16384 / std::max<std::int64_t>(1, 2 * line());
    at::parallel_for(0, rows(), grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r) work(r);
    });
  }
};

/// The first of equal values wins and a not-a-number wins over all, as in ATen.
template <class Element>
void max_pool(const Element* x, Element* pooled, std::uint8_t* indices, const windows& w) {
  w.each_row([&](std::int64_t r) {
    const Element* line = x + w.upper(r);
    for (std::int64_t column = 0; column < w.columns(); ++column) {
      const std::int64_t to = r * w.window_line() + column * w.channels;
      const Element* corner[4];
      for (std::int64_t k = 0; k < 4; ++k) corner[k] = line + k / 2 * w.line() + (2 * column + k % 2) * w.channels;
      const Element *a = corner[0], *b = corner[1], *c = corner[2], *d = corner[3];
      Element* out = pooled + to;
      std::uint8_t* index = indices + to;
#pragma GCC ivdep
      for (std::int64_t i = 0; i < w.channels; ++i) {
        float best = static_cast<float>(a[i]);
        std::int32_t place = 0;
        const auto challenge = [&](float value, std::int32_t k) {
          const bool wins = value > best || (value != value && best == best);
          best = wins ? value : best;
          place = wins ? k : place;
        };
        challenge(static_cast<float>(b[i]), 1);
        challenge(static_cast<float>(c[i]), 2);
        challenge(static_cast<float>(d[i]), 3);
        out[i] = static_cast<Element>(best);
        index[i] = static_cast<std::uint8_t>(place);
      }
    }
  });
}

/// x gets each value of y at the place its index names, zeros at the other places; also where no window reaches.
template <class Element>
void max_unpool(const Element* y, const std::uint8_t* indices, Element* x, const windows& w) {
  w.each_row([&](std::int64_t r) {
    Element* line = x + w.upper(r);
    for (std::int64_t column = 0; column < w.columns(); ++column) {
      const std::int64_t from = r * w.window_line() + column * w.channels;
      for (std::int64_t k = 0; k < 4; ++k) {
        Element* out = line + k / 2 * w.line() + (2 * column + k % 2) * w.channels;
        const Element* value = y + from;
        const std::uint8_t* index = indices + from;
#pragma GCC ivdep
        for (std::int64_t i = 0; i < w.channels; ++i) out[i] = index[i] == k ? value[i] : Element(0);
      }
    }
    if (w.width % 2 == 1) {
      for (std::int64_t k = 1; k < 3; ++k) std::fill_n(line + k * w.line() - w.channels, w.channels, Element(0));
    }
  });
  if (w.height % 2 == 1) {
    for (std::int64_t n = 0; n < w.images; ++n) std::fill_n(x + ((n + 1) * w.height - 1) * w.line(), w.line(), Element(0));
  }
}

/// y gets the value of x at the place its index names: what max_unpool spread, gathered.
template <class Element>
void gather(const Element* x, const std::uint8_t* indices, Element* y, const windows& w) {
  w.each_row([&](std::int64_t r) {
    const Element* line = x + w.upper(r);
    for (std::int64_t column = 0; column < w.columns(); ++column) {
      const std::int64_t to = r * w.window_line() + column * w.channels;
      const Element* a = line + 2 * column * w.channels;
      const Element *b = a + w.channels, *c = a + w.line(), *d = c + w.channels;
      Element* out = y + to;
      const std::uint8_t* index = indices + to;
#pragma GCC ivdep
      for (std::int64_t i = 0; i < w.channels; ++i) {
        const Element upper = index[i] == 0 ? a[i] : b[i], lower = index[i] == 2 ? c[i] : d[i];
        out[i] = index[i] < 2 ? upper : lower;
      }
    }
  });
}

}  // namespace axonzoo::kernels
