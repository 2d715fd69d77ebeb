#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include <ATen/ops/zeros.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <torch/csrc/distributed/c10d/reducer.hpp>
#include <torch/version.h>

#include <axonzoo/core/device.hpp>
#include <axonzoo/core/error.hpp>
#include <axonzoo/parallel/backend/gloo.hpp>
#include <axonzoo/parallel/backend/nccl.hpp>
#include <axonzoo/parallel/compress_bf16.hpp>
#include <axonzoo/parallel/ddp.hpp>
#include <axonzoo/parallel/owners.hpp>

namespace axonzoo {

/// Ranks joined by a c10d process group; gradients go through LibTorch's bucketed reducer.
class ddp_communicator : public communicator {
 public:
  struct manner {
    bool compress = false;  ///< gradients travel in bfloat16
    bool shard = false;     ///< the optimiser's state is shared out
  };

  ddp_communicator(c10::intrusive_ptr<c10d::ProcessGroup> group, int rank, int world_size, manner how)
      : group_(std::move(group)), rank_(rank), world_size_(world_size), how_(how) {}

  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int world_size() const override { return world_size_; }

  void attach(network& net) override {
    detach();
    equalise(net);
    std::vector<at::Tensor> parameters;
    std::unordered_map<std::size_t, std::string> names;
    for (const auto& item : net.named_parameters()) {
      if (!item.value().requires_grad()) continue;
      names.emplace(parameters.size(), item.key());
      parameters.push_back(item.value());
    }
    // gradients are complete from the last layer to the first, so buckets are filled in that order
    const std::vector<at::Tensor> reversed(parameters.rbegin(), parameters.rend());
    std::vector<std::int64_t> order(parameters.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(order.size() - 1 - i);
    const auto buckets = std::get<0>(c10d::compute_bucket_assignment_by_size(reversed, {first_bucket_bytes, bucket_bytes}, {}, order));
    reducer_ = std::make_unique<c10d::Reducer>(parameters, buckets, group_, std::vector<bool>(parameters.size(), false), bucket_bytes,
                                               /*find_unused_parameters=*/false, /*gradient_as_bucket_view=*/true, names, first_bucket_bytes
#if TORCH_VERSION_MAJOR > 2 || TORCH_VERSION_MINOR >= 10
                                               , false, false, std::vector<std::int64_t>{}
#endif
    );
    if (how_.compress) reducer_->register_comm_hook(std::make_unique<compress_bf16>(group_));
    on_gpu_ = !parameters.empty() && !parameters.front().is_cpu();
    for (const auto& parameter : parameters) {
      if (!on_gpu_) parameter.register_hook([this](const at::Tensor&) { last_gradient_ = clock::now(); });
    }
  }

  void detach() override {
    if (reducer_ == nullptr) return;
    reducer_->remove_autograd_hooks();
    reducer_.reset();
  }

  void before_backward(const at::Tensor& loss) override { reducer_->prepare_for_backward({loss}); }

  /// 0 on GPUs, whose exchange is part of the backward pass that they are given.
  [[nodiscard]] double exposed_seconds() const override { return on_gpu_ ? 0 : std::chrono::duration<double>(clock::now() - last_gradient_).count(); }

  void sum(at::Tensor& values) override {
    std::vector<at::Tensor> tensors{values};
    group_->allreduce(tensors)->wait();
  }

  void broadcast(at::Tensor& values, int root = 0) override {
    // collectives want dense memory; a channels-last filter bank is dense in its own order
    auto dense = values.contiguous();
    std::vector<at::Tensor> tensors{dense};
    c10d::BroadcastOptions from;
    from.rootRank = root;
    group_->broadcast(tensors, from)->wait();
    if (!dense.is_same(values)) values.copy_(dense);
  }

  [[nodiscard]] std::vector<int> share_out(const std::vector<std::int64_t>& sizes) override {
    return how_.shard ? owners_of(sizes, world_size_) : std::vector<int>();
  }

 protected:
  [[nodiscard]] c10d::ProcessGroup& group() const { return *group_; }
  [[nodiscard]] const manner& how() const { return how_; }

  /// Gives all ranks rank 0's parameters and buffers.
  void equalise(network& net) {
    for (const auto& parameter : net.parameters()) {
      auto value = parameter.detach();
      broadcast(value);
    }
    for (auto& buffer : net.buffers()) broadcast(buffer);
  }

 private:
  using clock = std::chrono::steady_clock;
  static constexpr std::int64_t first_bucket_bytes = 1 << 20;
  static constexpr std::int64_t bucket_bytes = 4 << 20;

  c10::intrusive_ptr<c10d::ProcessGroup> group_;
  int rank_;
  int world_size_;
  manner how_;
  std::unique_ptr<c10d::Reducer> reducer_;
  clock::time_point last_gradient_ = clock::now();
  bool on_gpu_ = false;
};

namespace detail {

/// Whether two ranks have the same GPU. Collective.
inline bool ranks_share_gpus(c10d::Store& store, const rank_place& place) {
  const auto key = [](int rank) { return "gpu of rank " + std::to_string(rank); };
  store.set(key(place.rank), this_gpu().identity);
  std::set<std::string> different;
  for (int rank = 0; rank < place.world_size; ++rank) different.insert(store.get_to_str(key(rank)));
  return different.size() < static_cast<std::size_t>(place.world_size);
}

template <class Communicator = ddp_communicator>
std::unique_ptr<communicator> join_ranks(const rank_place& place, c10::Device device, ddp_communicator::manner how) {
  const auto where = place.address + ":" + std::to_string(place.port);
  try {
    c10d::TCPStoreOptions options;
    options.port = static_cast<std::uint16_t>(place.port);
    options.isServer = place.rank == 0;
    options.numWorkers = static_cast<std::size_t>(place.world_size);
    options.timeout = std::chrono::seconds(120);
    auto store = c10::make_intrusive<c10d::TCPStore>(place.address, options);
    auto group = c10::make_intrusive<c10d::ProcessGroup>(store, place.rank, place.world_size);
    // NCCL refuses two ranks on one GPU; Gloo takes the way through main memory
    const bool shared = device.is_cuda() && ranks_share_gpus(*store, place);
    add_gloo(*group, c10::make_intrusive<c10d::PrefixStore>("gloo", store), place, shared);
    if (device.is_cuda() && !shared) add_nccl(*group, c10::make_intrusive<c10d::PrefixStore>("nccl", store), place);
    return std::make_unique<Communicator>(std::move(group), place.rank, place.world_size, how);
  } catch (const c10::Error& failure) {
    throw error("cannot join rank " + std::to_string(place.rank) + " of " + std::to_string(place.world_size) + " at " + where,
                failure.what_without_backtrace(), "check that the port is free, that all ranks run and that they reach this address");
  }
}

}  // namespace detail

inline std::unique_ptr<communicator> ddp::connect(const rank_place& place, c10::Device device) const {
  return detail::join_ranks(place, device, {.compress = compress != 0, .shard = false});
}

}  // namespace axonzoo
