#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <vector>

#include <ATen/ops/randint.h>

#include <axonzoo/nn/calibration.hpp>
#include <axonzoo/nn/soft_loss.hpp>

#include "../models/made_network.hpp"

namespace made {

/// Sums tensors of threads that stand for ranks.
class meeting {
 public:
  explicit meeting(int ranks) : ranks_(ranks) {}

  void sum(at::Tensor& values) {
    std::unique_lock hold(mutex_);
    sum_ = waiting_ == 0 ? values.clone() : sum_ + values;
    const int round = round_;
    if (++waiting_ == ranks_) {
      waiting_ = 0;
      result_ = sum_;
      ++round_;
      come_.notify_all();
    } else {
      come_.wait(hold, [&] { return round_ != round; });
    }
    values.copy_(result_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable come_;
  at::Tensor sum_, result_;
  int ranks_, waiting_ = 0, round_ = 0;
};

/// Noise with noise for labels, `batch` images at once, of which each rank has its part.
class calibration_data {
 public:
  calibration_data(std::int64_t batches, std::int64_t batch, std::int64_t side, c10::ScalarType type = at::kFloat) {
    for (std::int64_t i = 0; i < batches; ++i) {
      images_.push_back(images(batch, side).to(type));
      labels_.push_back(at::randint(3, {batch, side, side}, at::kByte));
    }
  }

  [[nodiscard]] axonzoo::calibration of_rank(int rank, int world_size, std::function<void(at::Tensor&)> sum = {}) const {
    axonzoo::calibration made;
    made.world_size = world_size;
    made.sum = std::move(sum);
    made.loss = [](const at::Tensor& logits, const at::Tensor& labels) { return axonzoo::dice_cross_entropy(logits, labels); };
    made.each_batch = [this, rank, world_size](std::int64_t count, const std::function<void(const axonzoo::calibration::batch&)>& visit) {
      for (std::int64_t i = 0; i < count; ++i) {
        const auto& all = images_.at(static_cast<std::size_t>(i));
        const auto own = all.size(0) / world_size;
        visit({all.narrow(0, rank * own, own), labels_.at(static_cast<std::size_t>(i)).narrow(0, rank * own, own), i * all.size(0) + rank * own});
      }
    };
    return made;
  }

 private:
  std::vector<at::Tensor> images_, labels_;
};

}  // namespace made
