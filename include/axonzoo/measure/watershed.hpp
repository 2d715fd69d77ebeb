#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <axonzoo/core/image.hpp>
#include <axonzoo/measure/flood.hpp>
#include <axonzoo/measure/runs.hpp>

namespace axonzoo {

/// Where a basin starts.
struct seed {
  std::int32_t row, column;
  std::int32_t label;  ///< > 0; the later of two seeds on one pixel counts
};

/// Which of two seeds of one height floods first.
enum class seed_order {
  scikit_image,  ///< what its binary heap makes of all seeds of the image
  raster         ///< the upper, then the left one: faster, and the same for a part of an image as for the whole
};

/// Seeded watershed with 4-neighbours: floods from the seeds in the order of falling `height` ([H, W], >= 0), within the pixels
/// where `inside` is not 0, and gives each reached pixel its seed's label, the others 0. Seeds that lie outside are dropped.
///
/// The order is that of scikit-image's `watershed(-height, markers, mask=inside)`: by value, then by age. Its seeds all have
/// the same age, and the order of those with one value is what its binary heap happens to make of them, which decides pixels
/// halfway between two seeds. So the same heap runs here until the last seed has left it, unless `order` says otherwise; from
/// there on ages are all different, and first-in-first-out queues of one height each, much faster, give the same order.
instance_image watershed(const xt::xtensor<std::int32_t, 2>& height, const std::vector<seed>& seeds, const label_image& inside,
                         seed_order order = seed_order::scikit_image);

namespace detail {

/// Puts the seeds that lie inside into the heap, in raster order; returns how many. Their ages are all 0, or rise from 1.
inline std::size_t start_flood(flood_state& state, const std::vector<seed>& seeds, flood_heap& heap, bool ages) {
  struct start {
    std::uint32_t pixel;
    std::int32_t label;
  };
  std::vector<start> starts;
  for (const auto& s : seeds) {
    const std::size_t pixel = state.at(static_cast<std::size_t>(s.row), static_cast<std::size_t>(s.column));
    if (state[pixel] != 0) starts.push_back({static_cast<std::uint32_t>(pixel), s.label});
  }
  std::stable_sort(starts.begin(), starts.end(), [](const start& a, const start& b) { return a.pixel < b.pixel; });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < starts.size(); ++i) {
    if (i + 1 < starts.size() && starts[i + 1].pixel == starts[i].pixel) continue;
    ++kept;
    heap.push({-1 - state[starts[i].pixel], ages ? kept : 0, starts[i].pixel});
    state[starts[i].pixel] = starts[i].label;
  }
  return kept;
}

/// Floods `levels`, lists of pixels by height, from the highest down.
inline void flood_levels(flood_state& state, std::vector<std::vector<std::uint32_t>>& levels) {
  constexpr std::size_t ahead = 24;
  std::vector<std::uint32_t> wave, next;
  for (std::size_t level = levels.size(); level-- > 0;) {
    for (wave.swap(levels[level]); !wave.empty(); wave.swap(next)) {
      next.clear();
      for (std::size_t i = 0; i < wave.size(); ++i) {
        if (i + ahead < wave.size()) state.prefetch(wave[i + ahead]);
        state.flood_neighbours(wave[i], [&](std::uint32_t neighbour, std::int32_t height) {
          const std::size_t to = std::min(static_cast<std::size_t>(height), level);
          (to == level ? next : levels[to]).push_back(neighbour);
        });
      }
    }
    levels[level] = {};
  }
}

inline void flood(flood_state& state, const std::vector<seed>& seeds, seed_order order) {
  constexpr std::int32_t most_levels = 1 << 20;  // above, a queue for each height would take more memory than the heap
  flood_heap heap;
  const bool ages = order == seed_order::raster;
  const std::size_t started = start_flood(state, seeds, heap, ages);
  std::size_t waiting = ages ? 0 : started;
  std::uint64_t age = ages ? started : 0;
  while (waiting > 0 || (!heap.empty() && heap.top().height() >= most_levels)) {
    const flood_item item = heap.pop();
    if (waiting > 0 && item.is_seed()) --waiting;
    state.flood_neighbours(item.pixel, [&](std::uint32_t neighbour, std::int32_t height) {
      heap.push({std::min(height, item.height()), ++age, neighbour});
    });
  }
  if (heap.empty()) return;
  std::vector<std::vector<std::uint32_t>> levels(static_cast<std::size_t>(heap.top().height()) + 1);
  for (const auto& item : heap.take_sorted()) levels[static_cast<std::size_t>(item.height())].push_back(item.pixel);
  flood_levels(state, levels);
}

}  // namespace detail

inline instance_image watershed(const xt::xtensor<std::int32_t, 2>& height, const std::vector<seed>& seeds,
                                const label_image& inside, seed_order order) {
  const std::size_t rows = height.shape(0), columns = height.shape(1);
  detail::flood_state state(rows, columns);
  for (std::size_t y = 0; y < rows; ++y) std::copy_n(height.data() + y * columns, columns, state.row(y));
  state.free_where([&](std::size_t y, std::size_t x) { return inside.data()[y * columns + x] != 0; });
  detail::flood(state, seeds, order);
  return paint(state.runs(), rows, columns);
}

}  // namespace axonzoo
