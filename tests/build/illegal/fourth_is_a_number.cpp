// expect: axonzoo::variant: the fourth argument is not a parallel strategy (concept parallel_policy); see docs/architecture.md
#include "policies.hpp"

bool legal = axonzoo::variant<illegal::model, illegal::precision, illegal::pruning, int>::legal;
