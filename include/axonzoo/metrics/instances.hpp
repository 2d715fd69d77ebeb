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
#include <axonzoo/measure/runs.hpp>
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
    return static_cast<double>(p.pixels) / static_cast<double>(manual_areas[p.manual] + predicted_areas[p.predicted] - p.pixels);
  }
};

/// Detection of instances: a manual and a predicted instance agree where their IoU reaches a threshold.
struct detection {
  double precision = 1;  ///< detected / predicted instances
  double recall = 1;     ///< detected / manual instances
  double f1 = 1;         ///< 2 detected / (predicted + manual instances)
};

/// From the instances of two images of one shape, as runs; numbers may have gaps.
instance_overlaps count_overlaps(const std::vector<instance_run>& predicted, const std::vector<instance_run>& manual);

/// The same from two instance images [H, W], 0 is background. Throws `error` where they differ in size.
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

inline std::vector<std::uint64_t> areas_by_number(const std::vector<instance_run>& runs) {
  std::vector<std::uint64_t> areas;
  for (const auto& run : runs) {
    const auto number = static_cast<std::size_t>(run.instance);
    if (areas.size() <= number) areas.resize(2 * number + 1, 0);
    areas[number] += static_cast<std::uint64_t>(run.end - run.begin);
  }
  return areas;
}

}  // namespace detail

inline instance_overlaps count_overlaps(const instance_image& predicted, const instance_image& manual) {
  if (predicted.shape() != manual.shape()) {
    throw error("cannot match instances", "the prediction and the manual mask differ in size", "compare masks of the same image");
  }
  return count_overlaps(runs_of(predicted), runs_of(manual));
}

inline instance_overlaps count_overlaps(const std::vector<instance_run>& predicted, const std::vector<instance_run>& manual) {
  std::unordered_map<std::uint64_t, std::uint64_t> shared;
  for (auto p = predicted.begin(), m = manual.begin(); p != predicted.end() && m != manual.end();) {
    const std::int32_t begin = std::max(p->begin, m->begin), end = std::min(p->end, m->end);
    if (p->row == m->row && begin < end) {
      shared[static_cast<std::uint64_t>(m->instance) << 32 | static_cast<std::uint32_t>(p->instance)] +=
          static_cast<std::uint64_t>(end - begin);
    }
    const bool predicted_ends_first = p->row != m->row ? p->row < m->row : p->end < m->end;
    predicted_ends_first ? ++p : ++m;
  }

  instance_overlaps found;
  std::vector<std::size_t> manual_position, predicted_position;
  found.manual_areas = detail::close_gaps(detail::areas_by_number(manual), manual_position);
  found.predicted_areas = detail::close_gaps(detail::areas_by_number(predicted), predicted_position);
  found.pairs.reserve(shared.size());
  for (const auto& [key, pixels] : shared) {
    found.pairs.push_back({manual_position[key >> 32], predicted_position[key & 0xffffffffu], pixels});
  }
  // The order of a hash table differs between machines; ties in the matching must not.
  std::sort(found.pairs.begin(), found.pairs.end(),
            [](const auto& a, const auto& b) { return std::pair(a.manual, a.predicted) < std::pair(b.manual, b.predicted); });
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
          manual == 0 ? 0 : detected / static_cast<double>(manual), 2 * detected / static_cast<double>(manual + predicted)};
}

}  // namespace axonzoo
