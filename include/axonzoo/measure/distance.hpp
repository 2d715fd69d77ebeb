#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include <axonzoo/core/image.hpp>

namespace axonzoo {

/// The exact squared Euclidean distance, in pixels, from each pixel of class `value` to the nearest pixel of another class,
/// [H, W]; 0 on the other classes. Outside the image there is nothing, as in SciPy's `distance_transform_edt`. Where all pixels
/// are `value` there is no distance: every pixel holds `no_distance`.
///
/// Meijster et al. 2000, "A general algorithm for computing distance transforms in linear time". Only runs of `value` are
/// visited in the row pass: the pixels that end a run are nearer than all beyond them.
xt::xtensor<std::int32_t, 2> squared_distance(const label_image& labels, std::uint8_t value);

inline constexpr std::int32_t no_distance = std::numeric_limits<std::int32_t>::max();

namespace detail {

/// Lower envelope of the parabolas (x - s)^2 + depth(s)^2 over the sites s of a run and the zeros that end it.
class row_envelope {
 public:
  /// Overwrites [begin, end) of `row`, which holds depths in the column direction, with squared distances.
  void replace(std::int32_t* row, std::int64_t begin, std::int64_t end, std::int64_t width) {
    sites_.clear();
    if (begin > 0) add({begin - 1, 0});
    for (std::int64_t x = begin; x < end; ++x) {
      if (row[x] != no_distance) add({x, static_cast<std::int64_t>(row[x]) * row[x]});
    }
    if (end < width) add({end, 0});
    std::size_t s = 0;
    for (std::int64_t x = begin; x < end; ++x) {
      if (sites_.empty()) {
        row[x] = no_distance;
        continue;
      }
      while (s + 1 < sites_.size() && sites_[s + 1].from <= x) ++s;
      const std::int64_t step = x - sites_[s].x;
      row[x] = static_cast<std::int32_t>(std::min<std::int64_t>(step * step + sites_[s].squared, no_distance - 1));
    }
  }

 private:
  struct site {
    std::int64_t x, squared;
    std::int64_t from = std::numeric_limits<std::int64_t>::min();  ///< the first pixel at which this site is the nearest
  };

  void add(site next) {
    while (!sites_.empty()) {
      const site& last = sites_.back();
      // The first whole x at which `next` is strictly nearer than `last`.
      const std::int64_t numerator = next.x * next.x - last.x * last.x + next.squared - last.squared;
      const std::int64_t denominator = 2 * (next.x - last.x);
      const std::int64_t floor = numerator >= 0 ? numerator / denominator : -((-numerator + denominator - 1) / denominator);
      next.from = floor + 1;
      if (next.from > last.from) break;
      sites_.pop_back();
    }
    if (sites_.empty()) next.from = std::numeric_limits<std::int64_t>::min();
    sites_.push_back(next);
  }

  std::vector<site> sites_;
};

/// `squared_distance` into rows that lie `stride` apart.
inline void write_squared_distance(const label_image& labels, std::uint8_t value, std::int32_t* distance, std::size_t stride) {
  const std::size_t height = labels.shape(0), width = labels.shape(1);
  const auto deeper = [](std::int32_t depth) {  // saturates: no_distance stays
    return std::min(static_cast<std::uint32_t>(depth) + 1u, static_cast<std::uint32_t>(no_distance));
  };
  for (std::size_t y = 0; y < height; ++y) {
    const std::uint8_t* label = labels.data() + y * width;
    std::int32_t* row = distance + y * stride;
    const std::int32_t* above = row - (y == 0 ? 0 : stride);
    for (std::size_t x = 0; x < width; ++x) {
      const auto depth = y == 0 ? no_distance : static_cast<std::int32_t>(deeper(above[x]));
      row[x] = label[x] == value ? depth : 0;
    }
  }
  row_envelope envelope;
  const auto finish_row = [&](std::size_t y) {
    const std::uint8_t* label = labels.data() + y * width;
    for (std::size_t x = 0; x < width; ++x) {
      const void* start = std::memchr(label + x, value, width - x);
      if (start == nullptr) return;
      const auto begin = static_cast<std::size_t>(static_cast<const std::uint8_t*>(start) - label);
      for (x = begin; x < width && label[x] == value;) ++x;
      envelope.replace(distance + y * stride, begin, x, width);
    }
  };
  for (std::size_t y = height; y-- > 0;) {
    std::int32_t* row = distance + y * stride;
    if (y + 1 < height) {
      const std::int32_t* below = row + stride;  // still depths: a row is finished after the row above it was read
      for (std::size_t x = 0; x < width; ++x) {
        row[x] = static_cast<std::int32_t>(std::min(static_cast<std::uint32_t>(row[x]), deeper(below[x])));
      }
      finish_row(y + 1);
    }
  }
  if (height > 0) finish_row(0);
}

}  // namespace detail

inline xt::xtensor<std::int32_t, 2> squared_distance(const label_image& labels, std::uint8_t value) {
  xt::xtensor<std::int32_t, 2> distance = xt::xtensor<std::int32_t, 2>::from_shape(labels.shape());
  detail::write_squared_distance(labels, value, distance.data(), labels.shape(1));
  return distance;
}

}  // namespace axonzoo
