#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include <axonzoo/nn/kernels/in_turns.hpp>
#include <axonzoo/train/optimizer.hpp>

namespace axonzoo {

struct sgd_options {
  double momentum = 0.99;      ///< nnU-Net's
  double weight_decay = 3e-5;  ///< added to the gradient, times the weight
  bool nesterov = true;        ///< steps along the gradient at the point the momentum leads to
};

/// Stochastic gradient descent with (Nesterov) momentum (Sutskever et al. 2013), as nnU-Net trains. On the CPU one parallel pass
/// over all parameters, clipping included.
class sgd final : public optimizer {
 public:
  explicit sgd(named_tensors parameters, sgd_options options = {}, part own = {})
      : optimizer(std::move(parameters), {"momentum"}, std::move(own)), options_(options) {}

  void step(double learning_rate, double clip_norm) override;

 private:
  sgd_options options_;
};

}  // namespace axonzoo

namespace axonzoo::detail {

struct sgd_factors {
  float gradient_scale, decay, carry, rate;
};

template <bool Nesterov>
void sgd_run(float* __restrict weight, const float* __restrict gradient, float* __restrict momentum, std::int64_t count,
             const sgd_factors f) {
  for (std::int64_t i = 0; i < count; ++i) {
    const float g = gradient[i] * f.gradient_scale + f.decay * weight[i];
    momentum[i] = f.carry * momentum[i] + g;
    weight[i] -= f.rate * (Nesterov ? g + f.carry * momentum[i] : momentum[i]);
  }
}

}  // namespace axonzoo::detail

namespace axonzoo {

inline void sgd::step(double learning_rate, double clip_norm) {
  const auto gradients = matching_gradients();
  ++steps_;
  const bool on_cpu = parameters_.empty() || parameters_.front().second.is_cpu();
  const double scale = clip_norm > 0 ? clip_scale(norm(gradients), clip_norm) : 1.0;
  const auto work = chunks(gradients);
  if (!on_cpu) {
    for (std::size_t p = 0; p < gradients.size(); ++p) {
      if (!gradients[p].defined()) continue;
      at::Tensor weight = parameters_[p].second.detach();
      const at::Tensor gradient = gradients[p].mul(scale).add_(weight, options_.weight_decay);
      at::Tensor& momentum = moments_[0].of[p];
      momentum.mul_(options_.momentum).add_(gradient);
      weight.add_(options_.nesterov ? gradient.add(momentum, options_.momentum) : momentum, -learning_rate);
    }
    return;
  }
  const detail::sgd_factors factors{static_cast<float>(scale), static_cast<float>(options_.weight_decay),
                                    static_cast<float>(options_.momentum), static_cast<float>(learning_rate)};
  const auto run = options_.nesterov ? detail::sgd_run<true> : detail::sgd_run<false>;
  kernels::in_shares(static_cast<std::int64_t>(work.size()), 1, [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t w = from; w < to; ++w) {
      const auto& [p, begin, count] = work[static_cast<std::size_t>(w)];
      run(parameters_[p].second.mutable_data_ptr<float>() + begin, gradients[p].const_data_ptr<float>() + begin,
          moments_[0].of[p].mutable_data_ptr<float>() + begin, count, factors);
    }
  });
}

}  // namespace axonzoo
