// expect: axonzoo::variant: the second argument is not a precision (concept precision_policy); see docs/architecture.md
#include "policies.hpp"

bool legal = axonzoo::variant<illegal::model, illegal::pruning, illegal::precision, illegal::parallel>::legal;
