#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include <axonzoo/core/image.hpp>

namespace axonzoo {

/// Where a basin starts.
struct seed {
  std::int32_t row, column;
  std::int32_t label;  ///< > 0; the later of two seeds on one pixel counts
};

/// Seeded watershed with 4-neighbours: floods from the seeds in the order of falling `height` ([H, W], >= 0), within the pixels
/// where `inside` is not 0, and gives each reached pixel its seed's label, the others 0. Seeds that lie outside are dropped.
///
/// The order is that of scikit-image's `watershed(-height, markers, mask=inside)`: by value, then by age. Its seeds all have
/// the same age, and the order of those with one value is what its binary heap happens to make of them, which decides pixels
/// halfway between two seeds. So the same heap runs here until the last seed has left it; from there on ages are all
/// different, and queues of one level each, much faster, give the same order. Linear in memory: one int32 a pixel.
instance_image watershed(const xt::xtensor<std::int32_t, 2>& height, const std::vector<seed>& seeds, const label_image& inside);

namespace detail {

/// A pixel that waits to hand its label on. `order` is its height, highest first, then its age, oldest first: smaller is
/// sooner. Seeds have age 0. 36 bits count 6.8e10 pixels; heights beyond 2^28 (16,384 px squared) are taken for equal.
struct flood_item {
  std::uint64_t order;
  std::size_t pixel;

  static constexpr unsigned age_bits = 36;
  static constexpr std::int32_t highest = (1 << (64 - age_bits)) - 1;

  flood_item(std::int32_t height, std::uint64_t age, std::size_t where)
      : order(static_cast<std::uint64_t>(highest - std::min(height, highest)) << age_bits | age), pixel(where) {}
  std::int32_t height() const { return highest - static_cast<std::int32_t>(order >> age_bits); }
  bool is_seed() const { return (order & ((std::uint64_t{1} << age_bits) - 1)) == 0; }
};

/// Binary heap whose order among equals is that of the textbook sift with swaps: children are preferred only when strictly
/// smaller, the left one first.
class flood_heap {
 public:
  bool empty() const { return items_.empty(); }
  const flood_item& top() const { return items_.front(); }

  void push(flood_item item) {
    std::size_t child = items_.size();
    items_.push_back(item);
    while (child > 0) {
      const std::size_t parent = (child - 1) / 2;
      if (!(item.order < items_[parent].order)) break;
      items_[child] = items_[parent];
      child = parent;
    }
    items_[child] = item;
  }

  flood_item pop() {
    const flood_item top = items_.front(), item = items_.back();
    items_.pop_back();
    const std::size_t size = items_.size();
    if (size == 0) return top;
    std::size_t hole = 0;
    for (std::size_t left = 1; left < size; left = 2 * hole + 1) {
      const std::size_t right = left + 1;
      std::size_t smallest = hole;
      std::uint64_t order = item.order;
      if (items_[left].order < order) order = items_[smallest = left].order;
      if (right < size && items_[right].order < order) smallest = right;
      if (smallest == hole) break;
      items_[hole] = items_[smallest];
      hole = smallest;
    }
    items_[hole] = item;
    return top;
  }

  std::vector<flood_item> take_sorted() {
    std::sort(items_.begin(), items_.end(), [](const flood_item& a, const flood_item& b) { return a.order < b.order; });
    return std::move(items_);
  }

 private:
  std::vector<flood_item> items_;
};

/// The image under flood. One int32 a pixel says all: > 0 its label, 0 outside, < 0 free with height -(state + 1). One column
/// and two rows of zeros stand for what lies beyond the border.
class flood_state {
 public:
  flood_state(const xt::xtensor<std::int32_t, 2>& height, const label_image& inside)
      : rows_(height.shape(0)), columns_(height.shape(1)), stride_(columns_ + 1), state_((rows_ + 2) * stride_ + 1, 0) {
    for (std::size_t y = 0; y < rows_; ++y) {
      const std::int32_t* from = height.data() + y * columns_;
      const std::uint8_t* keep = inside.data() + y * columns_;
      std::int32_t* to = state_.data() + at(y, 0);
      for (std::size_t x = 0; x < columns_; ++x) to[x] = keep[x] != 0 ? -1 - std::min(from[x], highest) : 0;
    }
  }

