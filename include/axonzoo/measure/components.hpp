#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <vector>

#include <axonzoo/core/image.hpp>
#include <axonzoo/measure/runs.hpp>

namespace axonzoo {

/// Which pixels are neighbours: those that share a side, or a corner too.
enum class connectivity { four, eight };

/// The components of the pixels of `labels` ([H, W]) that equal `value`. They are numbered from 1 by their first pixel in raster
/// order, as scikit-image's `label` numbers them.
std::vector<instance_run> component_runs(const label_image& labels, std::uint8_t value, connectivity joined = connectivity::eight);

/// The same, painted: [H, W], 0 elsewhere.
instance_image connected_components(const label_image& labels, std::uint8_t value);

namespace detail {

inline std::int32_t find_root(std::vector<std::int32_t>& parent, std::int32_t node) {
  while (parent[node] != node) node = parent[node] = parent[parent[node]];
  return node;
}

/// Runs of `value` in a row; the instance is the run's own number for now.
inline void find_runs(const std::uint8_t* pixels, std::int32_t row, std::int32_t width, std::uint8_t value,
                      std::vector<instance_run>& runs) {
  std::int32_t x = 0;
  while (x < width) {
    const void* start = std::memchr(pixels + x, value, static_cast<std::size_t>(width - x));
    if (start == nullptr) return;
    const auto begin = static_cast<std::int32_t>(static_cast<const std::uint8_t*>(start) - pixels);
    for (x = begin + 1; x < width && pixels[x] == value; ++x) {
    }
    runs.push_back({row, begin, x, static_cast<std::int32_t>(runs.size())});
  }
}

}  // namespace detail

inline std::vector<instance_run> component_runs(const label_image& labels, std::uint8_t value, connectivity joined) {
  const std::int32_t reach = joined == connectivity::eight ? 1 : 0;  // how far beyond a run's ends its neighbours begin
  const auto height = static_cast<std::int32_t>(labels.shape(0)), width = static_cast<std::int32_t>(labels.shape(1));
  std::vector<instance_run> runs;
  std::vector<std::int32_t> parent;
  std::size_t above = 0, above_end = 0;  // runs of the row above
  for (std::int32_t y = 0; y < height; ++y) {
    const std::size_t first = runs.size();
    detail::find_runs(labels.data() + static_cast<std::size_t>(y) * width, y, width, value, runs);
    parent.resize(runs.size());
    std::iota(parent.begin() + first, parent.end(), static_cast<std::int32_t>(first));
    for (std::size_t r = first; r < runs.size(); ++r) {
      while (above < above_end && runs[above].end + reach <= runs[r].begin) ++above;
      for (std::size_t a = above; a < above_end && runs[a].begin < runs[r].end + reach; ++a) {
        const auto one = detail::find_root(parent, static_cast<std::int32_t>(a));
        const auto other = detail::find_root(parent, static_cast<std::int32_t>(r));
        // The smaller root is the earlier run, so that a root is its component's first run.
        (one < other ? parent[other] : parent[one]) = one < other ? one : other;
      }
    }
    above = first;
    above_end = runs.size();
  }
  std::int32_t components = 0;
  std::vector<std::int32_t> number(runs.size());
  for (std::size_t r = 0; r < runs.size(); ++r) {
    const auto root = detail::find_root(parent, static_cast<std::int32_t>(r));
    number[r] = root == static_cast<std::int32_t>(r) ? ++components : number[root];
    runs[r].instance = number[r];
  }
  return runs;
}

inline instance_image connected_components(const label_image& labels, std::uint8_t value) {
  return paint(component_runs(labels, value), labels.shape(0), labels.shape(1));
}

}  // namespace axonzoo
