#pragma once

#include <string_view>
#include <type_traits>

#include <c10/core/DeviceType.h>
#include <c10/core/ScalarType.h>
#include <c10/util/BFloat16.h>

#include <axonzoo/core/concepts.hpp>
#include <axonzoo/fwd.hpp>
#include <axonzoo/nn/kernels/vector.hpp>
#include <axonzoo/precision/bf16.hpp>
#include <axonzoo/precision/fp32.hpp>

namespace axonzoo {

/// Inference in 8 bits: convolutions multiply whole numbers of 8 bits, weights with a scale for each output channel, activations with one for each tensor, measured
/// on training patches (quantise.hpp); sums are exact. Rounding has no gradient, so the network trains in the precision that lies between its layers, bf16 where
/// kernels multiply it and fp32 where they widen it, and is rounded when its training has ended: what is written, tested and segmented with is the rounded one.
struct int8 {
  using axis = axes::precision;
  static constexpr std::string_view name = "int8";
  using between = std::conditional_t<kernels::available<c10::BFloat16> && std::is_same_v<kernels::factor<c10::BFloat16>, c10::BFloat16>, bf16, fp32>;
  static constexpr c10::ScalarType compute_type = between::compute_type;
  static constexpr double tolerance = 5e-2;
  static constexpr bool quantises = true;

  using scope = between::scope;
};

}  // namespace axonzoo
