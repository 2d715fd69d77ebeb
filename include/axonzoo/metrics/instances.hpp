#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/metrics/matching.hpp>

namespace axonzoo {

/// What the instances of a prediction and of a manual mask have in common. Sparse: only pairs that share pixels are held.
struct instance_overlaps {
  struct pair {
    std::size_t manual, predicted;  ///< positions in the two lists of areas
    std::uint64_t pixels;           ///< shared
  };
  std::vector<std::uint64_t> manual_areas, predicted_areas;  ///< pixels of each instance, in the order of its number
  std::vector<pair> pairs;

  double iou(const pair& p) const {
    return static_cast<double>(p.pixels) /
           static_cast<double>(manual_areas[p.manual] + predicted_areas[p.predicted] - p.pixels);
  }
};

/// Detection of instances: a manual and a predicted instance agree where their IoU reaches a threshold.
struct detection {
  double precision = 1;  ///< detected / predicted instances
  double recall = 1;     ///< detected / manual instances
  double f1 = 1;         ///< 2 detected / (predicted + manual instances)
};

/// One pass over two instance images of one shape [H, W] (0 is background; numbers may have gaps). Throws `error` on other sizes.
instance_overlaps count_overlaps(const instance_image& predicted, const instance_image& manual);

/// The IoU of each manual instance with its partner under the one-to-one matching that has the largest sum of IoU; 0 without.
std::vector<double> matched_iou(const instance_overlaps& overlaps);

/// The mean of such IoUs; where there is no manual instance, 1 if nothing was predicted either, else 0.
double mean_iou(const std::vector<double>& of_manual_instances, std::size_t predicted_instances);

/// Matches one to one such that as many pairs as possible reach `threshold` (> 0), as ASTIH's evaluation does. Nothing predicted
/// where nothing is manual scores 1, every other ratio with an empty denominator 0.
detection detect(const instance_overlaps& overlaps, double threshold = 0.3);

namespace detail {

/// Areas by instance number, gaps closed; `position[number]` is where it went.
inline std::vector<std::uint64_t> close_gaps(const std::vector<std::uint64_t>& area_of, std::vector<std::size_t>& position) {
  std::vector<std::uint64_t> areas;
  position.resize(area_of.size());
  for (std::size_t number = 1; number < area_of.size(); ++number) {
    position[number] = areas.size();
    if (area_of[number] > 0) areas.push_back(area_of[number]);
  }
  return areas;
}

inline void add_area(std::vector<std::uint64_t>& area_of, std::int32_t number, std::uint64_t pixels) {
  if (number <= 0) return;
  const auto at = static_cast<std::size_t>(number);
  if (area_of.size() <= at) area_of.resize(std::max(at + 1, 2 * area_of.size()), 0);
  area_of[at] += pixels;
}

}  // namespace detail

inline instance_overlaps count_overlaps(const instance_image& predicted, const instance_image& manual) {
  if (predicted.shape() != manual.shape()) {
    throw error("cannot match instances", "the prediction and the manual mask differ in size", "compare masks of the same image");
  }
  std::vector<std::uint64_t> predicted_area, manual_area;
  std::unordered_map<std::uint64_t, std::uint64_t> shared;
  const std::int32_t *p = predicted.data(), *m = manual.data();
  for (std::size_t i = 0, size = predicted.size(); i < size;) {
    const std::int32_t here = p[i], there = m[i];
    const std::size_t begin = i;
    while (i < size && p[i] == here && m[i] == there) ++i;
    detail::add_area(predicted_area, here, i - begin);
    detail::add_area(manual_area, there, i - begin);
    if (here > 0 && there > 0) {
      shared[static_cast<std::uint64_t>(there) << 32 | static_cast<std::uint32_t>(here)] += i - begin;
    }
  }

  instance_overlaps found;
  std::vector<std::size_t> manual_position, predicted_position;
  found.manual_areas = detail::close_gaps(manual_area, manual_position);
  found.predicted_areas = detail::close_gaps(predicted_area, predicted_position);
  found.pairs.reserve(shared.size());
  for (const auto& [key, pixels] : shared) {
    found.pairs.push_back({manual_position[key >> 32], predicted_position[key & 0xffffffffu], pixels});
  }
  // The order of a hash table differs between machines; ties in the matching must not.
  std::sort(found.pairs.begin(), found.pairs.end(), [](const auto& a, const auto& b) {
    return std::pair(a.manual, a.predicted) < std::pair(b.manual, b.predicted);
  });
  return found;
}

inline std::vector<double> matched_iou(const instance_overlaps& overlaps) {
  std::vector<candidate_pair> candidates;
  candidates.reserve(overlaps.pairs.size());
  for (const auto& pair : overlaps.pairs) candidates.push_back({pair.manual, pair.predicted, overlaps.iou(pair)});
  std::vector<double> iou(overlaps.manual_areas.size(), 0);
  const auto partner = best_matching(candidates, overlaps.manual_areas.size(), overlaps.predicted_areas.size());
  for (std::size_t i = 0; i < iou.size(); ++i) {
    if (partner[i] != unmatched) iou[i] = candidates[partner[i]].weight;
  }
  return iou;
}

inline double mean_iou(const std::vector<double>& of_manual_instances, std::size_t predicted_instances) {
  if (of_manual_instances.empty()) return predicted_instances == 0 ? 1 : 0;
  double sum = 0;
  for (const double iou : of_manual_instances) sum += iou;
  return sum / static_cast<double>(of_manual_instances.size());
}

inline detection detect(const instance_overlaps& overlaps, double threshold) {
  if (!(threshold > 0 && threshold <= 1)) {
    throw error("cannot count detected instances", "the threshold " + std::to_string(threshold) + " is no IoU",
                "give a threshold above 0 and up to 1");
  }
  const std::size_t manual = overlaps.manual_areas.size(), predicted = overlaps.predicted_areas.size();
  if (manual + predicted == 0) return {};
  std::vector<candidate_pair> candidates;
  for (const auto& pair : overlaps.pairs) {
    if (overlaps.iou(pair) >= threshold) candidates.push_back({pair.manual, pair.predicted, 1});
  }
  const auto partner = best_matching(candidates, manual, predicted);
  const auto detected = static_cast<double>(partner.size() - std::count(partner.begin(), partner.end(), unmatched));
  return {predicted == 0 ? 0 : detected / static_cast<double>(predicted),
          manual == 0 ? 0 : detected / static_cast<double>(manual),
          2 * detected / static_cast<double>(manual + predicted)};
}

}  // namespace axonzoo
