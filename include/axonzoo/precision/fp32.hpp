#pragma once

#include <string_view>

#include <c10/core/DeviceType.h>
#include <c10/core/ScalarType.h>

#include <axonzoo/core/concepts.hpp>
#include <axonzoo/fwd.hpp>

namespace axonzoo {

/// Single precision throughout.
struct fp32 {
  using axis = axes::precision;
  static constexpr std::string_view name = "fp32";
  static constexpr c10::ScalarType compute_type = c10::ScalarType::Float;
  /// Largest relative difference that rounding alone explains.
  static constexpr double tolerance = 1e-5;

  struct scope {
    explicit scope(c10::DeviceType) {}
  };
};

}  // namespace axonzoo
