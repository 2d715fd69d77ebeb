#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include <axonzoo/nn/kernels/amx.hpp>
#include <axonzoo/nn/kernels/amx_gradient.hpp>
#include <axonzoo/nn/kernels/in_turns.hpp>
#include <axonzoo/nn/kernels/pair_rows.hpp>
#include <axonzoo/nn/kernels/pixels.hpp>
#include <axonzoo/nn/kernels/scratch.hpp>
#include <axonzoo/nn/kernels/vector.hpp>

#if defined(AXONZOO_VECTORS)

namespace axonzoo::kernels {

/// Gradient of a convolution's weights in memory by any strides: to[out][in][row][column].
struct weight_gradient_view {
  float* data = nullptr;
  std::int64_t outs = 0, ins = 0, rows = 0, columns = 0;
  std::int64_t out_stride = 0, in_stride = 0, row_stride = 0, column_stride = 0;
};

namespace direct {

/// Output channels that a tile of the gradient covers.
#if defined(AXONZOO_AVX512)
inline constexpr int gradient_outs = 8;
#else
inline constexpr int gradient_outs = 6;
#endif

struct gradient_strides {
  std::int64_t rows, columns;            ///< pixels that are summed over
  std::int64_t input_pixel, input_row;   ///< in units
  std::int64_t output_pixel, output_row;
  std::int64_t sum;                      ///< from one output channel's sums to the next one's, in floats
};

using gradient_kernel = void (*)(const gradient_strides&, const std::uint32_t*, const std::uint32_t*, float*, bool);

/// sums[k][lane] (+)= sum over pixels of output[pixel][k] * input[pixel][lane], gradient_outs channels k by a block of lanes in registers.
template <class T, int Halves>
void gradient_tile(const gradient_strides& s, const std::uint32_t* input, const std::uint32_t* output, float* sums, bool add) {
  constexpr int full = Halves / 2, tail = Halves % 2, outs = gradient_outs;
  using wide = vector<16>;
  using half = vector<8>;
  typename wide::type total[outs][full + 1];
  typename half::type tails[outs];
  unrolled<outs>([&](auto k) __attribute__((always_inline)) {
    unrolled<full>([&](auto v) __attribute__((always_inline)) { total[k][v] = wide::zero(); });
    if constexpr (tail != 0) tails[k] = half::zero();
  });
  for (std::int64_t row = 0; row < s.rows; ++row, input += s.input_row, output += s.output_row) {
    const std::uint32_t *in = input, *out = output;
    for (std::int64_t column = 0; column < s.columns; ++column, in += s.input_pixel, out += s.output_pixel) {
      typename wide::type x[full + 1];
      typename half::type t;
      unrolled<full>([&](auto v) __attribute__((always_inline)) { x[v] = wide::load(in + 16 * v); });
      if constexpr (tail != 0) t = half::load(in + 16 * full);
      unrolled<outs>([&](auto k) __attribute__((always_inline)) {
        const auto* const unit = out + k;
        if constexpr (full == 0) {
          tails[k] = half::multiply_add<T>(tails[k], half::broadcast(unit), t);
        } else {
          const auto g = wide::broadcast(unit);
          unrolled<full>([&](auto v) __attribute__((always_inline)) { total[k][v] = wide::multiply_add<T>(total[k][v], g, x[v]); });
          if constexpr (tail != 0) tails[k] = half::multiply_add<T>(tails[k], half::narrow(g), t);
        }
      });
    }
  }
  if (add) {
    unrolled<outs>([&](auto k) __attribute__((always_inline)) {
      float* const to = sums + k * s.sum;
      unrolled<full>([&](auto v) __attribute__((always_inline)) { total[k][v] = wide::add(total[k][v], wide::load(to + 16 * v)); });
      if constexpr (tail != 0) tails[k] = half::add(tails[k], half::load(to + 16 * full));
    });
  }
  unrolled<outs>([&](auto k) __attribute__((always_inline)) {
    float* const to = sums + k * s.sum;
    unrolled<full>([&](auto v) __attribute__((always_inline)) { wide::store(to + 16 * v, total[k][v]); });
    if constexpr (tail != 0) half::store(to + 16 * full, tails[k]);
  });
}

/// By halves - 1.
template <class T>
inline constexpr auto gradient_tiles = []<int... Halves>(std::integer_sequence<int, Halves...>) {
  return std::array<gradient_kernel, sizeof...(Halves)>{gradient_tile<T, Halves + 1>...};
}(std::make_integer_sequence<int, 2 * block_vectors>());

}  // namespace direct

/// gradient[k, c, row, column] = sum over n, y, x of output[n, y, x, k] * inputs[n, y stride + top + row, x stride + left + column, c],
/// where `output` is the gradient of the convolution's output. Inputs stand side by side in the channels.
template <class T>
void weight_gradient(const std::vector<pixels<const T>>& inputs, const window& taps, const pixels<const T>& output,
                     const weight_gradient_view& gradient) {
  using F = factor<T>;
  constexpr std::int64_t paired = elements_per_unit<F>;
  // A row of taps is contiguous: lanes run over its columns and channels at once.
  const std::int64_t pitch = gradient.ins, lanes = taps.columns * pitch, halves = (lanes + 7) / 8, lane_pitch = halves * 8;
  const bool in_tiles = amx::multiplies<F>();
  const std::int64_t outs_at_once = in_tiles ? 16 : direct::gradient_outs;
  const std::int64_t outs = (gradient.outs + outs_at_once - 1) / outs_at_once * outs_at_once;
  const std::int64_t columns = (output.width - 1) * taps.stride + taps.columns, input_row = columns * pitch;
  const std::int64_t output_row = output.width * outs, sums_size = taps.rows * outs * lane_pitch;

  // Rows are shared out as long as each share sums over enough pixels to be worth its own copy of the sums; then channels are.
  const std::int64_t threads = free_threads(), rows = output.images * output.height;
  const std::int64_t steps = rows * output.width / paired;
  const std::int64_t row_shares = std::clamp<std::int64_t>(steps / 512, 1, std::min(threads, rows));
  const std::int64_t out_tiles = outs / outs_at_once;
  const std::int64_t out_shares = std::clamp<std::int64_t>(threads / row_shares, 1, out_tiles);
  const scratch<float> sums(row_shares * sums_size);
  const std::vector<pixels<const T>> out_gradient{output};

  const auto share = [&](std::int64_t row_share, std::int64_t out_share) {
    const std::int64_t from = rows * row_share / row_shares, to = rows * (row_share + 1) / row_shares;
    const std::int64_t out_from = out_tiles * out_share / out_shares, out_to = out_tiles * (out_share + 1) / out_shares;
    float* const own = sums.data() + row_share * sums_size;
    const std::int64_t unit_rows_wanted = std::int64_t{100 << 10} / (input_row * taps.stride + output_row);
    const std::int64_t most = std::clamp<std::int64_t>(unit_rows_wanted, 1, (output.height + paired - 1) / paired);
    // What a last step of tiles reads after the last pixel.
    [[maybe_unused]] const std::int64_t beyond = 16 * taps.stride * pitch + 64, turned_pitch = (output.width + 15) / 16 * 16;
    const scratch<std::uint32_t> input_band((most * taps.stride + taps.rows) * input_row + beyond);
    const scratch<std::uint32_t> output_band(most * output_row), turned(in_tiles ? most * outs * turned_pitch : 0);
#if defined(AXONZOO_AMX)
    amx::shapes tiles;
#endif
    bool add = false;
    for (std::int64_t row = from; row < to;) {
      const std::int64_t n = row / output.height, y = row % output.height;
      const std::int64_t count = std::min({most * paired, to - row, output.height - y}), unit_rows = (count + paired - 1) / paired;
      const std::int64_t above = y * taps.stride + taps.top, below = above + unit_rows * taps.stride;
      for (std::int64_t r = 0; r < (unit_rows - 1) * taps.stride + taps.rows; ++r) {
        unit_row<F>(inputs, n, above + r, below + r, taps.left, columns, pitch, input_band.data() + r * input_row);
      }
      for (std::int64_t r = 0; r < unit_rows; ++r) {
        const std::int64_t second = unit_rows + r < count ? y + unit_rows + r : -1;
        unit_row<F>(out_gradient, n, y + r, second, 0, output.width, outs, output_band.data() + r * output_row);
      }
#if defined(AXONZOO_AMX)
      if (in_tiles) {
        const std::int64_t filled = ((unit_rows - 1) * taps.stride + taps.rows) * input_row;
        std::fill_n(input_band.data() + filled, beyond, 0U);
        for (std::int64_t r = 0; r < unit_rows; ++r) amx::turn_row(output_band.data() + r * output_row, output.width, outs, turned_pitch, turned.data() + r * outs * turned_pitch);
        constexpr std::int64_t block_steps = 8 * amx::side;
        for (std::int64_t x = 0; x < output.width; x += block_steps) {
          const std::int64_t columns = std::min(block_steps, output.width - x), block_rows = std::max<std::int64_t>(1, block_steps / columns);
          for (std::int64_t r = 0; r < unit_rows; r += block_rows) {
            const amx::summed_pixels summed{std::min(block_rows, unit_rows - r), columns, taps.stride * pitch, taps.stride * input_row, outs * turned_pitch, turned_pitch};
            for (std::int64_t tap = 0; tap < taps.rows; ++tap) {
              const std::int64_t k = out_from * amx::side;
              amx::add_gradient(tiles, summed, input_band.data() + (r * taps.stride + tap) * input_row + x * taps.stride * pitch,
                                turned.data() + (r * outs + k) * turned_pitch + x, (out_to - out_from) * amx::side, lane_pitch,
                                own + (tap * outs + k) * lane_pitch, lane_pitch, add || r + x > 0);
            }
          }
        }
        add = true;
        row += count;
        continue;
      }
#endif
      // Few enough pixels for the first-level cache, enough to make the sums' own traffic small.
      constexpr std::int64_t block_steps = 128;
      const std::int64_t block_columns = std::min(output.width, block_steps);
      const std::int64_t block_rows = std::max<std::int64_t>(1, block_steps / block_columns);
      for (std::int64_t r = 0; r < unit_rows; r += block_rows) {
        for (std::int64_t x = 0; x < output.width; x += block_columns) {
          const direct::gradient_strides strides{std::min(block_rows, unit_rows - r),
                                                 std::min(block_columns, output.width - x),
                                                 taps.stride * pitch,
                                                 taps.stride * input_row,
                                                 outs,
                                                 output_row,
                                                 lane_pitch};
          const std::int64_t vectors = (halves + 1) / 2, blocks = (vectors + block_vectors - 1) / block_vectors;
          for (std::int64_t tap = 0; tap < taps.rows; ++tap) {
            const std::uint32_t* const in = input_band.data() + (r * taps.stride + tap) * input_row + x * taps.stride * pitch;
            const std::uint32_t* const out = output_band.data() + r * output_row + x * outs;
            for (std::int64_t b = 0; b < blocks; ++b) {
              const std::int64_t begin = vectors * b / blocks * 2, end = std::min(vectors * (b + 1) / blocks * 2, halves);
              const auto kernel = direct::gradient_tiles<F>[static_cast<std::size_t>(end - begin - 1)];
              for (std::int64_t k = out_from * direct::gradient_outs; k < out_to * direct::gradient_outs; k += direct::gradient_outs) {
                kernel(strides, in + begin * 8, out + k, own + (tap * outs + k) * lane_pitch + begin * 8, add);
              }
            }
          }
          add = true;
        }
      }
      row += count;
    }
  };
  in_shares(row_shares * out_shares, 1, [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t s = from; s < to; ++s) share(s / out_shares, s % out_shares);
  });

  in_shares(gradient.outs, 1 + (1 << 14) / (taps.rows * lanes), [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t k = from; k < to; ++k) {
      for (std::int64_t row = 0; row < taps.rows; ++row) {
        float* const first = sums.data() + (row * outs + k) * lane_pitch;
        for (std::int64_t s = 1; s < row_shares; ++s) {
          const float* const other = first + s * sums_size;
          for (std::int64_t l = 0; l < lanes; ++l) first[l] += other[l];
        }
        for (std::int64_t column = 0; column < taps.columns; ++column) {
          float* const target = gradient.data + k * gradient.out_stride + row * gradient.row_stride + column * gradient.column_stride;
          const float* const source = first + column * pitch;
          if (gradient.in_stride == 1) {
            std::copy_n(source, pitch, target);
          } else {
            for (std::int64_t c = 0; c < pitch; ++c) target[c * gradient.in_stride] = source[c];
          }
        }
      }
    }
  });
}

}  // namespace axonzoo::kernels

#endif
