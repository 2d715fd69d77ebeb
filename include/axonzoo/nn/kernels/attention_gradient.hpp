#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <axonzoo/nn/kernels/attention.hpp>
#include <axonzoo/nn/kernels/pair_rows.hpp>

#if defined(AXONZOO_VECTORS)

namespace axonzoo::kernels {

/// Where the gradients go. Those of queries and biases are float32 parts to be added up: the keys are cut into `parts` blocks,
/// the images into `shares`, so that there is work for many threads and the order of every sum is always the same.
template <class T>
struct attention_gradients {
  head_matrices<const T> out, of_out;
  const float* log_sums = nullptr;
  head_matrices<T> k, v;
  std::int64_t parts = 1, part_keys = 0;
  std::int64_t query_rows = 0,
               query_lanes = 0;  ///< q is [parts][images][heads][query_rows][query_lanes], to be multiplied with the scale
  float *q = nullptr, *height = nullptr, *width = nullptr;  ///< [parts][images][heads][queries][size] the latter two, zero
  std::int64_t shares = 1;
  float* all = nullptr;  ///< [shares][heads][queries][keys], zero
};

/// Rows of queries that attention_gradients::q has memory for.
inline std::int64_t gradient_rows(std::int64_t queries) { return detail::rounded_up(queries, 4); }

namespace detail {

/// A block of queries by a block of keys, with the scores and their gradients in the forms that the five products read.
template <class T>
struct gradient_block {
  static constexpr std::int64_t most_rows = 96, most_lanes = 128, pitch = most_lanes + 16;
  static constexpr bool narrow = sizeof(T) == 2;
  scratch<float> scores{most_rows * pitch}, gradients{most_rows * pitch};
  scratch<std::uint32_t> weight_pairs{narrow ? most_rows / 2 * pitch : 0}, gradient_pairs{narrow ? most_rows / 2 * pitch : 0};
  scratch<std::uint32_t> gradient_rows{narrow ? most_rows * pitch / 2 : 0};

  [[nodiscard]] const std::uint32_t* weights_across() const {
    return narrow ? weight_pairs.data() : reinterpret_cast<const std::uint32_t*>(scores.data());
  }
  [[nodiscard]] const std::uint32_t* gradients_across() const {
    return narrow ? gradient_pairs.data() : reinterpret_cast<const std::uint32_t*>(gradients.data());
  }
  [[nodiscard]] const std::uint32_t* gradients_along() const {
    return narrow ? gradient_rows.data() : reinterpret_cast<const std::uint32_t*>(gradients.data());
  }

