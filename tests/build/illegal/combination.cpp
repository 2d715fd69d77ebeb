// expect: axonzoo: this combination of policies is illegal; variant<...>::illegal says why, and docs/architecture.md lists them
#include "policies.hpp"

#include <axonzoo/train/recipe.hpp>

// What a policy for inference alone would say of itself.
template <>
inline constexpr std::string_view axonzoo::illegal_because<illegal::model, illegal::precision, illegal::pruning, illegal::parallel> =
    "integers have no gradients";

using chosen = axonzoo::variant<illegal::model, illegal::precision, illegal::pruning, illegal::parallel>;
auto made = axonzoo::recipe_of<chosen>();
