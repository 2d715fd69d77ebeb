#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <vector>

#include <axonzoo/nn/kernels/filters.hpp>
#include <axonzoo/nn/kernels/in_turns.hpp>
#include <axonzoo/nn/kernels/lanes.hpp>
#include <axonzoo/nn/kernels/scratch.hpp>
#include <axonzoo/nn/kernels/transpose.hpp>
#include <axonzoo/nn/kernels/vector.hpp>
#include <axonzoo/nn/kernels/winograd.hpp>

#if defined(AXONZOO_VECTORS)

namespace axonzoo::kernels::winograd {

/// 3x3 weights transformed to G w G^T and packed for the kernel: [block][component][unit of input channels][lane]. Whole numbers become 4 G w G^T, which are whole.
template <class T>
class transformed_filters {
 public:
  transformed_filters(const weight_view& weights, const std::vector<std::int64_t>& outputs)
      : units_((weights.ins + elements_per_unit<T> - 1) / elements_per_unit<T>),
        blocks_(filter_blocks(outputs, components * units_, vectors_at_once<T>)),
        memory_(blocks_.back().offset + components * units_ * blocks_.back().halves * 8) {
    const std::int64_t tiles = (units_ + 15) / 16, count = static_cast<std::int64_t>(blocks_.size());
    in_shares(count * tiles, 1, [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t task = from; task < to; ++task) {
        const filter_block& block = blocks_[static_cast<std::size_t>(task / tiles)];
        const std::int64_t unit = task % tiles * 16, end = std::min(unit + 16, units_);
        for (std::int64_t lane = 0; lane < block.halves * 8; lane += 16) {
          pack(weights, block, lane, unit, end);
        }
      }
    });
  }

  [[nodiscard]] const std::vector<filter_block>& blocks() const { return blocks_; }
  [[nodiscard]] const std::uint32_t* data(const filter_block& block) const { return memory_.data() + block.offset; }
  /// Elements a transformed pixel must have, zeros included.
  [[nodiscard]] std::int64_t pitch() const { return units_ * elements_per_unit<T>; }

 private:
  [[nodiscard]] std::uint32_t* target(const filter_block& block, int component, std::int64_t unit, std::int64_t lane) const {
    return memory_.data() + block.offset + (component * units_ + unit) * block.halves * 8 + lane;
  }

  void pack(const weight_view& weights, const filter_block& block, std::int64_t lane, std::int64_t unit, std::int64_t end) {
#if defined(AXONZOO_AVX512)
    if constexpr (!std::is_same_v<T, std::int16_t>) return weights.in_stride == 1 ? pack_rows(weights, block, lane, unit, end) : pack_columns(weights, block, lane, unit, end);
#endif
    pack_one_by_one(weights, block, lane, unit, end);
  }

#if defined(AXONZOO_AVX512)
  /// load(row, column) gives a vector of each of the nine weights.
  template <class Load>
  static void transform(const Load& load, __m512 (&to)[components]) {
    const __m512 half = _mm512_set1_ps(0.5F);
    const auto spread = [half](__m512 a, __m512 b, __m512 c, __m512* out) {
      const __m512 ends = (a + c) * half, middle = b * half;
      out[0] = a;
      out[1] = ends + middle;
      out[2] = ends - middle;
      out[3] = c;
    };
    __m512 columns[3][4];
    for (std::int64_t x = 0; x < 3; ++x) spread(load(0, x), load(1, x), load(2, x), columns[x]);
    for (int r = 0; r < 4; ++r) spread(columns[0][r], columns[1][r], columns[2][r], to + 4 * r);
  }

  /// Input channels lie side by side: 16 units of one output channel at a time, turned to 16 output channels of a unit.
  void pack_rows(const weight_view& weights, const filter_block& block, std::int64_t lane, std::int64_t unit, std::int64_t end) {
    __m512i rows[components][16];
    for (std::int64_t i = 0; i < 16; ++i) {
      const bool real = lane + i < block.lanes;
      __m512 transformed[elements_per_unit<T>][components];
      for (int part = 0; part < elements_per_unit<T>; ++part) {
        const std::int64_t in = unit * elements_per_unit<T> + 16 * part;
        const __mmask16 mask = real ? first_lanes(weights.ins - in) : static_cast<__mmask16>(0);
        const float* const from = weights.data + (block.channel + lane + i) * weights.out_stride + in;
        transform([&](std::int64_t y, std::int64_t x) { return _mm512_maskz_loadu_ps(mask, from + y * weights.row_stride + x * weights.column_stride); },
                  transformed[part]);
      }
      for (std::int64_t c = 0; c < components; ++c) {
        if constexpr (elements_per_unit<T> == 1) {
          rows[c][i] = _mm512_castps_si512(transformed[0][c]);
        } else {
          rows[c][i] = side_by_side(transformed[0][c], transformed[1][c]);
        }
      }
    }
    const __mmask16 kept = first_lanes(block.halves * 8 - lane);
    for (int c = 0; c < components; ++c) {
      transpose(rows[c]);
      for (std::int64_t i = unit; i < end; ++i) _mm512_mask_storeu_epi32(target(block, c, i, lane), kept, rows[c][i - unit]);
    }
  }

