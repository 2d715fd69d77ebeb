#pragma once

#include <memory>
#include <string_view>

#include <c10/core/Device.h>

#include <axonzoo/fwd.hpp>
#include <axonzoo/parallel/communicator.hpp>
#include <axonzoo/parallel/ddp.hpp>
#include <axonzoo/parallel/launch.hpp>

namespace axonzoo {

/// Data parallel like `ddp`, and each rank holds the optimiser's state of its share of the parameters alone (shards.hpp): with N ranks an N-th of
/// it, for one exchange of the parameters after each step. A run resumes on another number of ranks.
struct sharded : ddp {
  static constexpr std::string_view name = "sharded";

  /// Throws `error` when the other ranks cannot be reached in time or the port is in use.
  std::unique_ptr<communicator> connect(const rank_place& place, c10::Device device) const;
};

}  // namespace axonzoo

#ifndef AXONZOO_SEPARATE_PROGRAM
#include <axonzoo/parallel/ddp_communicator.hpp>

inline std::unique_ptr<axonzoo::communicator> axonzoo::sharded::connect(const rank_place& place, c10::Device device) const {
  return detail::join_ranks(place, device, {.compress = compress != 0, .shard = true});
}
#endif
