#pragma once

#include <cstdint>
#include <vector>

#include <ATen/Parallel.h>

#include <axonzoo/nn/kernels/scratch.hpp>
#include <axonzoo/nn/kernels/vector.hpp>

namespace axonzoo::kernels {

/// Weights in memory by any strides: to[out][in][row][column].
struct weight_view {
  const float* data = nullptr;
  std::int64_t outs = 0, ins = 0, rows = 0, columns = 0;
  std::int64_t out_stride = 0, in_stride = 0, row_stride = 0, column_stride = 0;
};

#if defined(AXONZOO_AVX512)

/// Output channels that a kernel keeps in registers: up to three vectors of 16, the last of which may be one of 8.
struct filter_block {
  std::int64_t channel = 0;  ///< first one
  int lanes = 0;             ///< how many are real
  int halves = 0;            ///< how many are computed, in eights
  std::int64_t offset = 0;   ///< of its weights, in units
};

/// Weights as the convolution kernel streams them: [block][row][column][unit of input channels][lane].
template <class T>
class packed_filters {
 public:
  /// `outputs` splits the output channels into tensors; no block spans two.
  packed_filters(const weight_view& weights, const std::vector<std::int64_t>& outputs)
      : rows_(weights.rows),
        columns_(weights.columns),
        units_((weights.ins + elements_per_unit<T> - 1) / elements_per_unit<T>),
        blocks_(split(outputs, rows_ * columns_ * units_)),
        memory_(blocks_.back().offset + rows_ * columns_ * units_ * blocks_.back().halves * 8) {
    const auto count = static_cast<std::int64_t>(blocks_.size());
    at::parallel_for(0, count * units_, 1 + (1 << 12) / (rows_ * columns_ * 16), [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t task = from; task < to; ++task) pack(weights, blocks_[static_cast<std::size_t>(task / units_)], task % units_);
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
  static std::vector<filter_block> split(const std::vector<std::int64_t>& outputs, std::int64_t units) {
    std::vector<filter_block> blocks;
    std::int64_t first = 0, offset = 0;
    for (const std::int64_t channels : outputs) {
      const std::int64_t vectors = (channels + 15) / 16, count = (vectors + 2) / 3;
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

  void pack(const weight_view& weights, const filter_block& block, std::int64_t unit) {
    const std::int64_t width = block.halves * 8;
    const __m512i index = _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                                             _mm512_set1_epi32(static_cast<int>(weights.out_stride)));
    for (std::int64_t lane = 0; lane < width; lane += 16) {
      const auto real = std::min<std::int64_t>(16, block.lanes - lane);
      const auto mask = static_cast<__mmask16>((1U << real) - 1U), kept = static_cast<__mmask16>(width - lane < 16 ? 0xff : 0xffff);
      const auto gather = [&](std::int64_t in, std::int64_t row, std::int64_t column) {
        if (in >= weights.ins) return _mm512_setzero_ps();
        const float* const from = weights.data + (block.channel + lane) * weights.out_stride + in * weights.in_stride +
                                  row * weights.row_stride + column * weights.column_stride;
        if (weights.out_stride == 1) return _mm512_maskz_loadu_ps(mask, from);
        return _mm512_mask_i32gather_ps(_mm512_setzero_ps(), mask, index, from, 4);
      };
      for (std::int64_t row = 0; row < rows_; ++row) {
        for (std::int64_t column = 0; column < columns_; ++column) {
          std::uint32_t* const to = memory_.data() + block.offset + ((row * columns_ + column) * units_ + unit) * width + lane;
          if constexpr (elements_per_unit<T> == 1) {
            _mm512_mask_storeu_ps(to, kept, gather(unit, row, column));
          } else {
#if defined(AXONZOO_AVX512_BF16)
            const __m512i low = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(gather(2 * unit, row, column)));
            const __m512i high = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(gather(2 * unit + 1, row, column)));
            _mm512_mask_storeu_epi32(to, kept, _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
#endif
          }
        }
      }
    }
  }

  std::int64_t rows_, columns_, units_;
  std::vector<filter_block> blocks_;
  scratch<std::uint32_t> memory_;
};

#endif

}  // namespace axonzoo::kernels
