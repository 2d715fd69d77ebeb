// expect: axonzoo::variant: the first argument is not a model (concept model_policy); see docs/add-a-model.md
#include "policies.hpp"

// axonzoo/models/unet.hpp is not included: the variant can be named, and using it says so.
bool legal = axonzoo::variant<axonzoo::unet, illegal::precision, illegal::pruning, illegal::parallel>::legal;
