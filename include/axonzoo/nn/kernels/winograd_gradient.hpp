#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include <axonzoo/nn/kernels/in_turns.hpp>
#include <axonzoo/nn/kernels/pair_rows.hpp>
#include <axonzoo/nn/kernels/pixels.hpp>
#include <axonzoo/nn/kernels/scratch.hpp>
#include <axonzoo/nn/kernels/vector.hpp>
#include <axonzoo/nn/kernels/weight_gradient.hpp>
#include <axonzoo/nn/kernels/winograd.hpp>

#if defined(AXONZOO_VECTORS)

namespace axonzoo::kernels::winograd {

/// What the sums of products need as units: float as it is, bfloat16 with tile 2 i and tile 2 i + 1 side by side. Strides of
/// components in elements and in units.
template <class T>
const std::uint32_t* units_of_tiles(const T* transformed, [[maybe_unused]] std::int64_t stride, [[maybe_unused]] std::int64_t tiles,
                                    [[maybe_unused]] std::int64_t pitch, [[maybe_unused]] std::uint32_t* to,
                                    [[maybe_unused]] std::int64_t to_stride) {
  if constexpr (elements_per_unit<T> == 1) {
    return reinterpret_cast<const std::uint32_t*>(transformed);
  } else {
    for (std::int64_t component = 0; component < components; ++component) {
      const T* from = transformed + component * stride;
      std::uint32_t* target = to + component * to_stride;
      for (std::int64_t tile = 0; tile < tiles; tile += 2, from += 2 * pitch, target += pitch) {
        interleave(from, tile + 1 < tiles ? from + pitch : nullptr, pitch, target);
      }
    }
    return to;
  }
}

/// Adds the shares' sums of out channel k up and transforms them to 3x3.
inline void finish_gradient(const float* sums, std::int64_t shares, std::int64_t share_stride, std::int64_t component_stride,
                            const weight_gradient_view& gradient, std::int64_t k) {
  const auto fold = [](const lanes& a, const lanes& b, const lanes& c, const lanes& d, lanes(&to)[3]) {
    to[0] = a + b + c;
    to[1] = b - c;
    to[2] = b + c - d;
  };
  for (std::int64_t c = 0; c < gradient.ins; c += lanes::width) {
    const std::int64_t count = std::min(lanes::width, gradient.ins - c);
    lanes m[4][4], columns[4][3], row[3];
    for (int i = 0; i < 16; ++i) {
      lanes sum = lanes::load(sums + i * component_stride + c);
      for (std::int64_t s = 1; s < shares; ++s) sum = sum + lanes::load(sums + s * share_stride + i * component_stride + c);
      m[i / 4][i % 4] = sum;
    }
    for (int x = 0; x < 4; ++x) fold(m[0][x], m[1][x], m[2][x], m[3][x], columns[x]);
    for (int y = 0; y < 3; ++y) {
      fold(columns[0][y], columns[1][y], columns[2][y], columns[3][y], row);
      for (int x = 0; x < 3; ++x) {
        float* const to = gradient.data + k * gradient.out_stride + c * gradient.in_stride + y * gradient.row_stride + x * gradient.column_stride;
        if (gradient.in_stride == 1) {
          store_lanes(row[x], to, count);
        } else {
          float values[lanes::width];
          row[x].store(values);
          for (std::int64_t i = 0; i < count; ++i) to[i * gradient.in_stride] = values[i];
        }
      }
    }
  }
}

/// What `weight_gradient` does, for 3x3 taps at stride 1.
template <class T>
void weight_gradient(const std::vector<pixels<const T>>& inputs, const window& taps, const pixels<const T>& output,
                     const weight_gradient_view& gradient) {
  using F = factor<T>;
  constexpr std::int64_t paired = elements_per_unit<F>;
  const std::int64_t pitch = gradient.ins, lane_pitch = (pitch + 7) / 8 * 8, halves = lane_pitch / 8;
  const std::int64_t outs = (gradient.outs + direct::gradient_outs - 1) / direct::gradient_outs * direct::gradient_outs;
  const std::int64_t component_sums = outs * lane_pitch, sums_size = components * component_sums;
  const tile_grid grid(output.images, output.height, output.width, 256);
  const std::int64_t runs_together = std::max<std::int64_t>(1, 256 / grid.longest()), capacity = runs_together * grid.longest();
  const std::int64_t input_stride = component_stride_for<F>(capacity * pitch), spread_stride = component_stride_for<F>(capacity * outs);
  const auto units = [&](std::int64_t stride, std::int64_t channels) {
    return paired == 1 ? stride : component_stride_for<float>((capacity + 1) / 2 * channels);
  };
  const std::int64_t input_units = units(input_stride, pitch), spread_units = units(spread_stride, outs);

  const std::int64_t threads = free_threads(), steps = grid.runs() * grid.longest() / paired;
  const std::int64_t row_shares = std::clamp<std::int64_t>(steps / 512, 1, std::min(threads, grid.runs()));
  const std::int64_t out_tiles = outs / direct::gradient_outs, out_shares = std::clamp<std::int64_t>(threads / row_shares, 1, out_tiles);
  const scratch<float> sums(row_shares * sums_size + lanes::width);

  const auto share = [&](std::int64_t row_share, std::int64_t out_share) {
    const std::int64_t from = grid.runs() * row_share / row_shares, to = grid.runs() * (row_share + 1) / row_shares;
    const std::int64_t out_from = out_tiles * out_share / out_shares * direct::gradient_outs;
    const std::int64_t out_to = out_tiles * (out_share + 1) / out_shares * direct::gradient_outs;
    float* const own = sums.data() + row_share * sums_size;
    const scratch<F> transformed(components * input_stride + 16), spread(components * spread_stride);
    const scratch<std::uint32_t> transformed_pairs(paired == 1 ? 0 : components * input_units + 16), spread_pairs(paired == 1 ? 0 : components * spread_units);
    if (outs != gradient.outs) {
      std::memset(static_cast<void*>(spread.data()), 0, static_cast<std::size_t>(components * spread_stride) * sizeof(F));
    }
    for (std::int64_t first = from; first < to; first += runs_together) {
      const std::int64_t last = std::min(first + runs_together, to);
      std::int64_t count = 0;
      for (std::int64_t r = first; r < last; ++r) {
        const tile_run run = grid[r];
        F* target = transformed.data() + count * pitch;
        for (const auto& input : inputs) {
          transform_input(input, run, taps.top, taps.left, target, input_stride, pitch);
          target += input.channels;
        }
        transform_gradient(output, run, spread.data() + count * outs, spread_stride, outs);
        count += run.count;
      }
      const std::uint32_t* const in = units_of_tiles(transformed.data(), input_stride, count, pitch, transformed_pairs.data(), input_units);
      const std::uint32_t* const out = units_of_tiles(spread.data(), spread_stride, count, outs, spread_pairs.data(), spread_units);
      const direct::gradient_strides strides{1, (count + paired - 1) / paired, pitch, 0, outs, 0, lane_pitch};
      const std::int64_t vectors = (halves + 1) / 2, blocks = (vectors + block_vectors - 1) / block_vectors;
      for (std::int64_t component = 0; component < components; ++component) {
        for (std::int64_t b = 0; b < blocks; ++b) {
          const std::int64_t begin = vectors * b / blocks * 2, end = std::min(vectors * (b + 1) / blocks * 2, halves);
          const auto kernel = direct::gradient_tiles<F>[static_cast<std::size_t>(end - begin - 1)];
          for (std::int64_t k = out_from; k < out_to; k += direct::gradient_outs) {
            kernel(strides, in + component * input_units + begin * 8, out + component * spread_units + k,
                   own + component * component_sums + k * lane_pitch + begin * 8, first != from);
          }
        }
      }
    }
  };
  in_shares(row_shares * out_shares, 1, [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t s = from; s < to; ++s) share(s / out_shares, s % out_shares);
  });
  in_shares(gradient.outs, 1 + (1 << 10) / pitch, [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t k = from; k < to; ++k) {
      finish_gradient(sums.data() + k * lane_pitch, row_shares, sums_size, component_sums, gradient, k);
    }
  });
}

}  // namespace axonzoo::kernels::winograd

#endif
