// expect: axonzoo: this combination of policies is illegal; variant<...>::illegal says why, and docs/architecture.md lists them
#include "policies.hpp"

#include <axonzoo/models/promptable.hpp>
#include <axonzoo/pruning/alternate_slimming.hpp>
#include <axonzoo/train/recipe.hpp>

using chosen = axonzoo::variant<axonzoo::neuro_sam_tiny, illegal::precision, axonzoo::alternate_slimming, illegal::parallel>;
auto made = axonzoo::recipe_of<chosen>();
