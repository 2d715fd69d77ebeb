#pragma once

#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>
#ifdef AXONZOO_CUDA
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

#include <axonzoo/core/error.hpp>
#include <axonzoo/parallel/launch.hpp>

namespace axonzoo {

/// Gives the group its GPU backend. Throws `error` where this build has none.
inline void add_nccl([[maybe_unused]] c10d::ProcessGroup& group, [[maybe_unused]] const c10::intrusive_ptr<c10d::Store>& store,
                     [[maybe_unused]] const rank_place& place) {
#ifdef AXONZOO_CUDA
  auto nccl = c10::make_intrusive<c10d::ProcessGroupNCCL>(store, place.rank, place.world_size);
  group.setBackend(c10::DeviceType::CUDA, c10d::ProcessGroup::BackendType::NCCL, nccl);
  group.setDefaultBackend(c10d::ProcessGroup::BackendType::NCCL);
#else
  throw error("cannot join ranks on CUDA", "this program was built without NCCL", "build with the preset 'cuda', or use --device cpu");
#endif
}

}  // namespace axonzoo
