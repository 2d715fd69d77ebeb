#pragma once

#include <cstdint>

#include <axonzoo/core/error.hpp>

namespace axonzoo {

/// What a loss is multiplied with so that its gradients do not vanish in fp16 (Micikevicius et al. 2018): halved at each overflow, doubled after
/// `patience` steps without one, so that it finds the largest that fits and follows it. A power of two, so that scaling rounds nothing.
class loss_scale {
 public:
  /// 1 for ever: precisions with the range of fp32 need none.
  loss_scale() = default;

  loss_scale(double initial, std::int64_t patience) : value_(initial), patience_(patience) {}

  [[nodiscard]] bool active() const { return patience_ > 0; }
  [[nodiscard]] double value() const { return value_; }
  [[nodiscard]] std::int64_t steps_since_change() const { return steps_; }
  [[nodiscard]] std::int64_t skipped() const { return skipped_; }

  /// After each backward pass: whether the gradients of all ranks are finite. Throws `error` where no scale is small enough.
  void update(bool finite) {
    if (!finite) {
      ++skipped_;
      steps_ = 0;
      value_ /= 2;
      if (value_ < least) throw error("cannot train on in fp16", "gradients overflow at every loss scale", "give a lower --learning-rate, or train in bf16");
    } else if (++steps_ == patience_) {
      steps_ = 0;
      if (value_ < most) value_ *= 2;
    }
  }

  void resume(double value, std::int64_t steps_since_change, std::int64_t skipped) {
    value_ = value;
    steps_ = steps_since_change;
    skipped_ = skipped;
  }

  static constexpr double most = 1 << 24, least = 1. / (1 << 24);

 private:
  double value_ = 1;
  std::int64_t patience_ = 0, steps_ = 0, skipped_ = 0;
};

}  // namespace axonzoo
