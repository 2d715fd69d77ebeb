#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include <axonzoo/core/image.hpp>
#include <axonzoo/measure/distance.hpp>
#include <axonzoo/measure/flood.hpp>
#include <axonzoo/measure/runs.hpp>
#include <axonzoo/measure/watershed.hpp>

namespace axonzoo::detail {

/// Fibres of some rows of an image, and which of them may not be what they are in the whole image.
struct windowed_fibres {
  std::vector<instance_run> runs;      ///< rows count from the window's first; instances are the seeds' labels
  std::vector<std::int32_t> doubtful;  ///< sorted; 0 where a pixel without a fibre is doubtful
};

/// The watershed of `fibre_runs` with ties in raster order, in a window of rows with all columns. `cut_above` and `cut_below` say
/// that the image goes on there. `open` are runs of the axons that a cut divides, whose depth is unknown.
///
/// Beyond an axon's own pixels the flood is a breadth-first search, so what happens outside the window reaches a pixel not before
/// as many waves as it lies from the cut, and takes it only if the window's own flood has not by then. A second search from the
/// cuts and from divided axons, that stops where it comes too late, finds every pixel that may change; their fibres are doubtful.
/// Fibres without such a pixel are whole and exact: floods from outside can take pixels and never give any.
class flood_window {
 public:
  flood_window(const label_image& labels, std::uint8_t axon, std::uint8_t myelin)
      : labels_(labels), state_(labels.shape(0), labels.shape(1)), times_((labels.shape(0) + 2) * state_.stride() + 1, 0) {
    write_squared_distance(labels, axon, state_.row(0), state_.stride());
    const std::size_t width = labels.shape(1);
    state_.free_where([&](std::size_t y, std::size_t x) {
      const std::uint8_t label = labels.data()[y * width + x];
      return (label == axon) | (label == myelin);
    });
  }

  windowed_fibres flood(const std::vector<seed>& seeds, bool cut_above, bool cut_below, const std::vector<instance_run>& open) {
    spread(seeds);
    windowed_fibres found;
    taint(cut_above, cut_below, open, found.doubtful);
    found.runs = state_.runs();
    return found;
  }

 private:
  static constexpr std::uint16_t last_time = std::numeric_limits<std::uint16_t>::max(), tainted = last_time;

  /// As `detail::flood`, and notes for each pixel at height 0 in which wave it was taken, from 1; others stay 0.
  void spread(const std::vector<seed>& seeds) {
    flood_heap heap;
    std::uint64_t age = start_flood(state_, seeds, heap, true);
    constexpr std::int32_t most_levels = 1 << 20;
    while (!heap.empty() && heap.top().height() >= most_levels) {
      const flood_item item = heap.pop();
      state_.flood_neighbours(item.pixel, [&](std::uint32_t neighbour, std::int32_t height) {
        heap.push({std::min(height, item.height()), ++age, neighbour});
      });
    }
    if (heap.empty()) return;
    std::vector<std::vector<std::uint32_t>> levels(static_cast<std::size_t>(heap.top().height()) + 1);
    for (const auto& item : heap.take_sorted()) levels[static_cast<std::size_t>(item.height())].push_back(item.pixel);
    constexpr std::size_t ahead = 24;
    std::vector<std::uint32_t> wave, next;
    for (std::size_t level = levels.size(); level-- > 0;) {
      std::uint16_t time = 1;
      for (wave.swap(levels[level]); !wave.empty(); wave.swap(next)) {
        next.clear();
        if (level == 0) {
          for (const auto pixel : wave) times_[pixel] = time;
          if (time + 1 < last_time) ++time;
        }
        for (std::size_t i = 0; i < wave.size(); ++i) {
          if (i + ahead < wave.size()) state_.prefetch(wave[i + ahead]);
          state_.flood_neighbours(wave[i], [&](std::uint32_t neighbour, std::int32_t height) {
            const std::size_t to = std::min(static_cast<std::size_t>(height), level);
            (to == level ? next : levels[to]).push_back(neighbour);
          });
        }
      }
      levels[level] = {};
    }
  }

  void taint(bool cut_above, bool cut_below, const std::vector<instance_run>& open, std::vector<std::int32_t>& doubtful) {
    std::vector<std::uint32_t> wave, next;
    const auto touch = [&](std::size_t pixel) {
      times_[pixel] = tainted;
      doubtful.push_back(std::max(state_[pixel], 0));
      return static_cast<std::uint32_t>(pixel);
    };
    const std::size_t height = labels_.shape(0), width = labels_.shape(1);
    const auto touch_row = [&](std::size_t y) {
      for (std::size_t x = 0; x < width; ++x) {
        const auto pixel = state_.at(y, x);
        if (labels_.data()[y * width + x] != 0 && state_[pixel] != 0 && times_[pixel] != tainted) wave.push_back(touch(pixel));
      }
    };
    if (cut_above) touch_row(0);
    if (cut_below) touch_row(height - 1);
    for (const auto& run : open) {
      for (std::int32_t x = run.begin; x < run.end; ++x) {
        const auto pixel = state_.at(static_cast<std::size_t>(run.row), static_cast<std::size_t>(x));
        if (times_[pixel] != tainted) wave.push_back(touch(pixel));
      }
    }
    const auto stride = static_cast<std::uint32_t>(state_.stride());
    std::size_t most = std::size_t{1} << 16;
    for (std::uint32_t time = 1; !wave.empty(); ++time, wave.swap(next)) {
      next.clear();
      for (const auto pixel : wave) {
        for (const std::uint32_t neighbour : {pixel - stride, pixel - 1, pixel + 1, pixel + stride}) {
          const std::int32_t state = state_[neighbour];
          if (state == 0 || times_[neighbour] == tainted) continue;
          if (state > 0 &&
              times_[neighbour] < std::min<std::uint32_t>(time, last_time - 1)) {  // taken before the outside can be here
            doubtful.push_back(state);
            continue;
          }
          next.push_back(touch(neighbour));
        }
      }
      if (doubtful.size() > most) {
        compress(doubtful);
        most = std::max(most, 2 * doubtful.size());
      }
    }
    compress(doubtful);
  }

  static void compress(std::vector<std::int32_t>& list) {
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
  }

  const label_image& labels_;
  flood_state state_;
  std::vector<std::uint16_t> times_;
};

}  // namespace axonzoo::detail
