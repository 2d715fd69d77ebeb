#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include <axonzoo/nn/kernels/exponential.hpp>
#include <axonzoo/nn/kernels/in_turns.hpp>
#include <axonzoo/nn/kernels/lanes.hpp>
#include <axonzoo/nn/kernels/pack_panels.hpp>
#include <axonzoo/nn/kernels/panel_product.hpp>
#include <axonzoo/nn/kernels/score_bias.hpp>
#include <axonzoo/nn/kernels/scratch.hpp>
#include <axonzoo/nn/kernels/vector.hpp>

#if defined(AXONZOO_VECTORS)

namespace axonzoo::kernels {

/// Matrices [images][heads] in memory, each [rows][size] with its elements side by side; a null one stands for none.
template <class T>
struct head_matrices {
  T* data = nullptr;
  std::int64_t image_stride = 0, head_stride = 0, pitch = 0, rows = 0, size = 0;

  [[nodiscard]] matrix<T> operator()(std::int64_t image, std::int64_t head) const {
    if (data == nullptr) return {};
    return {data + image * image_stride + head * head_stride, rows, size, pitch};
  }
};

/// out = softmax(scale q k^T + bias) v, and for each query the logarithm to base 2 of the sum of 2^(scores / ln 2).
template <class T>
struct attention_problem {
  std::int64_t images = 0, heads = 0;
  float scale = 1;
  head_matrices<const T> q, k, v;
  head_matrices<const T> height, width;  ///< decomposed relative positions, or none
  std::int64_t columns = 0;              ///< of the image that `height` and `width` are of
  head_matrices<const float> all;        ///< biases in full, or none

  [[nodiscard]] score_bias<T> bias(std::int64_t image, std::int64_t head) const {
    return {height(image, head), width(image, head), all(image, head), columns};
  }
};

namespace detail {

/// `count` in as few equal blocks of at most `most` as there can be, each but the last a multiple of `unit`.
inline std::int64_t equal_blocks(std::int64_t count, std::int64_t most, std::int64_t unit) {
  const std::int64_t blocks = (count + most - 1) / most, size = (count + blocks - 1) / blocks;
  return (size + unit - 1) / unit * unit;
}

inline std::int64_t rounded_up(std::int64_t count, std::int64_t unit) { return (count + unit - 1) / unit * unit; }

constexpr float log2_e = 1.44269504F;

/// Queries that pass through the two products and the softmax between them together, with what is known of their rows so far.
template <class T>
struct query_group {
#if defined(AXONZOO_AMX)
  static constexpr std::int64_t most_rows = sizeof(T) == 2 ? 16 : 12;
#else
  static constexpr std::int64_t most_rows = 12;
#endif
  std::int64_t rows = 0;             ///< a multiple of 4
  float* scores = nullptr;           ///< [rows][pitch]
  std::uint32_t* weights = nullptr;  ///< 2^..., for float over the scores
  std::int64_t pitch = 0, weight_pitch = 0;

