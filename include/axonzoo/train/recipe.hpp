#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <c10/core/Device.h>

#include <axonzoo/core/variant.hpp>
#include <axonzoo/infer/checkpoint.hpp>
#include <axonzoo/io/safetensors.hpp>
#include <axonzoo/models/promptable_setting.hpp>
#include <axonzoo/nn/network.hpp>
#include <axonzoo/parallel/communicator.hpp>
#include <axonzoo/parallel/launch.hpp>
#include <axonzoo/precision/loss_scale.hpp>
#include <axonzoo/precision/registry.hpp>
#include <axonzoo/precision/weight_storage.hpp>
#include <axonzoo/pruning/policy.hpp>
#include <axonzoo/train/tasks.hpp>

namespace axonzoo {

/// A number of a policy that the command line may set.
struct policy_number {
  std::string name;
  double* value;
  std::string help;
  std::vector<std::string> words;  ///< that stand for 0, 1, ...; none where it is a number
};

/// A variant with its types erased: what the untemplated loop needs. Made by `recipe_of<V>()`.
struct recipe {
  std::string variant, model, precision, pruning, parallel;
  network_maker make_network;  ///< of random weights; empty where the model needs others to start from
  std::function<network_maker(tensor_file, const std::string& origin)> from_weights;  ///< the same from a file of weights; empty where the model is promptable
  std::optional<promptable_setting> prompts;  ///< of a promptable model
  task_maker make_task = nullptr;
  precision_setting setting;
  std::function<std::unique_ptr<pruner>()> start_pruning;
  std::function<loss_scale()> start_scaling;
  std::function<weight_storage()> storage;
  std::function<std::unique_ptr<communicator>(const rank_place&, c10::Device)> connect;
  bool many_ranks = false;
  std::vector<policy_number> numbers;  ///< point into the policies, which the functions above hold
  std::function<void()> check;         ///< throws `error` for a number out of its range

  [[nodiscard]] bool needs_weights() const { return !make_network; }
};

/// The four policies of a variant with their numbers: fill in, then `recipe_of(policies)`.
template <class Variant>
struct policies {
  typename Variant::model model;
  typename Variant::precision precision;
  typename Variant::pruning pruning;
  typename Variant::parallel parallel;
};

namespace detail {

template <class Policy>
void collect_numbers(Policy& policy, std::vector<policy_number>& numbers) {
  const auto visit = [&](const char* name, double& value, const char* help, std::vector<std::string> words = {}) { numbers.push_back({name, &value, help, std::move(words)}); };
  if constexpr (requires { policy.options(visit); }) policy.options(visit);
}

template <class Policy>
void check_numbers(const Policy& policy) {
  if constexpr (requires { policy.check(); }) policy.check();
}

}  // namespace detail

template <class Variant>
recipe recipe_of(policies<Variant> chosen = {}) {
  static_assert(Variant::legal, "axonzoo: this combination of policies is illegal; variant<...>::illegal says why, and docs/architecture.md lists them");
  auto held = std::make_shared<policies<Variant>>(std::move(chosen));
  recipe made;
  made.variant = Variant::name();
  made.model = Variant::model::name;
  made.precision = Variant::precision::name;
  made.pruning = Variant::pruning::name;
  made.parallel = Variant::parallel::name;
  made.make_task = promptable_policy<typename Variant::model> ? make_promptable_task : make_dense_task;
  if constexpr (promptable_policy<typename Variant::model>) {
    made.prompts = Variant::model::prompts;
  } else if constexpr (requires { Variant::model::starts_from_weights; }) {
    made.from_weights = [held](tensor_file weights, const std::string& origin) { return held->model.from(std::move(weights), origin); };
  } else {
    made.make_network = [held](auto channels, auto classes) { return held->model.make(channels, classes); };
    made.from_weights = [held](tensor_file weights, const std::string& origin) {
      auto model = held->model;
      if constexpr (requires { model.take_depth(weights.tensors); }) model.take_depth(weights.tensors);
      return maker_with([model](auto channels, auto classes) mutable { return model.make(channels, classes); }, std::move(weights.tensors), origin);
    };
  }
  made.setting = setting_of<typename Variant::precision>();
  made.start_pruning = [held]() -> std::unique_ptr<pruner> { return std::make_unique<typename Variant::pruning::state>(held->pruning); };
  made.start_scaling = [held]() -> loss_scale {
    if constexpr (requires { held->precision.scaling(); }) return held->precision.scaling();
    return {};
  };
  made.storage = [held]() -> weight_storage {
    if constexpr (requires { held->precision.storage(); }) return held->precision.storage();
    return {};
  };
  made.connect = [held](const rank_place& place, c10::Device device) { return held->parallel.connect(place, device); };
  made.many_ranks = Variant::parallel::many_ranks;
  detail::collect_numbers(held->model, made.numbers);
  detail::collect_numbers(held->precision, made.numbers);
  detail::collect_numbers(held->pruning, made.numbers);
  detail::collect_numbers(held->parallel, made.numbers);
  made.check = [held] {
    detail::check_numbers(held->model);
    detail::check_numbers(held->precision);
    detail::check_numbers(held->pruning);
    detail::check_numbers(held->parallel);
  };
  return made;
}

}  // namespace axonzoo
