#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty_like.h>
#include <c10/core/Allocator.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/utils/lambda_post_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/nn/gathered_layer.hpp>
#include <axonzoo/parallel/ddp_communicator.hpp>
#include <axonzoo/parallel/sharded.hpp>

namespace axonzoo {

/// Ranks that share the batch, and the parameters: those of layers that gather them (gathered_layer) have memory on the rank that owns them, and on the others while the
/// layer computes. Gradients are summed on the owner as soon as they are complete, while the backward pass goes on, and leave the other ranks.
class sharded_communicator : public ddp_communicator {
 public:
  sharded_communicator(c10::intrusive_ptr<c10d::ProcessGroup> joined_ranks, int own_rank, int count, manner how)
      : ddp_communicator(std::move(joined_ranks), own_rank, count, how) {
    auto among = std::make_shared<gathered_layer::ranks>();
    among->gather = [this](const std::vector<at::Tensor>& weights) { gather(scattered_among(weights)); };
    among->release = [this](const std::vector<at::Tensor>& weights) { release(scattered_among(weights)); };
    among_ = std::move(among);
  }

  [[nodiscard]] std::vector<int> share_out(const std::vector<std::int64_t>& sizes) override { return owners_ = ddp_communicator::share_out(sizes); }

  /// Throws `error` where no layer gathers its weights.
  void attach(network& net) override {
    detach();
    equalise(net);
    std::unordered_set<const c10::TensorImpl*> gathered;
    for (const auto& layer : net.modules()) {
      const auto* gathering = dynamic_cast<const gathered_layer*>(layer.get());
      if (gathering == nullptr || !gathering->gathers()) continue;
      for (const auto& weight : layer->parameters()) gathered.insert(weight.unsafeGetTensorImpl());
    }
    for (const auto& parameter : net.parameters()) {
      if (!parameter.requires_grad()) continue;
      const bool scattered = gathered.contains(parameter.unsafeGetTensorImpl());
      if (scattered && parameter.scalar_type() != at::kFloat) {
        throw error("cannot share the parameters out", "they are stored narrower than their fp32 originals, which every rank keeps", "give another precision, such as bf16, or --shard-parameters off");
      }
      const std::size_t place = shares_.size();
      auto accumulator = torch::autograd::impl::grad_accumulator(parameter);
      accumulator->add_post_hook(std::make_unique<torch::autograd::utils::LambdaPostHook>(
          [this, place](const torch::autograd::variable_list& outputs, const torch::autograd::variable_list&) {
            send_gradient(shares_[place]);
            return outputs;
          }));
      if (scattered) places_.emplace(parameter.unsafeGetTensorImpl(), place);
      shares_.push_back({.parameter = parameter, .owner = owners_.at(place), .bytes = parameter.storage().nbytes(), .accumulator = std::move(accumulator), .gradient = {}});
    }
    if (places_.empty() && !shares_.empty()) {
      throw error("cannot share the parameters out", "no layer of this model gathers its weights", "give a U-Net or a SegNet, or --shard-parameters off");
    }
    release(all_scattered());
  }

  void detach() override {
    gather(all_scattered());
    places_.clear();
    shares_.clear();
  }

  void before_backward(const at::Tensor&) override { seconds_ = 0; }

  /// Leaves gradients on their owners alone.
  void after_backward(network&) override {
    while (!sent_.empty()) receive_first();
    for (auto& one : shares_) one.parameter.mutable_grad() = std::exchange(one.gradient, at::Tensor());
  }

  [[nodiscard]] bool scatters(const at::Tensor& parameter) const override { return places_.contains(parameter.unsafeGetTensorImpl()); }

  [[nodiscard]] std::shared_ptr<void> gather_all() override {
    gather(all_scattered());
    return {nullptr, [this](void*) { release(all_scattered()); }};
  }

  [[nodiscard]] std::shared_ptr<void> split_layers() override { return std::make_shared<gathered_layer::scope>(among_); }
  [[nodiscard]] double exposed_seconds() const override { return seconds_; }

