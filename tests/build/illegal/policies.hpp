#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include <axonzoo/core/variant.hpp>

// Policies that fit their concepts and do nothing, so that each file here is wrong in one place only, and compiles in a moment.
namespace illegal {

struct model {
  using axis = axonzoo::axes::model;
  static constexpr std::string_view name = "model";
  std::shared_ptr<int> make(std::int64_t, std::int64_t) { return nullptr; }
};

struct precision {
  using axis = axonzoo::axes::precision;
  static constexpr std::string_view name = "precision";
  static constexpr int compute_type = 0;
  struct scope {};
};

struct pruning {
  using axis = axonzoo::axes::pruning;
  static constexpr std::string_view name = "pruning";
  struct state {};
};

struct parallel {
  using axis = axonzoo::axes::parallel;
  static constexpr std::string_view name = "parallel";
  static constexpr bool many_ranks = false;
};

}  // namespace illegal
