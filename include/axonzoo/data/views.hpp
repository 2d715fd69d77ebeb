#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <axonzoo/core/image.hpp>
#include <axonzoo/data/prompts.hpp>
#include <axonzoo/data/resample.hpp>

namespace axonzoo {

/// A square of an image as an encoder sees it; it may reach beyond the last row and column.
struct view {
  std::int64_t top = 0, left = 0, side = 0;
};

/// A view and the boxes that are asked for in it.
struct view_with_objects {
  view where;
  std::vector<std::size_t> objects;  ///< positions in the list of boxes
};

namespace detail {

inline double longest_side(const pixel_box& box) { return std::max(box.right - box.left, box.bottom - box.top) + 1; }

/// First px of squares of `side` that cover `length`, a quarter of a side apart or closer.
inline std::vector<std::int64_t> view_positions(std::int64_t length, std::int64_t side) {
  const std::int64_t last = std::max<std::int64_t>(0, length - side);
  const auto steps = static_cast<std::int64_t>(std::ceil(static_cast<double>(last) / (static_cast<double>(side) / 4)));
  std::vector<std::int64_t> positions{0};
  for (std::int64_t i = 1; i <= steps; ++i) positions.push_back(last * i / steps);
  return positions;
}

/// Whether the box lies in the view with a margin of an eighth of its size, which the image's border may cut.
inline bool sees(const view& where, const pixel_box& box, std::int64_t height, std::int64_t width) {
  const double margin = longest_side(box) / 8;
  const auto fits = [&](double first, double last, std::int64_t begin, std::int64_t length) {
    return std::max(first - margin, 0.0) >= static_cast<double>(begin) &&
           std::min(last + margin, static_cast<double>(length - 1)) <= static_cast<double>(begin + where.side - 1);
  };
  return fits(box.left, box.right, where.left, width) && fits(box.top, box.bottom, where.top, height);
}

/// Views of one side that see all of `members`, by the greedy cover: the next view is the one that sees most of what none saw yet.
inline void cover(const std::vector<pixel_box>& boxes, const std::vector<std::size_t>& members, std::int64_t height, std::int64_t width,
                  std::int64_t side, std::vector<view>& chosen) {
  std::vector<view> candidates;
  for (const auto top : view_positions(height, side)) {
    for (const auto left : view_positions(width, side)) candidates.push_back({top, left, side});
  }
  std::vector<std::vector<std::size_t>> seen(candidates.size()), seen_by(members.size());
  std::vector<std::size_t> count(candidates.size());
  for (std::size_t c = 0; c < candidates.size(); ++c) {
    for (std::size_t m = 0; m < members.size(); ++m) {
      if (!sees(candidates[c], boxes[members[m]], height, width)) continue;
      seen[c].push_back(m);
      seen_by[m].push_back(c);
    }
    count[c] = seen[c].size();
  }
  std::vector<bool> done(members.size(), false);
  for (;;) {
    const auto best = static_cast<std::size_t>(std::max_element(count.begin(), count.end()) - count.begin());
    if (count[best] == 0) return;
    chosen.push_back(candidates[best]);
    for (const auto m : seen[best]) {
      if (done[m]) continue;
      done[m] = true;
      for (const auto c : seen_by[m]) --count[c];
    }
  }
}

}  // namespace detail

/// Few views of an image of height x width that together see all boxes, each with its surroundings. Views have `side` px; boxes above half of that get
/// views of twice the side, and so on. `each_once`: a box is asked for in the one view where it lies most central; otherwise in all that see it.
inline std::vector<view_with_objects> plan_views(const std::vector<pixel_box>& boxes, std::int64_t height, std::int64_t width, std::int64_t side,
                                                 bool each_once) {
  std::vector<std::vector<std::size_t>> levels;
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    std::size_t level = 0;
    while (detail::longest_side(boxes[i]) > static_cast<double>(side << level) / 2 && side << level < std::max(height, width)) ++level;
    if (levels.size() <= level) levels.resize(level + 1);
    levels[level].push_back(i);
  }
  std::vector<view_with_objects> plan;
  for (std::size_t level = 0; level < levels.size(); ++level) {
    std::vector<view> chosen;
    detail::cover(boxes, levels[level], height, width, side << level, chosen);
    const auto first = plan.size();
    for (const auto& where : chosen) plan.push_back({where, {}});
    for (const auto i : levels[level]) {
      const double x = (boxes[i].left + boxes[i].right) / 2, y = (boxes[i].top + boxes[i].bottom) / 2;
      double nearest = INFINITY;
      std::size_t best = plan.size();
      for (auto v = first; v < plan.size(); ++v) {
        const auto& where = plan[v].where;
        if (!detail::sees(where, boxes[i], height, width)) continue;
        if (!each_once) plan[v].objects.push_back(i);
        const double half = static_cast<double>(where.side) / 2;
        const double off = std::max(std::abs(x - static_cast<double>(where.left) - half), std::abs(y - static_cast<double>(where.top) - half));
        if (off < nearest) {
          nearest = off;
          best = v;
        }
      }
      if (each_once && best < plan.size()) plan[best].objects.push_back(i);
    }
  }
  std::erase_if(plan, [](const auto& one) { return one.objects.empty(); });
  return plan;
}

/// The view's pixels [side, side, C] at the encoder's size, as LiteMedSAM and MedSAM take them: scaled to 0 ... 1 by the view's own extremes, 0 beyond the
/// image. A constant view is 0.
inline image view_pixels(const image& pixels, const view& where, std::int64_t side) {
  const auto height = static_cast<std::int64_t>(pixels.shape(0)), width = static_cast<std::int64_t>(pixels.shape(1));
  const std::size_t channels = pixels.shape(2);
  const std::int64_t rows = std::min(where.side, height - where.top), columns = std::min(where.side, width - where.left);
  image part = image::from_shape({static_cast<std::size_t>(rows), static_cast<std::size_t>(columns), channels});
  for (std::int64_t y = 0; y < rows; ++y) {
    std::copy_n(pixels.data() + ((where.top + y) * width + where.left) * static_cast<std::int64_t>(channels), columns * static_cast<std::int64_t>(channels),
                part.data() + y * columns * static_cast<std::int64_t>(channels));
  }
  const auto scaled = [&](std::int64_t length) { return std::max<std::int64_t>(1, (length * side + where.side / 2) / where.side); };
  const std::int64_t h = scaled(rows), w = scaled(columns);
  if (h != rows || w != columns) part = resample(part, static_cast<std::size_t>(h), static_cast<std::size_t>(w));
  const auto [low, high] = std::minmax_element(part.begin(), part.end());
  const float least = *low, range = *high - *low, scale = range > 0 ? 1 / range : 0;
  image made = image::from_shape({static_cast<std::size_t>(side), static_cast<std::size_t>(side), channels});
  made.fill(0);
  for (std::int64_t y = 0; y < h; ++y) {
    const float* from = part.data() + y * w * static_cast<std::int64_t>(channels);
    float* to = made.data() + y * side * static_cast<std::int64_t>(channels);
    for (std::int64_t i = 0; i < w * static_cast<std::int64_t>(channels); ++i) to[i] = (from[i] - least) * scale;
  }
  return made;
}

}  // namespace axonzoo
