#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include <axonzoo/nn/channel_split.hpp>
#include <axonzoo/nn/linear.hpp>

namespace axonzoo {

/// Two linear layers that ranks share by the `units` between them, heads of an attention or hidden features (Shoeybi et al. 2019, "Megatron-LM"): the first gives each rank its own units of all
/// features, the second sums over ranks what each makes of its own, so that activations travel once forward and once backward. Between them no unit may depend on another. Where layers are
/// not shared both are `linear`.

/// x [..., C] to this rank's units; the weight's rows are all units, `stretches` times one after the other: queries, keys and values.
inline at::Tensor linear_to_units(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, std::int64_t units, std::int64_t stretches = 1) {
  return linear(summed_backward(x, units, at::MemoryFormat::Contiguous), channel_split::share(weight, 0, units, stretches), channel_split::share(bias, 0, units, stretches));
}

/// This rank's units, all of one size, to all [..., K].
inline at::Tensor linear_from_units(const at::Tensor& own, const at::Tensor& weight, const at::Tensor& bias, std::int64_t units) {
  return summed(linear(own, channel_split::share(weight, 1, units), channel_split::once(bias, units)), units, at::MemoryFormat::Contiguous);
}

}  // namespace axonzoo
