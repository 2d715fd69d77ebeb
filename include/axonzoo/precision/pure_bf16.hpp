#pragma once

#include <string>
#include <string_view>

#include <axonzoo/core/concepts.hpp>
#include <axonzoo/core/error.hpp>
#include <axonzoo/fwd.hpp>
#include <axonzoo/precision/scope.hpp>
#include <axonzoo/precision/weight_storage.hpp>

namespace axonzoo {

/// Activations, filters, matrices and all gradients in bfloat16; fp32 originals of the weights (master_weights.hpp) and the optimiser beside them, norms and biases
/// in fp32. What travels between ranks, and the checkpoint, is half as large as with `bf16`.
struct pure_bf16 {
  using axis = axes::precision;
  static constexpr std::string_view name = "pure_bf16";
  static constexpr c10::ScalarType compute_type = c10::ScalarType::BFloat16;
  static constexpr double tolerance = 2e-2;

  double rounding = 0;  ///< of weights after each step: 0 to the nearest, 1 stochastic

  template <class Visitor>
  void options(Visitor&& visit) {
    visit("rounding", rounding, "how weights are rounded to bfloat16 after each step", {"nearest", "stochastic"});
  }

  /// Throws `error` where a number is out of its range.
  void check() const {
    if (rounding != 0 && rounding != 1) throw error("cannot train with --rounding " + std::to_string(rounding), "it is not known", "give nearest or stochastic");
  }

  [[nodiscard]] weight_storage storage() const { return {compute_type, rounding != 0}; }

  struct scope : autocast_scope {
    explicit scope(c10::DeviceType device) : autocast_scope(device, compute_type) {}
  };
};

}  // namespace axonzoo
