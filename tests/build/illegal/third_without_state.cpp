// expect: axonzoo::variant: the third argument is not a pruning policy (concept pruning_policy); see docs/architecture.md
#include "policies.hpp"

struct stateless {
  using axis = axonzoo::axes::pruning;
  static constexpr std::string_view name = "stateless";
};

bool legal = axonzoo::variant<illegal::model, illegal::precision, stateless, illegal::parallel>::legal;
