#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <type_traits>
#include <vector>

#include <axonzoo/nn/kernels/amx.hpp>
#include <axonzoo/nn/kernels/in_turns.hpp>
#include <axonzoo/nn/kernels/scratch.hpp>
#include <axonzoo/nn/kernels/transpose.hpp>
#include <axonzoo/nn/kernels/vector.hpp>

namespace axonzoo::kernels {

/// Weights in memory by any strides: to[out][in][row][column].
struct weight_view {
  const float* data = nullptr;
  std::int64_t outs = 0, ins = 0, rows = 0, columns = 0;
  std::int64_t out_stride = 0, in_stride = 0, row_stride = 0, column_stride = 0;
};

#if defined(AXONZOO_AVX512)

/// The first `count` of 16 lanes, none or all where that is out of range.
inline __mmask16 first_lanes(std::int64_t count) {
  return static_cast<__mmask16>((1U << std::clamp<std::int64_t>(count, 0, 16)) - 1U);
}

inline __m512 load_strided(const float* from, std::int64_t stride, __mmask16 mask) {
  if (stride == 1) return _mm512_maskz_loadu_ps(mask, from);
  const __m512i index = _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                                           _mm512_set1_epi32(static_cast<int>(stride)));
  return _mm512_mask_i32gather_ps(_mm512_setzero_ps(), mask, index, from, 4);
}

/// 32 values in a row as 16 pairs of bfloat16.
inline __m512i side_by_side([[maybe_unused]] __m512 first, [[maybe_unused]] __m512 second) {
#if defined(AXONZOO_AVX512_BF16)
  return (__m512i)_mm512_cvtne2ps_pbh(second, first);
#else
  return _mm512_setzero_si512();
#endif
}

/// Pair i is (first[i], second[i]).
inline __m512i in_turn(__m512 first, __m512 second) {
  alignas(64) static constexpr auto order = [] {
    std::array<std::uint16_t, 32> lanes{};
    for (std::uint16_t i = 0; i < 32; ++i) lanes[i] = static_cast<std::uint16_t>(i / 2 + 16 * (i % 2));
    return lanes;
  }();
  const __m512i both = side_by_side(first, second);
  return _mm512_permutex2var_epi16(both, _mm512_load_si512(order.data()), both);
}

#endif

#if defined(AXONZOO_VECTORS)

/// A unit of what load(0) and, of pairs or fours, load(1) and so on give; whole numbers come as floats that hold them.
template <class T, class Load>
std::uint32_t unit_of(const Load& load) {
  if constexpr (elements_per_unit<T> == 1) {
    return std::bit_cast<std::uint32_t>(load(0));
  } else if constexpr (std::is_integral_v<T>) {
    constexpr int bits = 8 * sizeof(T);
    std::uint32_t unit = 0;
    for (int part = 0; part < elements_per_unit<T>; ++part) {
      unit |= (static_cast<std::uint32_t>(static_cast<std::int32_t>(load(part))) & ((1U << bits) - 1U)) << part * bits;
    }
    return unit;
  } else {
    return c10::BFloat16(load(0)).x | static_cast<std::uint32_t>(c10::BFloat16(load(1)).x) << 16;
  }
}

#endif

#if defined(AXONZOO_VECTORS)

/// Output channels that a kernel keeps in registers: up to `block_vectors` of 16, the last of which may be one of 8.
struct filter_block {
  std::int64_t channel = 0;  ///< first one
  int lanes = 0;             ///< how many are real
  int halves = 0;            ///< how many are computed, in eights
  std::int64_t offset = 0;   ///< of its weights, in units
};

/// Vectors of a block of products of T: tiles hold two.
template <class T>
inline constexpr std::int64_t vectors_at_once = amx::has_products<T> ? 2 : block_vectors;

/// Blocks of nearly equal width, at most `most` vectors, for output channels that `outputs` splits into tensors; no block spans two. `units` are those of all
/// taps and input channels.
inline std::vector<filter_block> filter_blocks(const std::vector<std::int64_t>& outputs, std::int64_t units, std::int64_t most) {
  std::vector<filter_block> blocks;
  std::int64_t first = 0, offset = 0;
  for (const std::int64_t channels : outputs) {
    const std::int64_t vectors = (channels + 15) / 16, count = (vectors + most - 1) / most;
    std::int64_t channel = first, done = 0;
    for (std::int64_t b = 0; b < count; ++b) {
      const std::int64_t until = vectors * (b + 1) / count;
      const auto lanes = static_cast<int>(std::min((until - done) * 16, first + channels - channel));
      blocks.push_back({channel, lanes, (lanes + 7) / 8, offset});
      offset += units * blocks.back().halves * 8;
      channel += lanes;
      done = until;
    }
    first += channels;
  }
  return blocks;
}

/// Units of the input channels of a tap; with tiles, so many that a row of taps is a whole number of their steps.
template <class T>
std::int64_t units_for(std::int64_t ins, [[maybe_unused]] std::int64_t columns) {
  std::int64_t units = (ins + elements_per_unit<T> - 1) / elements_per_unit<T>;
#if defined(AXONZOO_AMX)
  if constexpr (amx::has_products<T>) {
    while (amx::steps::of(columns * units).padded() != columns * units) ++units;
  }
#endif
  return units;
}