  std::size_t at(std::size_t row, std::size_t column) const { return (row + 1) * stride_ + column + 1; }
  std::int32_t& operator[](std::size_t pixel) { return state_[pixel]; }

  /// Labels the free neighbours of `pixel` in scikit-image's order and reports each with its height.
  template <class Report>
  void flood_neighbours(std::size_t pixel, Report report) {
    const std::int32_t label = state_[pixel];
    for (const std::size_t neighbour : {pixel - stride_, pixel - 1, pixel + 1, pixel + stride_}) {
      const std::int32_t state = state_[neighbour];
      if (state >= 0) continue;
      state_[neighbour] = label;
      report(neighbour, -1 - state);
    }
  }

  instance_image labels() const {
    instance_image out = instance_image::from_shape({rows_, columns_});
    for (std::size_t y = 0; y < rows_; ++y) {
      const std::int32_t* from = state_.data() + at(y, 0);
      std::int32_t* to = out.data() + y * columns_;
      for (std::size_t x = 0; x < columns_; ++x) to[x] = std::max(from[x], 0);
    }
    return out;
  }

  static constexpr std::int32_t highest = 0x7ffffffe;

 private:
  std::size_t rows_, columns_, stride_;
  std::vector<std::int32_t> state_;
};

}  // namespace detail

inline instance_image watershed(const xt::xtensor<std::int32_t, 2>& height, const std::vector<seed>& seeds,
                                const label_image& inside) {
  detail::flood_state state(height, inside);

  struct start {
    std::size_t pixel;
    std::int32_t label;
  };
  std::vector<start> starts;
  for (const auto& s : seeds) {
    const std::size_t pixel = state.at(s.row, s.column);
    if (state[pixel] != 0) starts.push_back({pixel, s.label});
  }
  std::stable_sort(starts.begin(), starts.end(), [](const start& a, const start& b) { return a.pixel < b.pixel; });

  detail::flood_heap heap;
  std::size_t waiting = 0;  // seeds still in the heap
  for (std::size_t i = 0; i < starts.size(); ++i) {
    if (i + 1 < starts.size() && starts[i + 1].pixel == starts[i].pixel) continue;
    heap.push({-1 - state[starts[i].pixel], 0, starts[i].pixel});
    state[starts[i].pixel] = starts[i].label;
    ++waiting;
  }

  std::uint64_t age = 0;
  constexpr std::int32_t most_queues = 1 << 20;
  while (waiting > 0 || (!heap.empty() && heap.top().height() >= most_queues)) {
    const detail::flood_item item = heap.pop();
    if (item.is_seed()) --waiting;
    state.flood_neighbours(item.pixel, [&](std::size_t neighbour, std::int32_t h) {
      heap.push({std::min(h, item.height()), ++age, neighbour});
    });
  }

  // What is left, level by level from the highest; within a level first in, first out.
  std::vector<std::vector<std::size_t>> levels(heap.empty() ? 0 : static_cast<std::size_t>(heap.top().height()) + 1);
  for (const auto& item : heap.take_sorted()) levels[static_cast<std::size_t>(item.height())].push_back(item.pixel);
  std::vector<std::size_t> wave, next;
  for (std::size_t level = levels.size(); level-- > 0;) {
    for (wave.swap(levels[level]); !wave.empty(); wave.swap(next)) {
      next.clear();
      for (const std::size_t pixel : wave) {
        state.flood_neighbours(pixel, [&](std::size_t neighbour, std::int32_t h) {
          const std::size_t to = std::min(static_cast<std::size_t>(h), level);
          (to == level ? next : levels[to]).push_back(neighbour);
        });
      }
    }
    levels[level] = {};
  }
  return state.labels();
}

}  // namespace axonzoo
