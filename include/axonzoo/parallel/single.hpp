#pragma once

#include <memory>
#include <string_view>

#include <c10/core/Device.h>

#include <axonzoo/core/concepts.hpp>
#include <axonzoo/fwd.hpp>
#include <axonzoo/parallel/communicator.hpp>
#include <axonzoo/parallel/launch.hpp>

namespace axonzoo {

/// One process.
struct single {
  using axis = axes::parallel;
  static constexpr std::string_view name = "single";
  static constexpr bool many_ranks = false;

  static std::unique_ptr<communicator> connect(const rank_place&, c10::Device) { return std::make_unique<alone>(); }
};

}  // namespace axonzoo