  /// Any other layout: 16 output channels of one unit at a time.
  void pack_columns(const weight_view& weights, const filter_block& block, std::int64_t lane, std::int64_t unit, std::int64_t end) {
    const __mmask16 kept = first_lanes(block.halves * 8 - lane), real = first_lanes(block.lanes - lane);
    for (; unit < end; ++unit) {
      __m512 transformed[elements_per_unit<T>][components];
      for (int part = 0; part < elements_per_unit<T>; ++part) {
        const std::int64_t in = unit * elements_per_unit<T> + part;
        const __mmask16 mask = in < weights.ins ? real : static_cast<__mmask16>(0);
        const float* const from = weights.data + (block.channel + lane) * weights.out_stride + in * weights.in_stride;
        transform([&](std::int64_t y, std::int64_t x) { return load_strided(from + y * weights.row_stride + x * weights.column_stride, weights.out_stride, mask); },
                  transformed[part]);
      }
      for (int c = 0; c < components; ++c) {
        __m512i units;
        if constexpr (elements_per_unit<T> == 1) {
          units = _mm512_castps_si512(transformed[0][c]);
        } else {
          units = in_turn(transformed[0][c], transformed[1][c]);
        }
        _mm512_mask_storeu_epi32(target(block, c, unit, lane), kept, units);
      }
    }
  }
#endif

  /// 16 output channels of one unit at a time.
  void pack_one_by_one(const weight_view& weights, const filter_block& block, std::int64_t lane, std::int64_t unit, std::int64_t end) {
    constexpr float scale = std::is_same_v<T, std::int16_t> ? 4 : 1;
    const std::int64_t kept = std::min<std::int64_t>(16, block.halves * 8 - lane);
    const lanes half = lanes::all(0.5F);
    const auto spread = [&half](const lanes& a, const lanes& b, const lanes& c, lanes* out) {
      const lanes ends = (a + c) * half, middle = b * half;
      out[0] = a;
      out[1] = ends + middle;
      out[2] = ends - middle;
      out[3] = c;
    };
    for (; unit < end; ++unit) {
      float transformed[elements_per_unit<T>][components][16];
      for (int part = 0; part < elements_per_unit<T>; ++part) {
        const std::int64_t in = unit * elements_per_unit<T> + part;
        const float* const from = weights.data + (block.channel + lane) * weights.out_stride + in * weights.in_stride;
        float given[3][3][16] = {};
        for (std::int64_t i = 0; in < weights.ins && lane + i < block.lanes && i < 16; ++i) {
          for (int y = 0; y < 3; ++y) {
            for (int x = 0; x < 3; ++x) given[y][x][i] = from[i * weights.out_stride + y * weights.row_stride + x * weights.column_stride];
          }
        }
        lanes columns[3][4], row[4];
        for (int x = 0; x < 3; ++x) spread(lanes::load(given[0][x]), lanes::load(given[1][x]), lanes::load(given[2][x]), columns[x]);
        for (int r = 0; r < 4; ++r) {
          spread(columns[0][r], columns[1][r], columns[2][r], row);
          for (int s = 0; s < 4; ++s) row[s].store(transformed[part][4 * r + s]);
        }
      }
      for (int c = 0; c < components; ++c) {
        std::uint32_t* const to = target(block, c, unit, lane);
        for (std::int64_t i = 0; i < kept; ++i) to[i] = unit_of<T>([&](int part) { return scale * transformed[part][c][i]; });
      }
    }
  }

  std::int64_t units_;
  std::vector<filter_block> blocks_;
  scratch<std::uint32_t> memory_;
};

}  // namespace axonzoo::kernels::winograd

#endif
