#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <c10/core/Device.h>

#include <axonzoo/core/concepts.hpp>
#include <axonzoo/core/error.hpp>
#include <axonzoo/fwd.hpp>
#include <axonzoo/parallel/communicator.hpp>
#include <axonzoo/parallel/launch.hpp>

namespace axonzoo {

/// Distributed data parallel (Li et al. 2020): each rank trains a copy on its share of the batch, and LibTorch's bucketed reducer
/// averages gradients while the backward pass still runs. Gloo on CPU, NCCL on CUDA.
struct ddp {
  using axis = axes::parallel;
  static constexpr std::string_view name = "ddp";
  static constexpr bool many_ranks = true;

  double compress = 0;  ///< 1: gradients travel in bfloat16

  /// Throws `error` where a number is out of its range.
  void check() const {
    if (compress != 0 && compress != 1) throw error("cannot send gradients with --compress " + std::to_string(compress), "it is not known", "give fp32 or bf16");
  }

  template <class Visitor>
  void options(Visitor&& visit) {
    visit("compress", compress, "what gradients travel in", {"fp32", "bf16"});
  }

  /// Throws `error` when the other ranks cannot be reached in time or the port is in use.
  std::unique_ptr<communicator> connect(const rank_place& place, c10::Device device) const;
};

}  // namespace axonzoo

#ifndef AXONZOO_SEPARATE_PROGRAM
#include <axonzoo/parallel/ddp_communicator.hpp>
#endif
