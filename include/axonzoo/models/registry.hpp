#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <axonzoo/core/error.hpp>
#include <axonzoo/models/segnet.hpp>
#include <axonzoo/models/unet.hpp>
#include <axonzoo/nn/network.hpp>

namespace axonzoo {

using network_maker = std::function<std::shared_ptr<network>(std::int64_t channels, std::int64_t classes)>;

/// The maker of the zoo's model of that name, as a checkpoint's metadata gives it.
inline network_maker maker_of(const std::string& model) {
  if (model == unet::name) return [](auto channels, auto classes) { return unet{}.make(channels, classes); };
  if (model == segnet::name) return [](auto channels, auto classes) { return segnet{}.make(channels, classes); };
  throw error("cannot make the model '" + model + "'", "the zoo has unet and segnet", "give a checkpoint of one of these, that of a SAM with --prompts-from, or hand the predictor your own maker");
}

}  // namespace axonzoo