 private:
  struct share {
    at::Tensor parameter;
    int owner;
    std::size_t bytes;
    std::shared_ptr<torch::autograd::Node> accumulator;  ///< lives as long as its hook is wanted
    at::Tensor gradient;                                 ///< on the owner: the mean over ranks of what has arrived
    bool whole = true;                                   ///< on all ranks
  };
  struct sent_gradient {
    share& of;
    at::Tensor values;
    c10::intrusive_ptr<c10d::Work> work;
  };

  /// Parameters and gradients are dense in an order of their own, the same on all ranks.
  static std::vector<at::Tensor> flat(const at::Tensor& dense) { return {dense.as_strided({dense.numel()}, {1})}; }

  [[nodiscard]] std::vector<share*> scattered_among(const std::vector<at::Tensor>& weights) {
    std::vector<share*> found;
    for (const auto& weight : weights) {
      const auto place = places_.find(weight.unsafeGetTensorImpl());
      if (place != places_.end()) found.push_back(&shares_[place->second]);
    }
    return found;
  }
  [[nodiscard]] std::vector<share*> all_scattered() {
    std::vector<share*> found;
    for (auto& one : shares_) {
      if (scatters(one.parameter)) found.push_back(&one);
    }
    return found;
  }

  void gather(const std::vector<share*>& wanted) {
    std::vector<c10::intrusive_ptr<c10d::Work>> under_way;
    for (auto* one : wanted) {
      if (std::exchange(one->whole, true)) continue;
      if (one->owner != rank()) {
        auto* const storage = one->parameter.storage().unsafeGetStorageImpl();
        storage->set_data_ptr_noswap(c10::GetAllocator(storage->device_type())->allocate(one->bytes));
        storage->set_nbytes(one->bytes);
      }
      auto values = flat(one->parameter.variable_data());  // has a version of its own: the graph is not told of the change, since it is none
      c10d::BroadcastOptions from;
      from.rootRank = one->owner;
      under_way.push_back(group().broadcast(values, from));
    }
    for (const auto& work : under_way) wait(*work);
  }

  void release(const std::vector<share*>& unwanted) {
    for (auto* one : unwanted) {
      if (!std::exchange(one->whole, false) || one->owner == rank()) continue;
      auto* const storage = one->parameter.storage().unsafeGetStorageImpl();
      storage->set_data_ptr_noswap(c10::DataPtr(nullptr, storage->device()));
      storage->set_nbytes(0);
    }
  }

  /// All that uses a parameter has gone backward when its gradient is complete.
  void send_gradient(share& one) {
    if (scatters(one.parameter)) release({&one});
    auto& gradient = one.parameter.mutable_grad();
    if (!gradient.defined()) return;
    auto values = at::empty_like(one.parameter.detach(), how().compress ? at::kBFloat16 : at::kFloat);
    values.copy_(gradient.div_(world_size()));
    gradient = at::Tensor();
    auto sent = flat(values);
    c10d::ReduceOptions to;
    to.rootRank = one.owner;
    sent_.push_back({one, values, group().reduce(sent, to)});
    while (!sent_.empty() && sent_.front().work->isCompleted()) receive_first();
  }

  void receive_first() {
    const auto [one, values, work] = sent_.front();
    sent_.pop_front();
    wait(*work);
    if (one.owner == rank()) one.gradient = one.gradient.defined() ? one.gradient.add_(values) : values.to(at::kFloat);
  }

  void wait(c10d::Work& work) {
    const auto begin = clock::now();
    work.wait();
    seconds_ += std::chrono::duration<double>(clock::now() - begin).count();
  }

  using clock = std::chrono::steady_clock;

  std::shared_ptr<const gathered_layer::ranks> among_;
  std::vector<int> owners_;
  std::vector<share> shares_;
  std::unordered_map<const c10::TensorImpl*, std::size_t> places_;  ///< of those that are scattered
  std::deque<sent_gradient> sent_;
  double seconds_ = 0;
};

inline std::unique_ptr<communicator> sharded::connect(const rank_place& place, c10::Device device) const {
  const ddp_communicator::manner how{.compress = compress != 0, .shard = true};
  return shard_parameters != 0 ? detail::join_ranks<sharded_communicator>(place, device, how) : detail::join_ranks(place, device, how);
}

}  // namespace axonzoo
