#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include <axonzoo/core/concepts.hpp>
#include <axonzoo/core/error.hpp>
#include <axonzoo/fwd.hpp>
#include <axonzoo/precision/loss_scale.hpp>
#include <axonzoo/precision/scope.hpp>

namespace axonzoo {

/// Mixed precision: activations and their gradients in fp16; parameters, statistics, losses and the optimiser in fp32. The loss is scaled, since fp16
/// ends at 65504 and at 6e-8. On a CPU only storage is fp16: layers multiply and sum in fp32, as tensor cores sum, so it saves memory and no time.
struct fp16 {
  using axis = axes::precision;
  static constexpr std::string_view name = "fp16";
  static constexpr c10::ScalarType compute_type = c10::ScalarType::Half;
  static constexpr double tolerance = 4e-3;

  double initial_scale = 65536;  ///< of the loss, a power of two
  double patience = 500;         ///< steps without overflow after which the scale doubles

  template <class Visitor>
  void options(Visitor&& visit) {
    visit("loss-scale", initial_scale, "what the loss is multiplied with at first, a power of two; it is halved at each overflow");
    visit("loss-scale-steps", patience, "steps without overflow after which the loss scale doubles");
  }

  /// Throws `error` where a number is out of its range.
  void check() const {
    int exponent = 0;
    if (!(initial_scale >= loss_scale::least && initial_scale <= loss_scale::most) || std::frexp(initial_scale, &exponent) != 0.5) {
      throw error("cannot train with --loss-scale " + std::to_string(initial_scale), "it is not a power of two up to 2^24", "give a scale such as 65536");
    }
    if (!(patience >= 1 && patience <= 1e9 && patience == std::floor(patience))) {
      throw error("cannot train with --loss-scale-steps " + std::to_string(patience), "it is not a number of steps", "give a number such as 500");
    }
  }

  [[nodiscard]] loss_scale scaling() const { return {initial_scale, static_cast<std::int64_t>(patience)}; }

  struct scope : autocast_scope {
    explicit scope(c10::DeviceType device) : autocast_scope(device, compute_type) {}
  };
};

}  // namespace axonzoo
