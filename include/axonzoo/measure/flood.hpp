#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <sys/mman.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/measure/runs.hpp>

// The machinery of measure/watershed.hpp.
namespace axonzoo::detail {

/// A pixel that waits to hand its label on. `order` is its height, highest first, then its age, oldest first: smaller is
/// sooner. Seeds have age 0. 36 bits count 6.8e10 pixels; heights beyond 2^28 (16,384 px squared) are taken for equal.
struct flood_item {
  std::uint64_t order;
  std::uint32_t pixel;

  static constexpr unsigned age_bits = 36;
  static constexpr std::int32_t highest = (1 << (64 - age_bits)) - 1;

  flood_item(std::int32_t height, std::uint64_t age, std::uint32_t where)
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

/// The image under flood. One int32 a pixel says all: > 0 its label, 0 outside, < 0 free with height -(state + 1). A column and
/// two rows of zeros stand for what lies beyond the border. Held in huge pages: a flood jumps about, and a fault or a missed
/// translation costs more than a pixel.
class flood_state {
 public:
  flood_state(std::size_t rows, std::size_t columns) : rows_(rows), columns_(columns), stride_(columns + 1) {
    const std::size_t size = (rows_ + 2) * stride_ + 1;
    if (size > std::numeric_limits<std::uint32_t>::max()) {
      throw error("cannot split fibres", std::to_string(rows) + " x " + std::to_string(columns) + " px are more than 2^32",
                  "cut the mask into parts");
    }
    constexpr std::size_t huge = std::size_t{1} << 21;
    const std::size_t bytes = (size * sizeof(std::int32_t) + huge - 1) / huge * huge;
    state_.reset(static_cast<std::int32_t*>(bytes > huge ? std::aligned_alloc(huge, bytes) : std::malloc(bytes)));
    if (!state_) throw std::bad_alloc();
    if (bytes > huge) ::madvise(state_.get(), bytes, MADV_HUGEPAGE);
    std::memset(state_.get(), 0, stride_ * sizeof(std::int32_t));
    for (std::size_t y = 0; y <= rows_; ++y) row(y)[-1] = 0;
    std::memset(row(rows_), 0, stride_ * sizeof(std::int32_t));
  }

  std::size_t stride() const { return stride_; }
  std::int32_t* row(std::size_t y) { return state_.get() + at(y, 0); }
  std::size_t at(std::size_t y, std::size_t x) const { return (y + 1) * stride_ + x + 1; }
  std::int32_t& operator[](std::size_t pixel) { return state_.get()[pixel]; }

  /// Turns heights (>= 0) that stand in the rows into free pixels, where `inside(y, x)`, and the rest into outside.
  template <class Inside>
  void free_where(Inside inside) {
    for (std::size_t y = 0; y < rows_; ++y) {
      std::int32_t* state = row(y);
      for (std::size_t x = 0; x < columns_; ++x) state[x] = inside(y, x) ? -1 - std::min(state[x], flood_item::highest) : 0;
    }
  }

  /// Labels the free neighbours of `pixel` in scikit-image's order and reports each with its height.
  template <class Report>
  void flood_neighbours(std::uint32_t pixel, Report report) {
    std::int32_t* const state = state_.get();
    const std::int32_t label = state[pixel];
    const auto stride = static_cast<std::uint32_t>(stride_);
    for (const std::uint32_t neighbour : {pixel - stride, pixel - 1, pixel + 1, pixel + stride}) {
      const std::int32_t height = -1 - state[neighbour];
      if (height < 0) continue;
      state[neighbour] = label;
      report(neighbour, height);
    }
  }

  void prefetch(std::uint32_t pixel) const {
    const std::int32_t* at = state_.get() + pixel;
    __builtin_prefetch(at - stride_, 1);
    __builtin_prefetch(at, 1);
    __builtin_prefetch(at + stride_, 1);
  }

  std::vector<instance_run> runs() {
    std::vector<instance_run> found;
    for (std::size_t y = 0; y < rows_; ++y) {
      append_runs(row(y), static_cast<std::int32_t>(y), static_cast<std::int32_t>(columns_), found);
    }
    return found;
  }

 private:
  struct release {
    void operator()(std::int32_t* block) const { std::free(block); }
  };
  std::size_t rows_, columns_, stride_;
  std::unique_ptr<std::int32_t[], release> state_;
};

}  // namespace axonzoo::detail
