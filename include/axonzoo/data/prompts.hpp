#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <axonzoo/core/image.hpp>
#include <axonzoo/core/pixel_box.hpp>
#include <axonzoo/core/random.hpp>
#include <axonzoo/measure/instances.hpp>

namespace axonzoo {

/// One structure that a box asks for.
struct prompted_object {
  std::size_t kind = 0;       ///< index into `prompted_masks::kinds`
  std::int32_t instance = 0;  ///< its number there; an axon and its fibre bear the same
  pixel_box box;              ///< the smallest around it
  std::int64_t area = 0;      ///< px
};

/// The structures of a mask that boxes can ask for. From a manual mask such boxes are an oracle: who has them knows where everything is and how
/// large. From a trained network's mask they are not.
struct prompted_masks {
  std::vector<std::string> kinds;         ///< {"axon", "fibre"}; without axons and myelin the classes themselves
  std::vector<instance_image> instances;  ///< for each kind [H, W]
  std::vector<prompted_object> objects;   ///< by kind, then by instance
};

/// What boxes ask for in masks of these classes. Myelin is not asked for: it is a fibre minus its axon.
inline std::vector<std::string> prompt_kinds(const std::vector<std::string>& classes) {
  const auto has = [&](const char* name) { return std::find(classes.begin(), classes.end(), name) != classes.end(); };
  if (has("axon") && has("myelin")) return {"axon", "fibre"};
  return {classes.begin() + (classes.empty() ? 0 : 1), classes.end()};
}

/// All structures of `labels` ([H, W], values index `classes`) of `least_area` px and more: axons and the fibres of the watershed, or the 8-connected
/// components of each class.
inline prompted_masks prompted_masks_of(const label_image& labels, const std::vector<std::string>& classes, std::int64_t least_area = 1) {
  prompted_masks made;
  made.kinds = prompt_kinds(classes);
  const auto value_of = [&](const std::string& name) {
    return static_cast<std::uint8_t>(std::find(classes.begin(), classes.end(), name) - classes.begin());
  };
  for (const auto& kind : made.kinds) {
    made.instances.push_back(kind == "fibre" ? label_fibres(labels, made.instances.front(), value_of("axon"), value_of("myelin"))
                                             : connected_components(labels, value_of(kind)));
  }
  for (std::size_t kind = 0; kind < made.kinds.size(); ++kind) {
    std::vector<prompted_object> found;
    for (const auto& run : runs_of(made.instances[kind])) {
      const auto number = static_cast<std::size_t>(run.instance);
      if (found.size() < number) found.resize(number);
      auto& object = found[number - 1];
      const double left = run.begin, right = run.end - 1, row = run.row;
      if (object.area == 0) {
        object = {kind, run.instance, {left, row, right, row}, 0};
      } else {
        object.box = {std::min(object.box.left, left), object.box.top, std::max(object.box.right, right), row};
      }
      object.area += run.end - run.begin;
    }
    for (const auto& object : found) {
      if (object.area >= least_area && object.area > 0) made.objects.push_back(object);
    }
  }
  return made;
}

/// Each side moved in or out by up to `share` (below a half) of the box's own side and at most `most` px: what boxes of a detector or of a hand are like.
inline pixel_box jitter(const pixel_box& box, double share, double most, random_stream& lots) {
  const double across = std::min(share * (box.right - box.left + 1), most), down = std::min(share * (box.bottom - box.top + 1), most);
  pixel_box moved = box;
  moved.left += lots.uniform(-across, across);
  moved.right += lots.uniform(-across, across);
  moved.top += lots.uniform(-down, down);
  moved.bottom += lots.uniform(-down, down);
  return moved;
}

}  // namespace axonzoo
