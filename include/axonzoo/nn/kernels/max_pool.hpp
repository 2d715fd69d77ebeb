#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include <axonzoo/nn/kernels/in_turns.hpp>
#include <axonzoo/nn/kernels/lanes.hpp>

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
    in_shares(rows(), grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r) work(r);
    });
  }
};

/// work(first, whole) for each 16 channels of n, the last of them once more where n is no multiple: `whole` is a std::true_type.
/// Fewer than 16 are done one by one, with a std::false_type.
template <class Work>
void each_channels(std::int64_t n, const Work& work) {
  std::int64_t i = 0;
  for (; i + lanes::width <= n; i += lanes::width) work(i, std::true_type{});
  if (i < n && i > 0) return work(n - lanes::width, std::true_type{});
  for (; i < n; ++i) work(i, std::false_type{});
}

/// The first of equal values wins and a not-a-number wins over all, as in ATen.
template <class Element>
void max_pool(const Element* x, Element* pooled, std::uint8_t* indices, const windows& w) {
  w.each_row([&](std::int64_t r) {
    const Element* line = x + w.upper(r);
    for (std::int64_t column = 0; column < w.columns(); ++column) {
      const Element* corner = line + 2 * column * w.channels;
      Element* out = pooled + r * w.window_line() + column * w.channels;
      std::uint8_t* index = indices + r * w.window_line() + column * w.channels;
      const std::int64_t offset[4] = {0, w.channels, w.line(), w.line() + w.channels};
      each_channels(w.channels, [&](std::int64_t i, auto whole) {
        if constexpr (whole) {
          lanes best = lanes::load(corner + i), place = lanes::all(0);
          for (int k = 1; k < 4; ++k) {
            const lanes value = lanes::load(corner + offset[k] + i);
            const lanes::mask wins = beats(value, best);
            best = lanes::select(wins, value, best);
            place = lanes::select(wins, lanes::all(static_cast<float>(k)), place);
          }
          best.store(out + i);
          place.store(index + i);
        } else {
          int place = 0;
          for (int k = 1; k < 4; ++k) {
            const auto value = static_cast<float>(corner[offset[k] + i]);
            if (value > static_cast<float>(corner[offset[place] + i]) || value != value) place = k;
          }
          out[i] = corner[offset[place] + i];
          index[i] = static_cast<std::uint8_t>(place);
        }
      });
    }
  });
}

/// x gets each value of y at the place its index names, zeros at the other places; also where no window reaches.
template <class Element>
void max_unpool(const Element* y, const std::uint8_t* indices, Element* x, const windows& w) {
  w.each_row([&](std::int64_t r) {
    Element* line = x + w.upper(r);
    for (std::int64_t column = 0; column < w.columns(); ++column) {
      Element* corner = line + 2 * column * w.channels;
      const Element* value = y + r * w.window_line() + column * w.channels;
      const std::uint8_t* index = indices + r * w.window_line() + column * w.channels;
      const std::int64_t offset[4] = {0, w.channels, w.line(), w.line() + w.channels};
      each_channels(w.channels, [&](std::int64_t i, auto whole) {
        if constexpr (whole) {
          const lanes values = lanes::load(value + i), places = lanes::load(index + i), zero = lanes::all(0);
          for (int k = 0; k < 4; ++k) {
            lanes::select(equal(places, lanes::all(static_cast<float>(k))), values, zero).store(corner + offset[k] + i);
          }
        } else {
          for (int k = 0; k < 4; ++k) corner[offset[k] + i] = index[i] == k ? value[i] : Element(0);
        }
      });
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
      const Element* corner = line + 2 * column * w.channels;
      Element* out = y + r * w.window_line() + column * w.channels;
      const std::uint8_t* index = indices + r * w.window_line() + column * w.channels;
      const std::int64_t offset[4] = {0, w.channels, w.line(), w.line() + w.channels};
      each_channels(w.channels, [&](std::int64_t i, auto whole) {
        if constexpr (whole) {
          const lanes places = lanes::load(index + i);
          lanes values = lanes::load(corner + i);
          for (int k = 1; k < 4; ++k) {
            values = lanes::select(equal(places, lanes::all(static_cast<float>(k))), lanes::load(corner + offset[k] + i), values);
          }
          values.store(out + i);
        } else {
          out[i] = corner[offset[index[i]] + i];
        }
      });
    }
  });
}

}  // namespace axonzoo::kernels