  /// From scores and gradients of the weights to weights and gradients of the scores.
  void differentiate(std::int64_t rows, std::int64_t vectors, float factor, const float* log_sums) const {
    const lanes times = lanes::all(factor);
    const auto step = [&](std::int64_t row, std::int64_t i, lanes & weight, lanes & gradient) __attribute__((always_inline)) {
      float *const s = scores.data() + row * pitch + 16 * i, *const g = gradients.data() + row * pitch + 16 * i;
      weight = power_of_two<T>(fms(lanes::load(s), times, lanes::all(log_sums[row])));
      gradient = weight * lanes::load(g);
      gradient.store(g);
      if constexpr (!narrow) weight.store(s);
    };
    if constexpr (!narrow) {
      for (std::int64_t row = 0; row < rows; ++row) {
        lanes weight, gradient;
        for (std::int64_t i = 0; i < vectors; ++i) step(row, i, weight, gradient);
      }
    } else {
      const auto both = [&](std::uint32_t * to, lanes a, lanes b) __attribute__((always_inline)) {
        alignas(32) T first[16], second[16];
        a.store(first);
        b.store(second);
        interleave(first, second, 16, to);
      };
      for (std::int64_t row = 0; row < rows; row += 2) {
        for (std::int64_t i = 0; i < vectors; ++i) {
          lanes weight[2], gradient[2];
          for (int r = 0; r < 2; ++r) {
            step(row + r, i, weight[r], gradient[r]);
            gradient[r].store(reinterpret_cast<T*>(gradient_rows.data() + (row + r) * (pitch / 2)) + 16 * i);
          }
          both(weight_pairs.data() + row / 2 * pitch + 16 * i, weight[0], weight[1]);
          both(gradient_pairs.data() + row / 2 * pitch + 16 * i, gradient[0], gradient[1]);
        }
      }
    }
  }
};

/// The keys of one part of one head. Products as in Dao et al. 2022, appendix B.4.
template <class T>
void attend_backward(const attention_problem<T>& problem, const attention_gradients<T>& to, std::int64_t image, std::int64_t head,
                     std::int64_t part) {
  using block_type = gradient_block<T>;
  constexpr std::int64_t pitch = block_type::pitch, along_pitch = pitch / elements_per_unit<T>;
  const auto q = problem.q(image, head), k = problem.k(image, head), v = problem.v(image, head);
  const auto out = to.out(image, head), of_out = to.of_out(image, head);
  const auto of_k = to.k(image, head), of_v = to.v(image, head);
  const auto bias = problem.bias(image, head);
  const std::int64_t queries = q.rows, rows = gradient_rows(queries), first_key = part * to.part_keys,
                     last_key = std::min(k.rows, first_key + to.part_keys);
  const std::int64_t query_block = equal_blocks(queries, block_type::most_rows, 12),
                     key_block = equal_blocks(last_key - first_key, block_type::most_lanes, 16);
  const std::int64_t inner = units_of<T>(q.size), value_inner = units_of<T>(v.size);
  const panels dims = panels::of(q.size), value_dims = panels::of(v.size);
  const std::int64_t place = (part * problem.images + image) * problem.heads + head;
  const float factor = problem.scale * log2_e;

  // All queries, packed once for all blocks of keys.
  const scratch<std::uint32_t> q_rows(rows * inner + 16), q_along(units_of<T>(rows) * dims.lanes());
  const scratch<std::uint32_t> g_rows(rows * value_inner + 16), g_along(units_of<T>(rows) * value_dims.lanes());
  const scratch<float> log_sums(rows), offsets(rows);
  pack_rows(q, rows, q_rows.data());
  pack_rows(of_out, rows, g_rows.data());
  for (std::int64_t row = 0; row < queries; row += query_block) {
    const std::int64_t until = std::min(row + query_block, queries), unit = row / elements_per_unit<T>;
    pack_along(q.slice(row, until), q_along.data() + unit * dims.lanes());
    pack_along(of_out.slice(row, until), g_along.data() + unit * value_dims.lanes());
  }
  for (std::int64_t row = 0; row < rows; ++row) {
    lanes product = lanes::all(0);
    for (std::int64_t c = 0; row < queries && c < v.size; c += 16) {
      const std::int64_t n = std::min<std::int64_t>(v.size - c, 16);
      product = fma(lanes::load(out.row(row) + c, n), lanes::load(of_out.row(row) + c, n), product);
    }
    offsets.data()[row] = -sum(product);
    log_sums.data()[row] = row < queries ? to.log_sums[(image * problem.heads + head) * queries + row] : 0;
  }

  const block_type block;
  const std::int64_t most = panels::of(key_block).lanes();
  const scratch<std::uint32_t> k_across(most * inner), v_across(most * value_inner),
      k_along(units_of<T>(key_block) * dims.lanes());
  const scratch<float> sum_k(most * dims.lanes()), sum_v(most * value_dims.lanes());
  for (std::int64_t key = first_key; key < last_key; key += key_block) {
    const std::int64_t until = std::min(key + key_block, last_key), count = until - key, key_rows = rounded_up(count, 4);
    const panels across = panels::of(count);
    pack_across(k.slice(key, until), k_across.data());
    pack_across(v.slice(key, until), v_across.data());
    pack_along(k.slice(key, until), k_along.data());
    for (std::int64_t row = 0; row < queries; row += query_block) {
      const std::int64_t own = std::min(query_block, rows - row), real = std::min(own, queries - row),
                         unit = row / elements_per_unit<T>;
      for (std::int64_t r = 0; r < own; ++r) {
        float* const scores = block.scores.data() + r * pitch;
        bias.fill(std::min(row + r, queries - 1), key, until, 1 / problem.scale, scores);
        std::fill(scores + count, scores + across.lanes(), -std::numeric_limits<float>::infinity());
        std::fill_n(block.gradients.data() + r * pitch, across.lanes(), offsets.data()[row + r]);
      }
      multiply<T, units::along>(own, across, inner, q_rows.data() + row * inner, inner, k_across.data(), block.scores.data(),
                                pitch, true);
      multiply<T, units::along>(own, across, value_inner, g_rows.data() + row * value_inner, value_inner, v_across.data(),
                                block.gradients.data(), pitch, true);
      block.differentiate(own, across.vectors, factor, log_sums.data() + row);
      for (std::int64_t r = 0; r < real; ++r) {
        const float* const gradient = block.gradients.data() + r * pitch;
        if (to.height != nullptr) {
          const std::int64_t at = place * queries + row + r;
          bias.accumulate(key, until, gradient, to.height + at * problem.height.size, to.width + at * problem.width.size);
        }
        if (to.all != nullptr) {
          const std::int64_t share = image * to.shares / problem.images;
          float* const sums = to.all + ((share * problem.heads + head) * queries + row + r) * k.rows + key;
          for (std::int64_t c = 0; c < count; ++c) sums[c] += gradient[c];
        }
      }
      multiply<T, units::across>(key_rows, value_dims, units_of<T>(real), block.weights_across(), pitch,
                                 g_along.data() + unit * value_dims.lanes(), sum_v.data(), value_dims.lanes(), row > 0);
      multiply<T, units::across>(key_rows, dims, units_of<T>(real), block.gradients_across(), pitch,
                                 q_along.data() + unit * dims.lanes(), sum_k.data(), dims.lanes(), row > 0);
      multiply<T, units::along>(own, dims, units_of<T>(count), block.gradients_along(), along_pitch, k_along.data(),
                                to.q + (place * to.query_rows + row) * to.query_lanes, to.query_lanes, key > first_key);
    }
    const auto write = [count](const scratch<float>& sums, std::int64_t lanes_of_row, const matrix<T>& rows_of,
                               std::int64_t first, float times) {
      for (std::int64_t r = 0; r < count; ++r) {
        for (std::int64_t c = 0; c < rows_of.size; c += 16) {
          (lanes::load(sums.data() + r * lanes_of_row + c) * lanes::all(times))
              .store(rows_of.row(first + r) + c, std::min<std::int64_t>(rows_of.size - c, 16));
        }
      }
    };
    write(sum_k, dims.lanes(), of_k, key, problem.scale);
    write(sum_v, value_dims.lanes(), of_v, key, 1);
  }
}

}  // namespace detail

/// All gradients, each block of keys of each head (and, with biases in full, share of the images) by one thread.
template <class T>
void attend_backward(const attention_problem<T>& problem, const attention_gradients<T>& to) {
  const std::int64_t shares = to.all == nullptr ? problem.images : to.shares;
  in_turns(shares * problem.heads * to.parts, 1, [&](std::int64_t from, std::int64_t until) {
    for (std::int64_t item = from; item < until; ++item) {
      const std::int64_t part = item % to.parts, head = item / to.parts % problem.heads, share = item / to.parts / problem.heads;
      // The images whose share this is: those with image * shares / images == share.
      const std::int64_t first = (share * problem.images + shares - 1) / shares,
                         last = ((share + 1) * problem.images + shares - 1) / shares;
      for (std::int64_t image = first; image < last; ++image) detail::attend_backward(problem, to, image, head, part);
    }
  });
}

}  // namespace axonzoo::kernels

#endif
