#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <axonzoo/core/image.hpp>
#include <axonzoo/data/found_masks.hpp>
#include <axonzoo/data/prompts.hpp>
#include <axonzoo/metrics/overlap.hpp>

namespace axonzoo {

/// How well masks agree with the structures that they were asked for, each with its own: the mean over structures of all images, by kind, and for sheaths
/// ("myelin": a fibre's mask without its axon's). What a box asked for is known, so nothing is matched; the boxes are mostly an oracle.
class prompted_tally {
 public:
  /// Structures below `least_area` px count in "all" alone.
  explicit prompted_tally(std::int64_t least_area = 50) : least_area_(least_area) {}

  void add(const std::vector<found_mask>& masks, const prompted_masks& manual) {
    std::map<std::pair<std::string, std::int32_t>, const found_mask*> by_name;
    for (const auto& mask : masks) by_name[{manual.kinds[mask.kind], mask.instance}] = &mask;
    std::map<std::pair<std::string, std::int32_t>, std::int64_t> areas;
    for (const auto& object : manual.objects) areas[{manual.kinds[object.kind], object.instance}] = object.area;
    for (const auto& mask : masks) {
      const auto& name = manual.kinds[mask.kind];
      const auto area = areas.at({name, mask.instance});
      std::uint64_t found = 0, common = 0;
      count(mask.runs, manual.instances[mask.kind], mask.instance, found, common);
      note(name, area, overlap_of_counts(common, found, static_cast<std::uint64_t>(area)));
      const auto axon = by_name.find({"axon", mask.instance});
      const auto axon_area = areas.find({"axon", mask.instance});
      if (name == "fibre" && axon != by_name.end() && axon_area != areas.end()) sheath(mask, *axon->second, manual, area - axon_area->second);
    }
  }

  /// {"axon": {"dice", "iou", "count", "all": {"dice", "iou", "count"}}, "fibre": ..., "myelin": ...}
  [[nodiscard]] nlohmann::json scores() const {
    nlohmann::json made = nlohmann::json::object();
    for (const auto& [name, sums] : sums_) {
      made[name] = sums.first.mean();
      made[name]["all"] = sums.second.mean();
    }
    return made;
  }

 private:
  struct sum {
    double dice = 0, iou = 0;
    std::int64_t count = 0;
    void add(const overlap& one) {
      dice += one.dice;
      iou += one.iou;
      ++count;
    }
    [[nodiscard]] nlohmann::json mean() const {
      if (count == 0) return {{"dice", nullptr}, {"iou", nullptr}, {"count", 0}};
      return {{"dice", dice / static_cast<double>(count)}, {"iou", iou / static_cast<double>(count)}, {"count", count}};
    }
  };

  static void count(const std::vector<instance_run>& runs, const instance_image& manual, std::int32_t instance, std::uint64_t& found, std::uint64_t& common) {
    for (const auto& run : runs) {
      const auto* row = manual.data() + static_cast<std::size_t>(run.row) * manual.shape(1);
      for (auto x = run.begin; x < run.end; ++x) common += row[x] == instance ? 1 : 0;
      found += static_cast<std::uint64_t>(run.end - run.begin);
    }
  }

  void note(const std::string& name, std::int64_t area, const overlap& score) {
    auto& [large, all] = sums_[name];
    if (area >= least_area_) large.add(score);
    all.add(score);
  }

  /// A sheath's manual px are the fibre's that are not the axon's.
  void sheath(const found_mask& fibre, const found_mask& axon, const prompted_masks& manual, std::int64_t area) {
    if (area <= 0) return;  // unmyelinated
    const auto &axons = manual.instances.at(0), &fibres = manual.instances.at(1);
    std::map<std::int32_t, std::vector<std::pair<std::int32_t, std::int32_t>>> removed;
    for (const auto& run : axon.runs) removed[run.row].emplace_back(run.begin, run.end);
    std::uint64_t found = 0, common = 0;
    for (const auto& run : fibre.runs) {
      const auto cut = removed.find(run.row);
      const auto offset = static_cast<std::size_t>(run.row) * fibres.shape(1);
      for (auto x = run.begin; x < run.end; ++x) {
        bool in_axon = false;
        if (cut != removed.end()) {
          for (const auto& [begin, end] : cut->second) in_axon = in_axon || (x >= begin && x < end);
        }
        if (in_axon) continue;
        ++found;
        const auto at = offset + static_cast<std::size_t>(x);
        common += fibres.data()[at] == fibre.instance && axons.data()[at] != fibre.instance ? 1 : 0;
      }
    }
    note("myelin", area, overlap_of_counts(common, found, static_cast<std::uint64_t>(area)));
  }

  std::int64_t least_area_;
  std::map<std::string, std::pair<sum, sum>> sums_;  // of at least the least area, and of all
};

}  // namespace axonzoo