/// Weights as the convolution kernel streams them: [block][row][column][unit of input channels][lane].
template <class T>
class packed_filters {
 public:
  packed_filters(const weight_view& weights, const std::vector<std::int64_t>& outputs)
      : rows_(weights.rows),
        columns_(weights.columns),
        units_(units_for<T>(weights.ins, columns_)),
        blocks_(filter_blocks(outputs, rows_ * columns_ * units_, vectors_at_once<T>)),
        memory_(blocks_.back().offset + rows_ * columns_ * units_ * blocks_.back().halves * 8) {
    const std::int64_t tiles = (units_ + 15) / 16, count = static_cast<std::int64_t>(blocks_.size());
    in_shares(count * tiles, 1 + 32 / (rows_ * columns_), [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t task = from; task < to; ++task) {
        const filter_block& block = blocks_[static_cast<std::size_t>(task / tiles)];
        const std::int64_t unit = task % tiles * 16, end = std::min(unit + 16, units_);
        for (std::int64_t lane = 0; lane < block.halves * 8; lane += 16) {
          for (std::int64_t tap = 0; tap < rows_ * columns_; ++tap) pack(weights, block, tap, lane, unit, end);
        }
      }
    });
  }

  [[nodiscard]] const std::vector<filter_block>& blocks() const { return blocks_; }
  [[nodiscard]] const std::uint32_t* data(const filter_block& block) const { return memory_.data() + block.offset; }
  [[nodiscard]] std::int64_t rows() const { return rows_; }
  /// Units along a row of taps: what the kernel's inner loop runs over.
  [[nodiscard]] std::int64_t row_units() const { return columns_ * units_; }
  /// Elements an input pixel must have, zeros included.
  [[nodiscard]] std::int64_t pitch() const { return units_ * elements_per_unit<T>; }

 private:
  /// 16 output channels from `lane` on and up to 16 units of input channels of one tap.
  void pack(const weight_view& weights, const filter_block& block, std::int64_t tap, std::int64_t lane, std::int64_t unit, std::int64_t end) {
#if defined(AXONZOO_AVX512)
    if constexpr (!std::is_integral_v<T>) return pack_vectors(weights, block, tap, lane, unit, end);
#endif
    pack_one_by_one(weights, block, tap, lane, unit, end);
  }

#if defined(AXONZOO_AVX512)
  void pack_vectors(const weight_view& weights, const filter_block& block, std::int64_t tap, std::int64_t lane, std::int64_t unit, std::int64_t end) {
    const std::int64_t width = block.halves * 8;
    const auto real = static_cast<int>(std::min<std::int64_t>(16, block.lanes - lane));
    const auto kept = static_cast<__mmask16>(width - lane < 16 ? 0xff : 0xffff);
    const float* const from = weights.data + (block.channel + lane) * weights.out_stride + tap / columns_ * weights.row_stride +
                              tap % columns_ * weights.column_stride;
    std::uint32_t* const to = memory_.data() + block.offset + tap * units_ * width + lane;
    if (weights.in_stride == 1) {
      __m512i rows[16];
      unrolled<16>([&](auto i) { rows[i] = i < real ? input_units(from + i * weights.out_stride, unit, weights.ins) : _mm512_setzero_si512(); });
      transpose(rows);
      unrolled<16>([&](auto i) {
        if (unit + i < end) _mm512_mask_storeu_epi32(to + (unit + i) * width, kept, rows[i]);
      });
      return;
    }
    const auto mask = first_lanes(real);
    for (; unit < end; ++unit) _mm512_mask_storeu_epi32(to + unit * width, kept, output_units(weights, from, unit, mask));
  }

  /// Units `unit` ... + 15 of one output channel, whose input channels lie side by side.
  static __m512i input_units(const float* from, std::int64_t unit, std::int64_t ins) {
    const auto load = [from, ins](std::int64_t in) { return _mm512_maskz_loadu_ps(first_lanes(ins - in), from + in); };
    if constexpr (elements_per_unit<T> == 1) return _mm512_castps_si512(load(unit));
    return side_by_side(load(2 * unit), load(2 * unit + 16));
  }

  /// One unit of the 16 output channels at `from`.
  static __m512i output_units(const weight_view& weights, const float* from, std::int64_t unit, __mmask16 mask) {
    const auto load = [&](std::int64_t in) {
      return in < weights.ins ? load_strided(from + in * weights.in_stride, weights.out_stride, mask) : _mm512_setzero_ps();
    };
    if constexpr (elements_per_unit<T> == 1) return _mm512_castps_si512(load(unit));
    return in_turn(load(2 * unit), load(2 * unit + 1));
  }
#endif

  void pack_one_by_one(const weight_view& weights, const filter_block& block, std::int64_t tap, std::int64_t lane, std::int64_t unit, std::int64_t end) {
    const std::int64_t width = block.halves * 8, kept = std::min<std::int64_t>(16, width - lane);
    const float* const from = weights.data + (block.channel + lane) * weights.out_stride + tap / columns_ * weights.row_stride +
                              tap % columns_ * weights.column_stride;
    std::uint32_t* const to = memory_.data() + block.offset + tap * units_ * width + lane;
    for (std::int64_t i = 0; i < kept; ++i) {
      for (std::int64_t u = unit; u < end; ++u) {
        to[u * width + i] = unit_of<T>([&](std::int64_t part) {
          const std::int64_t in = u * elements_per_unit<T> + part;
          return lane + i < block.lanes && in < weights.ins ? from[i * weights.out_stride + in * weights.in_stride] : 0.0F;
        });
      }
    }
  }

  std::int64_t rows_, columns_, units_;
  std::vector<filter_block> blocks_;
  scratch<std::uint32_t> memory_;
};

#endif

}  // namespace axonzoo::kernels
