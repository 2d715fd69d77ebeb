#pragma once

#include <string_view>

#include <c10/core/DeviceType.h>
#include <c10/core/ScalarType.h>

#include <axonzoo/core/concepts.hpp>
#include <axonzoo/fwd.hpp>

namespace axonzoo {

/// Inference in 8 bits: convolutions multiply whole numbers of 8 bits, weights with a scale for each output channel, activations with one for each tensor, measured
/// on training patches (quantise.hpp); sums are exact, norms and what lies between layers fp32. Rounding has no gradient, so the network trains in fp32 and is
/// rounded when its training has ended: what is written, tested and segmented with is the rounded one.
struct int8 {
  using axis = axes::precision;
  static constexpr std::string_view name = "int8";
  static constexpr c10::ScalarType compute_type = c10::ScalarType::Float;
  static constexpr double tolerance = 5e-2;
  static constexpr bool quantises = true;

  struct scope {
    explicit scope(c10::DeviceType) {}
  };
};

}  // namespace axonzoo
