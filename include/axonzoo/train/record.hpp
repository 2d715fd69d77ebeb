#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros.h>
#include <torch/version.h>

#include <nlohmann/json.hpp>

#include <axonzoo/core/device.hpp>
#include <axonzoo/core/hardware.hpp>
#include <axonzoo/data/dataset.hpp>
#include <axonzoo/data/split.hpp>
#include <axonzoo/nn/macs.hpp>
#include <axonzoo/nn/network.hpp>
#include <axonzoo/train/options.hpp>
#include <axonzoo/train/recipe.hpp>

#ifndef AXONZOO_VERSION
#define AXONZOO_VERSION "0.1.0"
#endif

namespace axonzoo {

inline std::int64_t parameter_count(const network& net) {
  std::int64_t count = 0;
  for (const auto& parameter : net.parameters()) count += parameter.numel();
  return count;
}

/// Multiply-accumulates of one patch of `side` px.
inline std::int64_t patch_macs(network& net, std::int64_t channels, std::int64_t side) {
  const at::NoGradGuard no_gradients;
  const bool training = net.is_training();
  net.eval();
  const mac_counter counter;
  const auto stride = net.stride();
  const auto padded = (side + stride - 1) / stride * stride;
  auto options = net.parameters().front().options();
  if (!c10::isFloatingType(c10::typeMetaToScalarType(options.dtype()))) options = options.dtype(at::kFloat);
  net.forward(at::zeros({1, channels, padded, padded}, options).contiguous(at::MemoryFormat::ChannelsLast));
  net.train(training);
  return counter.count();
}

/// Patches of the training size that the network segments in a second, one at a time, without flips.
inline double patches_per_second(network& net, const recipe& chosen, c10::Device device, std::int64_t channels, std::int64_t side) {
  const at::NoGradGuard no_gradients;
  const auto scope = chosen.setting.enter(device.type());
  net.eval();
  const auto stride = net.stride();
  const auto padded = (side + stride - 1) / stride * stride;
  const auto patch = at::zeros({1, channels, padded, padded}).to(device, chosen.setting.compute_type).contiguous(at::MemoryFormat::ChannelsLast);
  std::vector<double> seconds;
  for (int i = 0; i < 8; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    net.forward(patch).front().select(0, 0).select(0, 0).select(0, 0).select(0, 0).item<float>();
    if (i >= 3) seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  std::sort(seconds.begin(), seconds.end());
  return 1 / seconds[seconds.size() / 2];
}

namespace detail {

template <class Field>
nlohmann::json listed(const dataset& data, const std::vector<std::size_t>& members, Field field) {
  nlohmann::json names = nlohmann::json::array();
  std::set<std::string> seen;
  for (const auto member : members) {
    const auto& name = data.micrographs[member].*field;
    if (seen.insert(name).second) names.push_back(name);
  }
  return names;
}

}  // namespace detail

/// The parts of a record that are known before training: variant, data and split, options, machine, versions. docs/results-json.md is its schema.
inline nlohmann::json record_of(const recipe& chosen, const train_options& options, const std::vector<std::filesystem::path>& folders,
                                const dataset& data, const split& parts, const target_pixel_size& pixel_size, int ranks) {
  const auto machine = this_machine();
  nlohmann::json numbers = nlohmann::json::object();
  for (const auto& number : chosen.numbers) {
    if (number.words.empty()) {
      numbers[number.name] = *number.value;
    } else {
      numbers[number.name] = number.words.at(static_cast<std::size_t>(*number.value));
    }
  }
  nlohmann::json augmentations = {{"turns", options.augment.turns}};
  for (const auto& [name, chance] : augmentation::changes) augmentations[std::string(name)] = options.augment.*chance;
  nlohmann::json names = nlohmann::json::array();
  for (const auto& folder : folders) names.push_back(folder.string());
  nlohmann::json split_json, subjects;
  const std::pair<const char*, const std::vector<std::size_t>*> sides[] = {
      {"train", &parts.train}, {"validation", &parts.validation}, {"test", &parts.test}};
  for (const auto& [name, members] : sides) {
    split_json[name] = detail::listed(data, *members, &micrograph::name);
    subjects[name] = detail::listed(data, *members, &micrograph::subject);
  }
  nlohmann::json record = {
      {"schema", 1},
      {"variant", {{"name", chosen.variant}, {"model", chosen.model}, {"precision", chosen.precision}, {"pruning", chosen.pruning}, {"parallel", chosen.parallel}}},
      {"options",
       {{"steps", options.steps}, {"epochs", options.epochs}, {"minutes", options.minutes}, {"batch", options.batch}, {"accumulate", options.accumulate}, {"patch", options.patch},
        {"workers", options.workers}, {"optimizer", options.optimizer}, {"learning_rate", options.learning_rate}, {"schedule", options.schedule},
        {"average_decay", options.average_decay}, {"validation_share", options.validation_share}, {"turns", options.turns},
        {"tile_overlap", options.tile_overlap}, {"device", options.device}, {"augmentation", augmentations}, {"policies", numbers}}},
      {"ranks", ranks},
      {"data", {{"folders", names}, {"classes", data.classes}, {"pixel_size", pixel_size}, {"split", split_json}, {"subjects", subjects}}},
      {"seed", options.seed},
      {"hardware", {{"cpu", machine.cpu}, {"cores", machine.cores}, {"memory_bytes", machine.memory_bytes}, {"gpu", options.device == "cuda" ? nlohmann::json(this_gpu().name) : nlohmann::json()}}},
      {"versions", {{"axonzoo", AXONZOO_VERSION}, {"torch", TORCH_VERSION}, {"compiler", std::string("g++ ") + __VERSION__}}}};
  return record;
}

}  // namespace axonzoo
