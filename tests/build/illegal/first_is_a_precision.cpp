// expect: axonzoo::variant: the first argument is not a model (concept model_policy); see docs/add-a-model.md
#include "policies.hpp"

bool legal = axonzoo::variant<illegal::precision, illegal::precision, illegal::pruning, illegal::parallel>::legal;
