#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <ATen/core/Tensor.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/models/segnet.hpp>
#include <axonzoo/models/unet.hpp>
#include <axonzoo/nn/network.hpp>

namespace axonzoo {

using network_maker = std::function<std::shared_ptr<network>(std::int64_t channels, std::int64_t classes)>;

/// The maker of the zoo's model of that name, as a checkpoint's metadata gives it; as deep as its `weights` are, where they are given.
inline network_maker maker_of(const std::string& model, const std::map<std::string, at::Tensor>& weights = {}) {
  if (model == unet::name) {
    int levels = 0;
    while (weights.contains("down" + std::to_string(levels) + "a.conv.weight")) ++levels;
    unet chosen;
    if (levels >= 2) chosen.levels = levels;
    return [chosen](auto channels, auto classes) { return chosen.make(channels, classes); };
  }
  if (model == segnet::name) return [](auto channels, auto classes) { return segnet{}.make(channels, classes); };
  throw error("cannot make the model '" + model + "'", "the zoo has unet and segnet", "give a checkpoint of one of these, that of a SAM with --prompts-from, or hand the predictor your own maker");
}

}  // namespace axonzoo
