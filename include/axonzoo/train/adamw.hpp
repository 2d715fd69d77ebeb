#pragma once

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/full.h>

#include <axonzoo/nn/kernels/in_turns.hpp>
#include <axonzoo/nn/kernels/lanes.hpp>
#include <axonzoo/train/optimizer.hpp>

namespace axonzoo {

struct adamw_options {
  double beta1 = 0.9;           ///< decay of the mean of gradients
  double beta2 = 0.999;         ///< decay of the mean of squared gradients
  double epsilon = 1e-8;        ///< added to the root of the latter
  double weight_decay = 1e-2;   ///< times the learning rate, off each weight, whatever its gradient
};

/// Adam with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2). On the CPU one parallel pass over all parameters
/// reads and writes each number once, clipping included; on other devices LibTorch's fused step.
class adamw final : public optimizer {
 public:
  explicit adamw(named_tensors parameters, adamw_options options = {}, part own = {})
      : optimizer(std::move(parameters), {"mean", "square"}, std::move(own)), options_(options) {}

  void step(double learning_rate, double clip_norm) override;

 private:
  adamw_options options_;
};

}  // namespace axonzoo

namespace axonzoo::detail {

struct adamw_factors {
  float gradient_scale, keep, beta1, beta2, step_size, root_scale, epsilon;
};

inline void adamw_run(float* weight, const float* gradient, float* mean, float* square, std::int64_t count,
                      const adamw_factors& f) {
  const float rest1 = 1 - f.beta1, rest2 = 1 - f.beta2;
  std::int64_t i = 0;
  using kernels::lanes;
  const lanes scale = lanes::all(f.gradient_scale), keep = lanes::all(f.keep), beta2 = lanes::all(f.beta2), change1 = lanes::all(rest1),
              change2 = lanes::all(rest2), size = lanes::all(f.step_size), root_scale = lanes::all(f.root_scale), epsilon = lanes::all(f.epsilon);
  for (; i + lanes::width <= count; i += lanes::width) {
    const lanes g = lanes::load(gradient + i) * scale, old_mean = lanes::load(mean + i);
    const lanes m = fma(change1, g - old_mean, old_mean);
    const lanes s = fma(beta2, lanes::load(square + i), change2 * (g * g));
    m.store(mean + i);
    s.store(square + i);
    (keep * lanes::load(weight + i) - size * m / fma(sqrt(s), root_scale, epsilon)).store(weight + i);
  }
  for (; i < count; ++i) {
    const float g = gradient[i] * f.gradient_scale;
    mean[i] += rest1 * (g - mean[i]);
    square[i] = f.beta2 * square[i] + rest2 * g * g;
    weight[i] = f.keep * weight[i] - f.step_size * mean[i] / (std::sqrt(square[i]) * f.root_scale + f.epsilon);
  }
}

}  // namespace axonzoo::detail

namespace axonzoo {

inline void adamw::step(double learning_rate, double clip_norm) {
  const auto gradients = matching_gradients();
  ++steps_;
  const double scale = clip_norm > 0 ? clip_scale(norm(gradients), clip_norm) : 1.0;
  const auto t = static_cast<double>(steps_);
  std::vector<at::Tensor> weights, used, means, squares;
  for (std::size_t p = 0; p < gradients.size(); ++p) {
    if (!gradients[p].defined()) continue;
    weights.push_back(parameters_[p].second.detach());
    used.push_back(gradients[p]);
    means.push_back(moments_[0].of[p]);
    squares.push_back(moments_[1].of[p]);
  }
  if (weights.empty()) return;
  if (!weights.front().is_cpu()) {
    const auto single = weights.front().options();
    const std::vector<at::Tensor> steps(weights.size(), at::full({}, t, single));
    at::_fused_adamw_(weights, used, means, squares, {}, steps, learning_rate, options_.beta1, options_.beta2,
                      options_.weight_decay, options_.epsilon, false, false, at::full({}, 1 / scale, single));
    return;
  }
  const auto work = chunks(used);
  const detail::adamw_factors factors{static_cast<float>(scale),
                                      static_cast<float>(1 - learning_rate * options_.weight_decay),
                                      static_cast<float>(options_.beta1),
                                      static_cast<float>(options_.beta2),
                                      static_cast<float>(learning_rate / (1 - std::pow(options_.beta1, t))),
                                      static_cast<float>(1 / std::sqrt(1 - std::pow(options_.beta2, t))),
                                      static_cast<float>(options_.epsilon)};
  kernels::in_shares(static_cast<std::int64_t>(work.size()), 1, [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t w = from; w < to; ++w) {
      const auto& [p, begin, count] = work[static_cast<std::size_t>(w)];
      detail::adamw_run(weights[p].mutable_data_ptr<float>() + begin, used[p].const_data_ptr<float>() + begin,
                        means[p].mutable_data_ptr<float>() + begin, squares[p].mutable_data_ptr<float>() + begin, count, factors);
    }
  });
}

}  // namespace axonzoo