  /// Turns scores into weights relative to the greatest so far, and scales what was summed with other weights to them.
  void exponentiate(std::int64_t vectors, float factor, float* most_so_far, float* total, float* sums, std::int64_t sum_vectors,
                    bool first) const {
    alignas(64) float base[16] = {}, rescale[16] = {}, before[16] = {};
    for (std::int64_t r = 0; r < rows; ++r) {
      lanes most = lanes::all(-std::numeric_limits<float>::infinity());
      for (std::int64_t i = 0; i < vectors; ++i) most = max(lanes::load(scores + r * pitch + 16 * i), most);
      before[r] = most_so_far[r];
      most_so_far[r] = std::max(most_so_far[r], greatest(most));
      // Where all is -infinity so far, any finite base gives weights of 0.
      base[r] = most_so_far[r] == -std::numeric_limits<float>::infinity() ? 0.0F : most_so_far[r] * factor;
    }
    if (!first) {
      power_of_two<float>(fms(lanes::load(before), lanes::all(factor), lanes::load(base))).store(rescale);
      for (std::int64_t r = 0; r < rows; ++r) {
        if (rescale[r] == 1.0F) continue;
        const lanes times = lanes::all(rescale[r]);
        for (std::int64_t i = 0; i < sum_vectors; ++i) {
          float* const at = sums + 16 * (r * sum_vectors + i);
          (lanes::load(at) * times).store(at);
        }
      }
    }
    const lanes times = lanes::all(factor);
    for (std::int64_t r = 0; r < rows; ++r) {
      const float* const from = scores + r * pitch;
      const lanes own = lanes::all(base[r]);
      lanes all = lanes::all(0);
      for (std::int64_t i = 0; i < vectors; ++i) {
        const lanes weight = power_of_two<T>(fms(lanes::load(from + 16 * i), times, own));
        all = all + weight;
        weight.store(reinterpret_cast<T*>(weights + r * weight_pitch) + 16 * i);
      }
      total[r] = total[r] * rescale[r] + sum(all);
    }
  }
};

/// Queries begin ... end - 1 of one head.
struct attention_item {
  std::int64_t image = 0, head = 0, begin = 0, end = 0;
};

/// What will be packed next. Rows of a head lie far apart, which the processor's own prefetching does not follow.
template <class T>
struct upcoming_rows {
  matrix<const T> matrices[3];

