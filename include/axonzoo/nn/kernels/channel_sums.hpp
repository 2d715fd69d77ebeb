#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <axonzoo/nn/kernels/in_turns.hpp>
#include <axonzoo/nn/kernels/lanes.hpp>
#include <axonzoo/nn/kernels/pixels.hpp>

namespace axonzoo::kernels {

/// sums[c] = sum of channel c over all pixels: float within an image row, double over rows.
template <class T>
void channel_sums(const pixels<const T>& input, float* sums) {
  const std::int64_t rows = input.images * input.height, channels = input.channels;
  const std::int64_t shares = std::clamp<std::int64_t>(rows * input.width * channels >> 15, 1, std::min<std::int64_t>(rows, 64));
  std::vector<double> totals(static_cast<std::size_t>(shares * channels));
  in_shares(shares, 1, [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t share = from; share < to; ++share) {
      double* const total = totals.data() + share * channels;
      for (std::int64_t row = rows * share / shares; row < rows * (share + 1) / shares; ++row) {
        const T* const line = input.row(row / input.height, row % input.height);
        for (std::int64_t c = 0; c < channels; c += lanes::width) {
          const std::int64_t count = std::min(lanes::width, channels - c);
          lanes sum = lanes::all(0);
          for (std::int64_t x = 0; x < input.width; ++x) sum = sum + lanes::load(line + x * input.pixel_stride + c, count);
          float values[lanes::width];
          sum.store(values);
          for (std::int64_t i = 0; i < count; ++i) total[c + i] += static_cast<double>(values[i]);
        }
      }
    }
  });
  for (std::int64_t c = 0; c < channels; ++c) {
    double sum = 0;
    for (std::int64_t share = 0; share < shares; ++share) sum += totals[static_cast<std::size_t>(share * channels + c)];
    sums[c] = static_cast<float>(sum);
  }
}

}  // namespace axonzoo::kernels
