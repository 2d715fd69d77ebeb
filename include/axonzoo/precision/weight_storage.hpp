#pragma once

#include <cstdint>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <c10/core/ScalarType.h>

#include <axonzoo/nn/network.hpp>

namespace axonzoo {

/// What the network's filters and matrices are stored in; norms and biases stay fp32.
struct weight_storage {
  c10::ScalarType type = c10::ScalarType::Float;
  bool stochastic = false;  ///< rounded up with the probability of the fraction that is cut, so that small steps are not lost in the mean
};

/// Whether `narrow_weights` narrows it: filters, matrices and tables, whether they train or not.
inline bool is_narrowed(const at::Tensor& parameter) { return parameter.dim() >= 2; }

/// Rounds the network's filters and matrices to the nearest of `type`, in place: every holder of them sees the change.
inline void narrow_weights(network& net, c10::ScalarType type) {
  for (auto& parameter : net.parameters()) {
    if (is_narrowed(parameter)) parameter.set_data(parameter.detach().to(type));
  }
}

/// Rounds fp32 to bf16 at random, up with the probability of what is cut off: the expected result is the value. The same seed rounds alike.
inline at::Tensor rounded_stochastically(const at::Tensor& values, std::uint64_t seed) {
  auto generator = at::detail::createCPUGenerator(seed);
  const auto noise = at::empty(values.sizes(), at::kInt).random_(0, std::int64_t{1} << 16, generator).to(values.device());
  // bf16 is the upper half of fp32's bits: a number below 2^16 added to the lower half carries as often as it should
  return values.view(at::kInt).add(noise).bitwise_and(-65536).view(at::kFloat).to(at::kBFloat16);
}

}  // namespace axonzoo
