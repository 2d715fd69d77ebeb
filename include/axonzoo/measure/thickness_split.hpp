#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <queue>
#include <vector>

#include <axonzoo/core/image.hpp>
#include <axonzoo/measure/runs.hpp>

namespace axonzoo {

/// Fibres of the axons (runs of `component_runs`) in `labels` [H, W], touching sheaths split by shape: a sheath is as thick where it touches as where it
/// does not. Each axon's thickness is the median, over the outer rim of its sheath that borders on background, of the distance to the axon;
/// then each pixel of myelin goes to the axon from which it is the least share of that thickness away, along paths within axon and
/// myelin. An axon whose sheath touches others all around takes the median of the image. A fibre bears its axon's number, and every axon has one.
std::vector<instance_run> split_by_thickness(const label_image& labels, const std::vector<instance_run>& axons, std::uint8_t myelin);

namespace detail {

/// Myelin by the axon that is nearest, in units of the axon's thickness: `of` and `distance` (px) are filled from the axons outward.
inline void grow_sheaths(const label_image& labels, std::uint8_t myelin, const std::vector<float>& thickness, instance_image& of, std::vector<float>& distance) {
  struct step {
    float cost;
    std::uint32_t pixel, source;
    bool operator<(const step& other) const { return cost != other.cost ? cost > other.cost : pixel > other.pixel; }
  };
  const auto height = labels.shape(0), width = labels.shape(1);
  std::priority_queue<step> open;
  const auto spread = [&](std::size_t pixel, std::size_t source) {
    const std::size_t y = pixel / width, x = pixel % width;
    const auto number = static_cast<std::size_t>(of.data()[source]);
    const auto visit = [&](std::size_t v, std::size_t u) {
      const std::size_t to = v * width + u;
      if (labels.data()[to] != myelin || of.data()[to] != 0) return;
      const float dy = static_cast<float>(v) - static_cast<float>(source / width), dx = static_cast<float>(u) - static_cast<float>(source % width);
      open.push({std::sqrt(dy * dy + dx * dx) / thickness[number], static_cast<std::uint32_t>(to), static_cast<std::uint32_t>(source)});
    };
    if (y > 0) visit(y - 1, x);
    if (x > 0) visit(y, x - 1);
    if (x + 1 < width) visit(y, x + 1);
    if (y + 1 < height) visit(y + 1, x);
  };
  for (std::size_t pixel = 0; pixel < of.size(); ++pixel)
    if (of.data()[pixel] != 0) spread(pixel, pixel);
  while (!open.empty()) {
    const step next = open.top();
    open.pop();
    if (of.data()[next.pixel] != 0) continue;
    of.data()[next.pixel] = of.data()[next.source];
    distance[next.pixel] = next.cost * thickness[static_cast<std::size_t>(of.data()[next.source])];
    spread(next.pixel, next.source);
  }
}

inline float median_of(std::vector<float>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Median distance from each axon (by number) to the free rim of its sheath, in px.
inline std::vector<float> sheath_thickness(const label_image& labels, std::uint8_t myelin, const instance_image& of, const std::vector<float>& distance, std::size_t axons) {
  const auto height = labels.shape(0), width = labels.shape(1);
  std::vector<std::vector<float>> rims(axons + 1);
  std::vector<float> all;
  for (std::size_t y = 1; y + 1 < height; ++y)
    for (std::size_t x = 1; x + 1 < width; ++x) {
      const std::size_t at = y * width + x;
      if (labels.data()[at] != myelin || of.data()[at] == 0) continue;
      const auto free = [&](std::size_t to) { return of.data()[to] == 0; };
      if (!free(at - width) && !free(at - 1) && !free(at + 1) && !free(at + width)) continue;
      rims[static_cast<std::size_t>(of.data()[at])].push_back(distance[at]);
      all.push_back(distance[at]);
    }
  const float usual = all.empty() ? 1.f : std::max(1.f, median_of(all));
  std::vector<float> thickness(axons + 1, usual);
  for (std::size_t i = 1; i <= axons; ++i)
    if (!rims[i].empty()) thickness[i] = std::max(1.f, median_of(rims[i]));
  return thickness;
}

}  // namespace detail

inline std::vector<instance_run> split_by_thickness(const label_image& labels, const std::vector<instance_run>& axons, std::uint8_t myelin) {
  std::size_t count = 0;
  for (const auto& run : axons) count = std::max(count, static_cast<std::size_t>(run.instance));
  const auto bare = paint(axons, labels.shape(0), labels.shape(1));
  std::vector<float> thickness(count + 1, 1.f), distance(labels.size());
  // What was split half-way is told apart better once thicknesses are known, and gives better thicknesses in turn.
  for (int round = 0; round < 2; ++round) {
    auto of = bare;
    detail::grow_sheaths(labels, myelin, thickness, of, distance);
    thickness = detail::sheath_thickness(labels, myelin, of, distance, count);
  }
  auto of = bare;
  detail::grow_sheaths(labels, myelin, thickness, of, distance);
  return runs_of(of);
}

}  // namespace axonzoo
