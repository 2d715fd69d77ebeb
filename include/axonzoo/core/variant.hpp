#pragma once

#include <string>
#include <string_view>

#include <axonzoo/core/concepts.hpp>
#include <axonzoo/fwd.hpp>

namespace axonzoo {

/// Why a combination cannot be, as a sentence; empty where it can. A policy that excludes others specialises this.
template <class Model, class Precision, class Pruning, class Parallel>
inline constexpr std::string_view illegal_because = {};

/// One combination of policies. The checks stand in the body: a constrained head would make a forward-declared policy an
/// error and drag LibTorch into every program.
template <class Model, class Precision, class Pruning, class Parallel>
struct variant {
  static_assert(model_policy<Model>,
                "axonzoo::variant: the first argument is not a model (concept model_policy); see docs/add-a-model.md");
  static_assert(precision_policy<Precision>,
                "axonzoo::variant: the second argument is not a precision (concept precision_policy); see docs/architecture.md");
  static_assert(pruning_policy<Pruning>,
                "axonzoo::variant: the third argument is not a pruning policy (concept pruning_policy); see docs/architecture.md");
  static_assert(parallel_policy<Parallel>,
                "axonzoo::variant: the fourth argument is not a parallel strategy (concept parallel_policy); see docs/architecture.md");

  using model = Model;
  using precision = Precision;
  using pruning = Pruning;
  using parallel = Parallel;

  static constexpr std::string_view illegal = illegal_because<Model, Precision, Pruning, Parallel>;
  static constexpr bool legal = illegal.empty();

  /// "unet/bf16/none/ddp"
  static std::string name() {
    return std::string(Model::name) + '/' + std::string(Precision::name) + '/' + std::string(Pruning::name) + '/' +
           std::string(Parallel::name);
  }
};

}  // namespace axonzoo
