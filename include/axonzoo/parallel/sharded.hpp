#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <c10/core/Device.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/fwd.hpp>
#include <axonzoo/parallel/communicator.hpp>
#include <axonzoo/parallel/ddp.hpp>
#include <axonzoo/parallel/launch.hpp>

namespace axonzoo {

/// Data parallel like `ddp`, and each rank holds the optimiser's state of its share of the parameters alone (shards.hpp): with N ranks an N-th of
/// it, for one exchange of the parameters after each step. With `shard_parameters` it holds no more of the parameters, their gradients and their average either, and
/// layers gather their weights while they compute (sharded_communicator.hpp). A run resumes on another number of ranks.
struct sharded : ddp {
  static constexpr std::string_view name = "sharded";

  double shard_parameters = 0;  ///< 1: parameters are shared out, too

  /// Throws `error` where a number is out of its range.
  void check() const {
    ddp::check();
    if (shard_parameters != 0 && shard_parameters != 1) {
      throw error("cannot share parameters out with --shard-parameters " + std::to_string(shard_parameters), "it is neither off nor on", "give off or on");
    }
  }

  template <class Visitor>
  void options(Visitor&& visit) {
    ddp::options(visit);
    visit("shard-parameters", shard_parameters, "whether ranks hold a share of the parameters alone between uses, and layers gather them", {"off", "on"});
  }

  /// Throws `error` when the other ranks cannot be reached in time or the port is in use.
  std::unique_ptr<communicator> connect(const rank_place& place, c10::Device device) const;
};

}  // namespace axonzoo

#ifndef AXONZOO_SEPARATE_PROGRAM
#include <axonzoo/parallel/sharded_communicator.hpp>
#endif
