#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/random.hpp>
#include <axonzoo/data/crop.hpp>
#include <axonzoo/data/prepared.hpp>
#include <axonzoo/data/prompts.hpp>
#include <axonzoo/data/views.hpp>

namespace axonzoo {

/// A view of a training micrograph, turned, with the boxes that are asked for in it.
struct prompted_view {
  std::size_t member = 0;  ///< in the data set
  view where;
  quarter_turn turn = 0;
  std::vector<std::size_t> objects;
  std::uint64_t number = 0;      ///< of the sample
  std::vector<pixel_box> boxes;  ///< jittered, in px of the prepared micrograph
};

/// The views that a promptable model trains on. An epoch sees each once, in an order of its own, with some of its boxes.
class promptable_views {
 public:
  /// Views of `side` px of the prepared micrographs that together see every structure of at least `least_area` px. Throws `error` where there is none.
  promptable_views(prepared_cache& cache, const std::vector<std::size_t>& members, const std::vector<std::string>& classes, std::int64_t side,
                   std::int64_t least_area) {
    for (const auto member : members) {
      const auto prepared = cache.get(member);
      const auto& masks = masks_.emplace(member, prompted_masks_of(prepared->labels, classes, least_area)).first->second;
      std::vector<pixel_box> boxes;
      for (const auto& object : masks.objects) boxes.push_back(object.box);
      for (auto& one : plan_views(boxes, static_cast<std::int64_t>(prepared->labels.shape(0)), static_cast<std::int64_t>(prepared->labels.shape(1)), side, /*each_once=*/false)) {
        views_.push_back({member, one.where, 0, std::move(one.objects), 0, {}});
      }
    }
    if (views_.empty()) throw error("cannot train on boxes", "the manual masks of the training subjects hold no structure", "give masks with axons");
  }

  [[nodiscard]] std::size_t size() const { return views_.size(); }
  [[nodiscard]] const prompted_masks& masks(std::size_t member) const { return masks_.at(member); }

  /// Sample `number` of a run, counted over all steps: a function of it and the seed alone.
  [[nodiscard]] prompted_view sample(std::uint64_t seed, std::uint64_t number, std::int64_t most_boxes, double share, int turns) const {
    const auto count = static_cast<std::uint64_t>(views_.size());
    auto one = views_[order(seed, number / count)[number % count]];
    one.number = number;
    random_stream lots(seed, number, 7);
    one.turn = static_cast<quarter_turn>(lots.below(turns));
    const auto wanted = std::min(one.objects.size(), static_cast<std::size_t>(most_boxes));
    for (std::size_t i = 0; i < wanted; ++i) {
      std::swap(one.objects[i], one.objects[i + static_cast<std::size_t>(lots.below(static_cast<std::int64_t>(one.objects.size() - i)))]);
    }
    one.objects.resize(wanted);
    for (const auto object : one.objects) {
      one.boxes.push_back(jitter(masks(one.member).objects[object].box, share, 0.02 * static_cast<double>(one.where.side), lots));
    }
    return one;
  }

  /// What is to be found in a view: [P, side, side] of 0 and 1, by nearest neighbour; 0 beyond the image.
  [[nodiscard]] at::Tensor targets(const prompted_view& one, std::int64_t side) const {
    const auto& masks = this->masks(one.member);
    at::Tensor made = at::empty({static_cast<std::int64_t>(one.objects.size()), side, side}, at::kByte);
    auto* to = made.mutable_data_ptr<std::uint8_t>();
    for (const auto number : one.objects) {
      const auto& object = masks.objects[number];
      const auto& instances = masks.instances[object.kind];
      const auto height = static_cast<std::int64_t>(instances.shape(0)), width = static_cast<std::int64_t>(instances.shape(1));
      for (std::int64_t y = 0; y < side; ++y) {
        for (std::int64_t x = 0; x < side; ++x, ++to) {
          std::int64_t row = (one.turn & 4U) != 0 ? x : y, column = (one.turn & 4U) != 0 ? y : x;
          if ((one.turn & 1U) != 0) row = side - 1 - row;
          if ((one.turn & 2U) != 0) column = side - 1 - column;
          row = one.where.top + (2 * row + 1) * one.where.side / (2 * side);
          column = one.where.left + (2 * column + 1) * one.where.side / (2 * side);
          *to = row < height && column < width && instances.data()[row * width + column] == object.instance ? 1 : 0;
        }
      }
    }
    return made;
  }

 private:
  /// Views in the order of an epoch.
  [[nodiscard]] std::vector<std::size_t> order(std::uint64_t seed, std::uint64_t epoch) const {
    std::vector<std::size_t> places(views_.size());
    std::iota(places.begin(), places.end(), std::size_t{0});
    random_stream lots(seed, epoch, 6);
    for (std::size_t i = places.size(); i > 1; --i) std::swap(places[i - 1], places[static_cast<std::size_t>(lots.below(static_cast<std::int64_t>(i)))]);
    return places;
  }

  std::map<std::size_t, prompted_masks> masks_;
  std::vector<prompted_view> views_;
};

}  // namespace axonzoo
