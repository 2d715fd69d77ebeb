#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include <axonzoo/nn/kernels/each_lanes.hpp>
#include <axonzoo/nn/kernels/gelu.hpp>
#include <axonzoo/nn/kernels/in_turns.hpp>
#include <axonzoo/nn/kernels/lanes.hpp>

#if defined(AXONZOO_VECTORS)

namespace axonzoo::kernels {

/// Rows [rows, C] that are normed: x, or x + added where that is not null. `Gelu` comes after.
template <class Element, bool Gelu>
struct layer_norm_rows {
  const Element *x, *added;
  const float *weight, *bias;
  std::int64_t rows, channels;

  /// Writes y and, where not null, [rows, 2] of mean and 1 / standard deviation.
  template <class Out>
  void forward(double eps, Out* y, float* statistics) const {
    in_turns(rows, piece(), [&](std::int64_t begin, std::int64_t end) {
      std::vector<float> row(padded());
      for (std::int64_t r = begin; r < end; ++r) {
        const auto [mean, inverse] = read(r, row.data(), eps);
        const lanes centre = lanes::all(mean), scale = lanes::all(inverse);
        Out* const to = y + r * channels;
        each_lanes(0, channels, [&](std::int64_t c, auto n) __attribute__((always_inline)) {
          const lanes z = fma((lanes::load(&row[static_cast<std::size_t>(c)]) - centre) * scale, load_lanes(weight + c, n), load_lanes(bias + c, n));
          store_lanes(Gelu ? gelu<Out>(z) : z, to + c, n);
        });
        if (statistics != nullptr) {
          statistics[2 * r] = mean;
          statistics[2 * r + 1] = inverse;
        }
      }
    });
  }

  /// Writes dx; gives the gradients of weight and bias, [2, C].
  template <class Out>
  std::vector<double> backward(const Out* dy, const float* statistics, Element* dx) const {
    constexpr std::int64_t chunk = 256;  // rows whose sums are taken in float32
    const std::int64_t chunks = (rows + chunk - 1) / chunk;
    std::vector<float> partial(static_cast<std::size_t>(chunks) * 2 * padded());
    in_turns(chunks, 1, [&](std::int64_t begin, std::int64_t end) {
      std::vector<float> normed(padded()), slope(padded());
      for (std::int64_t k = begin; k < end; ++k) {
        float* const of_weight = partial.data() + static_cast<std::size_t>(k) * 2 * padded();
        float* const of_bias = of_weight + padded();
        for (std::int64_t r = k * chunk; r < std::min((k + 1) * chunk, rows); ++r) {
          const lanes centre = lanes::all(statistics[2 * r]), scale = lanes::all(statistics[2 * r + 1]);
          const Out* const from = dy + r * channels;
          lanes total = lanes::all(0.0F), product = lanes::all(0.0F);
          each_lanes(0, channels, [&](std::int64_t c, auto n) __attribute__((always_inline)) {
            const lanes hat = (whole(r, c, n) - centre) * scale, gain = load_lanes(weight + c, n);
            lanes dz = load_lanes(from + c, n);
            if constexpr (Gelu) dz = gelu_backward<Out>(dz, fma(hat, gain, load_lanes(bias + c, n)));
            fma(dz, hat, lanes::load(of_weight + c)).store(of_weight + c);
            (dz + lanes::load(of_bias + c)).store(of_bias + c);
            const lanes g = dz * gain;  // 0 beyond the row, for so are the weights
            total = total + g;
            product = fma(g, hat, product);
            hat.store(&normed[static_cast<std::size_t>(c)]);
            g.store(&slope[static_cast<std::size_t>(c)]);
          });
          const auto size = static_cast<float>(channels);
          const lanes mean = lanes::all(sum(total) / size), along = lanes::all(sum(product) / size);
          Element* const to = dx + r * channels;
          each_lanes(0, channels, [&](std::int64_t c, auto n) __attribute__((always_inline)) {
            const lanes hat = lanes::load(&normed[static_cast<std::size_t>(c)]);
            store_lanes((lanes::load(&slope[static_cast<std::size_t>(c)]) - fma(hat, along, mean)) * scale, to + c, n);
          });
        }
      }
    });
    std::vector<double> sums(2 * static_cast<std::size_t>(channels));
    for (std::int64_t k = 0; k < chunks; ++k) {
      for (std::size_t part = 0; part < 2; ++part) {
        const float* const from = partial.data() + (static_cast<std::size_t>(k) * 2 + part) * padded();
        double* const to = sums.data() + part * static_cast<std::size_t>(channels);
        for (std::int64_t c = 0; c < channels; ++c) to[c] += static_cast<double>(from[c]);
      }
    }
    return sums;
  }

 private:
  [[nodiscard]] std::size_t padded() const { return static_cast<std::size_t>((channels + lanes::width - 1) / lanes::width * lanes::width); }
  [[nodiscard]] std::int64_t piece() const { return std::max<std::int64_t>((1 << 15) / channels, 1); }

  template <class Count>
  [[gnu::always_inline]] lanes whole(std::int64_t r, std::int64_t c, Count n) const {
    const lanes own = load_lanes(x + r * channels + c, n);
    return added == nullptr ? own : own + load_lanes(added + r * channels + c, n);
  }

  /// Row r to `row`, zeros after it; its mean and 1 / standard deviation.
  [[gnu::always_inline]] std::pair<float, float> read(std::int64_t r, float* row, double eps) const {
    lanes total = lanes::all(0.0F);
    each_lanes(0, channels, [&](std::int64_t c, auto n) __attribute__((always_inline)) {
      const lanes values = whole(r, c, n);
      values.store(row + c);
      total = total + values;
    });
    const auto size = static_cast<float>(channels);
    const float mean = sum(total) / size;
    const lanes centre = lanes::all(mean);
    lanes squares = lanes::all(0.0F);
    const std::int64_t full = channels / lanes::width * lanes::width;
    for (std::int64_t c = 0; c < full; c += lanes::width) {
      const lanes away = lanes::load(row + c) - centre;
      squares = fma(away, away, squares);
    }
    float square = sum(squares);
    for (std::int64_t c = full; c < channels; ++c) square += (row[c] - mean) * (row[c] - mean);
    return {mean, static_cast<float>(1 / std::sqrt(static_cast<double>(square / size) + eps))};
  }
};

}  // namespace axonzoo::kernels

#endif
