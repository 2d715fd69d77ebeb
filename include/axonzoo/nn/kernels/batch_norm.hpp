#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include <axonzoo/nn/kernels/channel_pattern.hpp>
#include <axonzoo/nn/kernels/lanes.hpp>

namespace axonzoo::kernels {

/// Sums over rows of x [rows, C] and of its squares, [2, C], both about `origin` [C].
struct centred_sums {
  std::vector<float> origin;
  std::vector<double> sums;
};

/// About the mean of `some` rows, or of all where there are fewer: squares about zero would cancel where the mean is large, and about a single row where that lies far out.
template <class Element>
centred_sums sums_about_rows(const Element* x, std::int64_t rows, std::int64_t channels, std::int64_t some) {
  const channel_pattern pattern(rows, channels);
  const std::int64_t period = pattern.period();
  some = std::min(rows, some);
  std::vector<float> origin(static_cast<std::size_t>(channels));
  for (std::int64_t i = 0; i < some; ++i) {
    const Element* const row = x + rows * i / some * channels;
    for (std::int64_t c = 0; c < channels; ++c) origin[c] += static_cast<float>(row[c]) / static_cast<float>(some);
  }
  for (auto& one : origin) one = static_cast<float>(static_cast<Element>(one));  // what fills the last period up must be 0 from it
  const auto about = pattern.repeat(origin.data());
  std::vector<float> partial(pattern.chunks() * 2 * period);
  const auto add = [&](std::int64_t chunk, const Element* from, std::int64_t periods) {
    float* sum = partial.data() + chunk * 2 * period;
    float* squares = sum + period;
    struct state {
      lanes about, sum, squares;
    };
    sweep(
        periods, period,
        [&](std::int64_t j) {
          return state{lanes::load(&about[j]), lanes::load(sum + j), lanes::load(squares + j)};
        },
        [&](state& s, std::int64_t i) {
          const lanes d = lanes::load(from + i) - s.about;
          s.sum = s.sum + d;
          s.squares = fma(d, d, s.squares);
        },
        [&](std::int64_t j, const state& s) {
          s.sum.store(sum + j);
          s.squares.store(squares + j);
        });
  };
  pattern.each([&](std::int64_t chunk, std::int64_t at, std::int64_t periods) { add(chunk, x + at, periods); },
               [&](std::int64_t chunk, std::int64_t at, std::int64_t n) { add(chunk, padded(x + at, n, about).data(), 1); });
  return {std::move(origin), pattern.fold(partial, 2)};
}

/// y = max(0, scale x + offset), with scale and offset per channel. y may be x.
template <class Element>
void scale_relu(const Element* x, Element* y, std::int64_t rows, std::int64_t channels, const float* scale, const float* offset) {
  const channel_pattern pattern(rows, channels);
  const std::int64_t period = pattern.period();
  const auto scales = pattern.repeat(scale), offsets = pattern.repeat(offset);
  struct state {
    lanes scale, offset;
  };
  const auto apply = [&](const Element* from, Element* to, std::int64_t periods) {
    sweep(
        periods, period,
        [&](std::int64_t j) {
          return state{lanes::load(&scales[j]), lanes::load(&offsets[j])};
        },
        [&](state& s, std::int64_t i) {
          const lanes z = fma(lanes::load(from + i), s.scale, s.offset);
          max(lanes::all(0), z).store(to + i);
        },
        [](std::int64_t, const state&) {});
  };
  pattern.each([&](std::int64_t, std::int64_t at, std::int64_t periods) { apply(x + at, y + at, periods); },
               [&](std::int64_t, std::int64_t at, std::int64_t n) {
                 auto rest = padded(x + at, n, scales);
                 apply(rest.data(), rest.data(), 1);
                 std::copy(rest.begin(), rest.begin() + n, y + at);
               });
}

/// Sums over rows of dz and of dz (x - mean), where dz is dy where scale x + offset > 0 and 0 elsewhere: [2, C].
template <class Element>
std::vector<double> gradient_sums(const Element* dy, const Element* x, std::int64_t rows, std::int64_t channels,
                                  const float* scale, const float* offset, const float* mean) {
  const channel_pattern pattern(rows, channels);
  const std::int64_t period = pattern.period();
  const auto scales = pattern.repeat(scale), offsets = pattern.repeat(offset), means = pattern.repeat(mean);
  std::vector<float> partial(pattern.chunks() * 2 * period);
  struct state {
    lanes scale, offset, mean, sum, product;
  };
  const auto add = [&](std::int64_t chunk, const Element* dy_from, const Element* x_from, std::int64_t periods) {
    float* sum = partial.data() + chunk * 2 * period;
    float* product = sum + period;
    sweep(
        periods, period,
        [&](std::int64_t j) {
          return state{lanes::load(&scales[j]), lanes::load(&offsets[j]), lanes::load(&means[j]), lanes::load(sum + j),
                       lanes::load(product + j)};
        },
        [&](state& s, std::int64_t i) {
          const lanes value = lanes::load(x_from + i);
          const lanes dz = where_positive(fma(value, s.scale, s.offset), lanes::load(dy_from + i));
          s.sum = s.sum + dz;
          s.product = fma(dz, value - s.mean, s.product);
        },
        [&](std::int64_t j, const state& s) {
          s.sum.store(sum + j);
          s.product.store(product + j);
        });
  };
  const std::vector<float> zeros(period);
  pattern.each([&](std::int64_t chunk, std::int64_t at, std::int64_t periods) { add(chunk, dy + at, x + at, periods); },
               [&](std::int64_t chunk, std::int64_t at, std::int64_t n) {
                 add(chunk, padded(dy + at, n, zeros).data(), padded(x + at, n, means).data(), 1);
               });
  return pattern.fold(partial, 2);
}

/// dx = scale dz + slope (x - mean) + constant per channel, with dz as in gradient_sums. dx may be dy.
template <class Element>
void scale_relu_backward(const Element* dy, const Element* x, Element* dx, std::int64_t rows, std::int64_t channels,
                         const float* scale, const float* offset, const float* mean, const float* slope, const float* constant) {
  const channel_pattern pattern(rows, channels);
  const std::int64_t period = pattern.period();
  const auto scales = pattern.repeat(scale), offsets = pattern.repeat(offset), means = pattern.repeat(mean),
             slopes = pattern.repeat(slope), constants = pattern.repeat(constant);
  struct state {
    lanes scale, offset, mean, slope, constant;
  };
  const auto apply = [&](const Element* dy_from, const Element* x_from, Element* to, std::int64_t periods) {
    sweep(
        periods, period,
        [&](std::int64_t j) {
          return state{lanes::load(&scales[j]), lanes::load(&offsets[j]), lanes::load(&means[j]), lanes::load(&slopes[j]),
                       lanes::load(&constants[j])};
        },
        [&](state& s, std::int64_t i) {
          const lanes value = lanes::load(x_from + i);
          const lanes dz = where_positive(fma(value, s.scale, s.offset), lanes::load(dy_from + i));
          fma(dz, s.scale, fma(value - s.mean, s.slope, s.constant)).store(to + i);
        },
        [](std::int64_t, const state&) {});
  };
  pattern.each([&](std::int64_t, std::int64_t at, std::int64_t periods) { apply(dy + at, x + at, dx + at, periods); },
               [&](std::int64_t, std::int64_t at, std::int64_t n) {
                 auto rest = padded(dy + at, n, means);
                 apply(rest.data(), padded(x + at, n, means).data(), rest.data(), 1);
                 std::copy(rest.begin(), rest.begin() + n, dx + at);
               });
}

}  // namespace axonzoo::kernels
