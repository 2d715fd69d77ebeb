#pragma once

#include <cstdint>
#include <memory>

#include <ATen/Context.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/randn.h>

#include <axonzoo/models/segnet.hpp>
#include <axonzoo/models/unet.hpp>

namespace made {

inline std::shared_ptr<axonzoo::network> small_unet(std::int64_t channels = 1) {
  axonzoo::unet model;
  model.width = 6;
  model.levels = 4;
  return model.make(channels, 3);
}

inline std::shared_ptr<axonzoo::network> small_segnet(std::int64_t channels = 1) {
  axonzoo::segnet model;
  model.width = 4;
  return model.make(channels, 3);
}

inline at::Tensor images(std::int64_t n, std::int64_t side, std::int64_t channels = 1) {
  return at::randn({n, channels, side, side}).contiguous(at::MemoryFormat::ChannelsLast);
}

}  // namespace made
