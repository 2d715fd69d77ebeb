#pragma once

#include <memory>
#include <string_view>

#include <c10/core/Device.h>

#include <axonzoo/core/concepts.hpp>
#include <axonzoo/fwd.hpp>
#include <axonzoo/parallel/communicator.hpp>
#include <axonzoo/parallel/launch.hpp>

namespace axonzoo {

/// All ranks train on the whole batch, and each computes its share of every layer's output channels, heads or hidden features (nn/channel_split.hpp). Weights are whole on each rank;
/// activations, and gradients of them, travel at each layer.
struct tensor_parallel {
  using axis = axes::parallel;
  static constexpr std::string_view name = "tensor_parallel";
  static constexpr bool many_ranks = true;

  /// Throws `error` when the other ranks cannot be reached in time or the port is in use.
  std::unique_ptr<communicator> connect(const rank_place& place, c10::Device device) const;
};

}  // namespace axonzoo

#ifndef AXONZOO_SEPARATE_PROGRAM
#include <axonzoo/parallel/tensor_communicator.hpp>
#endif