  /// Fetches one of `shares` equal shares into the second-level cache.
  void fetch(std::int64_t share, std::int64_t shares) const {
    for (const auto& x : matrices) {
      for (std::int64_t r = x.rows * share / shares; r < x.rows * (share + 1) / shares; ++r) {
        const char* const row = reinterpret_cast<const char*>(x.row(r));
        for (std::int64_t byte = 0; byte < x.size * static_cast<std::int64_t>(sizeof(T)); byte += 64)
          _mm_prefetch(row + byte, _MM_HINT_T1);
      }
    }
  }
};

/// Keys that are packed at once: all, or blocks that leave room in the second-level cache.
inline std::int64_t keys_at_once(std::int64_t keys) { return keys <= 320 ? keys : equal_blocks(keys, 256, 32); }

/// `next` is what this thread does after, or null.
template <class T>
void attend(const attention_problem<T>& problem, const attention_item& item, const attention_item* next, const matrix<T>& out,
            float* log_sums) {
  constexpr std::int64_t group_rows = query_group<T>::most_rows;
  const std::int64_t begin = item.begin;
  const auto q = problem.q(item.image, item.head).slice(begin, item.end);
  const auto k = problem.k(item.image, item.head), v = problem.v(item.image, item.head);
  const auto bias = problem.bias(item.image, item.head);
  const std::int64_t inner = units_of<T>(q.size), rows = rounded_up(q.rows, 4), keys = k.rows;
  const panels dims = panels::of(v.size);
  const std::int64_t block = keys_at_once(keys), lanes_most = panels::of(block).lanes();
  const float factor = problem.scale * log2_e;

  const scratch<std::uint32_t> packed_q(rows * inner + 16), packed_k(lanes_most * inner),
      packed_v(units_of<T>(block) * dims.lanes());
  const scratch<float> scores(group_rows * (lanes_most + 16)), sums(rows * dims.lanes()), greatest(rows), total(rows);
  const scratch<std::uint32_t> narrow(sizeof(T) == 4 ? 0 : group_rows * (lanes_most + 16) / 2);
  std::fill_n(greatest.data(), rows, -std::numeric_limits<float>::infinity());
  std::fill_n(total.data(), rows, 0.0F);
  pack_rows(q, rows, packed_q.data());

  query_group<T> group;
  group.pitch = lanes_most + 16;
  group.scores = scores.data();
  group.weight_pitch = group.pitch / elements_per_unit<T>;
  group.weights = sizeof(T) == 4 ? reinterpret_cast<std::uint32_t*>(scores.data()) : narrow.data();
  for (std::int64_t key = 0; key < keys; key += block) {
    const std::int64_t until = std::min(key + block, keys), count = until - key;
    const panels across = panels::of(count);
    pack_across(k.slice(key, until), packed_k.data());
    pack_along(v.slice(key, until), packed_v.data());
    upcoming_rows<T> upcoming;
    if (until < keys) {
      const std::int64_t after = std::min(until + block, keys);
      upcoming = {{k.slice(until, after), v.slice(until, after), {}}};
    } else if (next != nullptr) {
      upcoming = {{problem.k(next->image, next->head).slice(0, block), problem.v(next->image, next->head).slice(0, block),
                   problem.q(next->image, next->head).slice(next->begin, next->end)}};
    }
    const bool start = !bias.none() || across.lanes() > count;
    for (std::int64_t row = 0; row < rows; row += group_rows) {
      group.rows = std::min(group_rows, rows - row);
      upcoming.fetch(row / group_rows, (rows + group_rows - 1) / group_rows);
      for (std::int64_t r = row; until == keys && r < std::min(row + group.rows, q.rows); ++r) {
        for (std::int64_t c = 0; c < v.size; c += 64 / static_cast<std::int64_t>(sizeof(T)))
          __builtin_prefetch(out.row(begin + r) + c, 1);
      }
      for (std::int64_t r = 0; start && r < group.rows; ++r) {
        float* const to = group.scores + r * group.pitch;
        bias.fill(begin + std::min(row + r, q.rows - 1), key, until, 1 / problem.scale, to);
        std::fill(to + count, to + across.lanes(), -std::numeric_limits<float>::infinity());
      }
      multiply<T, units::along>(group.rows, across, inner, packed_q.data() + row * inner, inner, packed_k.data(), group.scores,
                                group.pitch, start);
      float* const own = sums.data() + row * dims.lanes();
      group.exponentiate(across.vectors, factor, greatest.data() + row, total.data() + row, own, dims.vectors, key == 0);
      multiply<T, units::along>(group.rows, dims, units_of<T>(count), group.weights, group.weight_pitch, packed_v.data(), own,
                                dims.lanes(), key != 0);
    }
  }
  for (std::int64_t row = 0; row < q.rows; ++row) {
    const lanes share = lanes::all(1 / total.data()[row]);
    for (std::int64_t c = 0; c < v.size; c += 16) {
      (lanes::load(sums.data() + row * dims.lanes() + c) * share)
          .store(out.row(begin + row) + c, std::min<std::int64_t>(v.size - c, 16));
    }
    log_sums[begin + row] = greatest.data()[row] * factor + std::log2(total.data()[row]);
  }
}

}  // namespace detail

/// log_sums is [images][heads][queries]. A block of the queries of one head at a time, tiled over the keys with an online softmax
/// (Milakov and Gimelshein 2018; Dao et al. 2022): no more than 12 or 16 rows of scores are ever in memory.
template <class T>
void attend(const attention_problem<T>& problem, const head_matrices<T>& out, float* log_sums) {
  const std::int64_t queries = problem.q.rows, block = detail::equal_blocks(queries, 1024, detail::query_group<T>::most_rows),
                     blocks = (queries + block - 1) / block;
  const auto item_of = [&](std::int64_t number) {
    const std::int64_t matrix = number / blocks, begin = number % blocks * block;
    return detail::attention_item{matrix / problem.heads, matrix % problem.heads, begin, std::min(begin + block, queries)};
  };
  const std::int64_t count = problem.images * problem.heads * blocks,
                     at_once = std::clamp<std::int64_t>(count / (8 * free_threads()), 1, 12);
  in_turns(count, at_once, [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t number = from; number < to; ++number) {
      const auto item = item_of(number), next = item_of(number + 1);
      detail::attend(problem, item, number + 1 < to ? &next : nullptr, out(item.image, item.head),
                     log_sums + (item.image * problem.heads + item.head) * queries);
    }
  });
}

}  // namespace axonzoo::kernels

#endif
