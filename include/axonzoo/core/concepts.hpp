#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>

namespace axonzoo {

/// The axes of a variant. A policy says which axis it belongs to by a nested type `axis`, so that a policy given in the
/// wrong place is told so.
namespace axes {
struct model {};
struct precision {};
struct pruning {};
struct parallel {};
}  // namespace axes

template <class Policy, class Axis>
concept policy_of = requires {
  { Policy::name } -> std::convertible_to<std::string_view>;
  typename Policy::axis;
  requires std::same_as<typename Policy::axis, Axis>;
};

/// `make(channels, classes)` gives a shared pointer to an axonzoo::network (docs/add-a-model.md). A model that starts from a file of weights says so by
/// `starts_from_weights` and gives what makes it by `from(weights, origin)` (models/neuro_sam_unet.hpp); a promptable one says by `prompts` what of it trains
/// (models/promptable.hpp).
template <class M>
concept model_policy = policy_of<M, axes::model> && (requires(M m, std::int64_t n) { m.make(n, n); } || requires { M::starts_from_weights; } || requires { M::prompts; });

/// `scope` is held while the network runs and `compute_type` is what its activations are stored in.
template <class P>
concept precision_policy = policy_of<P, axes::precision> && requires {
  P::compute_type;
  typename P::scope;
};

/// `state` decides, at a moment of training, which channels leave.
template <class P>
concept pruning_policy = policy_of<P, axes::pruning> && requires { typename P::state; };

/// `connect(launch)` gives the communicator of this rank.
template <class P>
concept parallel_policy = policy_of<P, axes::parallel> && requires { P::many_ranks; };

}  // namespace axonzoo
