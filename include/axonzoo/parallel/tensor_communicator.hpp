#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <unordered_set>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros_like.h>

#include <axonzoo/nn/channel_split.hpp>
#include <axonzoo/parallel/ddp_communicator.hpp>
#include <axonzoo/parallel/tensor_parallel.hpp>

namespace axonzoo {

/// Ranks that share the layers instead of the batch.
class tensor_communicator : public ddp_communicator {
 public:
  tensor_communicator(c10::intrusive_ptr<c10d::ProcessGroup> joined_ranks, int own_rank, int count, manner how)
      : ddp_communicator(std::move(joined_ranks), own_rank, count, how) {
    auto among = std::make_shared<channel_split::ranks>();
    among->rank = own_rank;
    among->world_size = count;
    among->gather = [this](const at::Tensor& own) {
      std::vector<std::vector<at::Tensor>> parts(1);
      for (int i = 0; i < world_size(); ++i) parts.front().push_back(at::empty_like(own));
      std::vector<at::Tensor> sent{own};
      timed([&] { group().allgather(parts, sent)->wait(); });
      return std::move(parts.front());
    };
    among->sum = [this](at::Tensor& values) { timed([&] { sum(values); }); };
    among->note_shared = [this](const at::Tensor& parameter) { shared_.insert(parameter.unsafeGetTensorImpl()); };
    among_ = std::move(among);
  }

  void attach(network& net) override { equalise(net); }
  void detach() override {}
  void before_backward(const at::Tensor&) override { seconds_ = 0; }

  /// Of a parameter that ranks share each has a part of the gradient, 0 or none where its units are another's; of any other all have all of it, and rank 0's counts.
  void after_backward(network& net) override {
    std::vector<at::Tensor> parameters, flat;
    for (const auto& parameter : net.parameters()) {
      if (!parameter.requires_grad()) continue;
      parameters.push_back(parameter);
      const bool counts = parameter.grad().defined() && (rank() == 0 || shared_.contains(parameter.unsafeGetTensorImpl()));
      const auto gradient = counts ? parameter.grad() : at::zeros_like(parameter.detach());
      flat.push_back(gradient.to(at::kFloat).reshape({-1}));
    }
    shared_.clear();
    auto all = at::cat(flat);
    timed([&] { sum(all); });
    std::int64_t begin = 0;
    for (auto& parameter : parameters) {
      const auto values = all.narrow(0, begin, parameter.numel()).view(parameter.sizes());
      parameter.mutable_grad() = at::empty_like(parameter.detach()).copy_(values);
      begin += parameter.numel();
    }
  }

  [[nodiscard]] std::shared_ptr<void> split_layers() override { return std::make_shared<channel_split>(among_); }
  [[nodiscard]] bool splits_batches() const override { return false; }
  [[nodiscard]] double exposed_seconds() const override { return seconds_; }

 private:
  template <class Work>
  void timed(const Work& work) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }

  std::shared_ptr<const channel_split::ranks> among_;
  std::unordered_set<const c10::TensorImpl*> shared_;  ///< parameters of which ranks have parts of the gradient, in this step
  double seconds_ = 0;
};

inline std::unique_ptr<communicator> tensor_parallel::connect(const rank_place& place, c10::Device device) const {
  return detail::join_ranks<tensor_communicator>(place, device, {});
}

}  // namespace axonzoo
