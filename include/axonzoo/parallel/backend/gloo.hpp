#pragma once

#include <chrono>

#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include <axonzoo/parallel/launch.hpp>

namespace axonzoo {

/// Gives the group its backend for tensors on the CPU, and with `on_gpus` for those on GPUs too. A rank that is gone is noticed at once; one that hangs, after `patience`.
inline void add_gloo(c10d::ProcessGroup& group, const c10::intrusive_ptr<c10d::Store>& store, const rank_place& place, bool on_gpus = false,
                     std::chrono::milliseconds patience = std::chrono::minutes(10)) {
  auto options = c10d::ProcessGroupGloo::Options::create(patience);
  options->devices.push_back(place.address == "127.0.0.1" ? c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1")
                                                          : c10d::ProcessGroupGloo::createDefaultDevice());
  auto gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(store, place.rank, place.world_size, options);
  group.setBackend(c10::DeviceType::CPU, c10d::ProcessGroup::BackendType::GLOO, gloo);
  if (on_gpus) group.setBackend(c10::DeviceType::CUDA, c10d::ProcessGroup::BackendType::GLOO, gloo);
  group.setDefaultBackend(c10d::ProcessGroup::BackendType::GLOO);
}

}  // namespace axonzoo
