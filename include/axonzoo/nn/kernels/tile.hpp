#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <axonzoo/nn/kernels/vector.hpp>

#if defined(AXONZOO_VECTORS)

namespace axonzoo::kernels {

/// The heart of the convolutions: a tile of pixels times a block of output channels stays in registers while all
/// taps and input channels pass: each step broadcasts one unit of each pixel and multiplies it with the block's weights. Rows of
/// taps are contiguous in memory because channels are.
namespace direct {

struct tile_strides {
  std::int64_t rows, row_units;       ///< taps
  std::int64_t pixel, row;            ///< of the input, in bytes
  std::int64_t output;                ///< of an output pixel, in elements
  int lanes;                          ///< real output channels of the block
};

/// What goes with each output channel of the block: what sums begin with (null: 0), the bits of whole numbers where those are summed; and how these become floats
/// (null: they are stored as they are).
struct channel_terms {
  const float* start = nullptr;
  const float *scale = nullptr, *offset = nullptr;
};

template <class Out>
using tile_kernel = void (*)(const tile_strides&, const char*, const std::uint32_t*, const channel_terms&, Out*);

template <class T, class Out, int Pixels, int Halves>
void tile(const tile_strides& s, const char* input, const std::uint32_t* weights, const channel_terms& terms, Out* output) {
  constexpr int full = Halves / 2, tail = Halves % 2, width = Halves * 8;
  constexpr bool paired = halves_in_pairs && tail != 0 && Pixels % 2 == 0;
  using wide = vector<16>;
  using half = vector<8>;
  typename wide::type sums[Pixels][full + 1];
  typename half::type tails[Pixels];
  [[maybe_unused]] typename wide::type pairs[Pixels / 2 + 1];  // two pixels' tails
  const float* const start = terms.start;
  unrolled<Pixels>([&](auto p) __attribute__((always_inline)) {
    unrolled<full>([&](auto v) __attribute__((always_inline)) { sums[p][v] = start ? wide::load(start + 16 * v) : wide::zero(); });
    if constexpr (tail != 0) tails[p] = start ? half::load(start + 16 * full) : half::zero();
    if constexpr (paired && p % 2 == 0) pairs[p / 2] = wide::twice(tails[p]);
  });
  // Every third pixel has a pointer of its own; the two after it are reached by the addressing modes.
  constexpr int bases = (Pixels + 2) / 3;
  const std::int64_t step = s.pixel;
  for (std::int64_t row = 0; row < s.rows; ++row, input += s.row) {
    const char* base[bases];
    unrolled<bases>([&](auto b) __attribute__((always_inline)) { base[b] = input + 3 * b * step; });
    for (std::int64_t unit = 0; unit < s.row_units; ++unit, weights += width) {
      typename wide::type w[full + 1];
      typename half::type t;
      unrolled<full>([&](auto v) __attribute__((always_inline)) { w[v] = wide::load(weights + 16 * v); });
      if constexpr (tail != 0) t = half::load(weights + 16 * full);
      const auto unit_of = [&](auto p) __attribute__((always_inline)) { return reinterpret_cast<const std::uint32_t*>(base[p / 3] + (p % 3) * step); };
      const auto add = [&](auto p, const typename wide::type& x) __attribute__((always_inline)) {
        unrolled<full>([&](auto v) __attribute__((always_inline)) { sums[p][v] = wide::multiply_add<T>(sums[p][v], x, w[v]); });
      };
      if constexpr (paired) {
        const auto both = wide::twice(t);
        unrolled<Pixels / 2>([&](auto pair) __attribute__((always_inline)) {
          constexpr std::integral_constant<int, 2 * pair> a;
          constexpr std::integral_constant<int, 2 * pair + 1> b;
          const auto x = wide::broadcast(unit_of(a)), y = wide::broadcast(unit_of(b));
          add(a, x);
          add(b, y);
          pairs[pair] = wide::multiply_add<T>(pairs[pair], wide::halves(x, y), both);
        });
      } else {
        unrolled<Pixels>([&](auto p) __attribute__((always_inline)) {
          if constexpr (full == 0) {
            tails[p] = half::multiply_add<T>(tails[p], half::broadcast(unit_of(p)), t);
          } else {
            const auto x = wide::broadcast(unit_of(p));
            add(p, x);
            if constexpr (tail != 0) tails[p] = half::multiply_add<T>(tails[p], half::narrow(x), t);
          }
        });
      }
      unrolled<bases>([&](auto b) __attribute__((always_inline)) { base[b] += 4; });
    }
  }
  if constexpr (paired) {
    unrolled<Pixels / 2>([&](auto pair) __attribute__((always_inline)) {
      tails[2 * pair] = half::narrow(pairs[pair]);
      tails[2 * pair + 1] = half::upper(pairs[pair]);
    });
  }
  if (std::is_integral_v<T> && terms.scale != nullptr) {
    unrolled<Pixels>([&](auto p) __attribute__((always_inline)) {
      unrolled<full>([&](auto v) __attribute__((always_inline)) { sums[p][v] = wide::rescaled(sums[p][v], terms.scale + 16 * v, terms.offset + 16 * v); });
      if constexpr (tail != 0) tails[p] = half::rescaled(tails[p], terms.scale + 16 * full, terms.offset + 16 * full);
    });
  }
  unrolled<Pixels>([&](auto p) __attribute__((always_inline)) {
    Out* const to = output + p * s.output;
    unrolled<full>([&](auto v) __attribute__((always_inline)) {
      if constexpr (tail == 0 && v + 1 == full) {
        wide::store(to + 16 * v, sums[p][v], s.lanes - 16 * v);
      } else {
        wide::store(to + 16 * v, sums[p][v]);
      }
    });
    if constexpr (tail != 0) half::store(to + 16 * full, tails[p], s.lanes - 16 * full);
  });
}

/// Pixels of a tile, by falling size.
#if defined(AXONZOO_AVX512)
inline constexpr std::array<int, 5> tile_pixels{12, 8, 4, 2, 1};
#else
inline constexpr std::array<int, 4> tile_pixels{6, 4, 2, 1};
#endif

/// Blocks of more than four halves have registers for eight pixels only.
template <class T, class Out, int Halves, std::size_t... Sizes>
constexpr std::array<tile_kernel<Out>, sizeof...(Sizes)> tiles_of(std::index_sequence<Sizes...>) {
  return {tile<T, Out, Halves <= 4 || tile_pixels[Sizes] <= 8 ? tile_pixels[Sizes] : 8, Halves>...};
}

/// Kernels by halves - 1 and size.
template <class T, class Out, int... Halves>
constexpr auto tile_table(std::integer_sequence<int, Halves...>) {
  return std::array{tiles_of<T, Out, Halves + 1>(std::make_index_sequence<tile_pixels.size()>())...};
}
template <class T, class Out>
inline constexpr auto tiles = tile_table<T, Out>(std::make_integer_sequence<int, 2 * block_vectors>());

/// `count` pixels in a row, in as few tiles as there are kernels for. Strides as for one tile.
template <class T, class Out>
void tile_row(const tile_strides& s, int halves, std::int64_t count, const char* input, const std::uint32_t* weights, const channel_terms& terms, Out* output) {
  std::int64_t done = 0;
  for (std::size_t size = halves <= 4 ? 0 : 1; size < tile_pixels.size(); ++size) {
    const auto kernel = tiles<T, Out>[static_cast<std::size_t>(halves - 1)][size];
    for (const int step = tile_pixels[size]; done + step <= count; done += step) {
      kernel(s, input + done * s.pixel, weights, terms, output + done * s.output);
    }
  }
}

}  // namespace direct

}  // namespace axonzoo::kernels

#endif
