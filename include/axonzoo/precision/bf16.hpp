#pragma once

#include <string_view>

#include <axonzoo/core/concepts.hpp>
#include <axonzoo/fwd.hpp>
#include <axonzoo/precision/scope.hpp>

namespace axonzoo {

/// Mixed precision: activations and products in bfloat16; parameters, statistics, losses and the optimiser in fp32. bfloat16 has the
/// range of fp32, so no loss scaling is needed.
struct bf16 {
  using axis = axes::precision;
  static constexpr std::string_view name = "bf16";
  static constexpr c10::ScalarType compute_type = c10::ScalarType::BFloat16;
  static constexpr double tolerance = 2e-2;

  struct scope : autocast_scope {
    explicit scope(c10::DeviceType device) : autocast_scope(device, compute_type) {}
  };
};

}  // namespace axonzoo
