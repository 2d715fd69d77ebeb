#pragma once

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <axonzoo/core/error.hpp>
#include <axonzoo/data/target_pixel_size.hpp>
#include <axonzoo/io/safetensors.hpp>
#include <axonzoo/nn/channels.hpp>
#include <axonzoo/nn/network.hpp>

namespace axonzoo {

/// What inference must know besides the weights.
struct checkpoint_facts {
  std::string variant;  ///< "unet/bf16/magnitude/single"
  std::string model;    ///< "unet"
  std::string precision;
  std::vector<std::string> classes;
  std::int64_t channels = 1;
  target_pixel_size pixel_size;  ///< um the network was trained at
  std::int64_t patch = 256; ///< px of a training patch
  std::map<std::string, std::pair<double, double>> trained_on;  ///< least and largest pixel size (um) of the training's images by contrast; empty where not known
};

/// Takes an image of the training into `trained_on`.
inline void widen(std::map<std::string, std::pair<double, double>>& trained_on, const std::string& contrast, double pixel_size) {
  if (!(pixel_size > 0)) return;
  auto& [least, largest] = trained_on.emplace(contrast, std::pair(pixel_size, pixel_size)).first->second;
  least = std::min(least, pixel_size);
  largest = std::max(largest, pixel_size);
}

/// What speaks against using a network on an image: another contrast than the training's, or pixels beyond its range by more than the scales that
/// augmentation adds. Empty where nothing is known or wrong. A contrast that is no BIDS suffix is not judged: it is some end of a name.
inline std::string doubt(const checkpoint_facts& facts, double pixel_size, const std::string& contrast) {
  static const std::set<std::string> suffixes{"TEM", "SEM", "uCT", "BF", "DF", "PC", "DIC", "FLUO", "CONF", "PLI", "CARS", "2PE", "MPE", "SR", "NLO", "OCT", "SPIM", "XPCT"};
  if (facts.trained_on.empty()) return {};
  const auto um = [](double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3g", value);
    return std::string(text);
  };
  auto range = facts.trained_on.find(contrast);
  if (range == facts.trained_on.end()) {
    std::string known;
    for (const auto& [name, ignored] : facts.trained_on) known += (known.empty() ? "" : ", ") + name;
    if (suffixes.contains(contrast) && !facts.trained_on.contains("")) return "the network was trained on " + known + ", the image is " + contrast;
    if (facts.trained_on.size() != 1) return {};
    range = facts.trained_on.begin();
  }
  const auto [least, largest] = range->second;
  constexpr double scales = 1.25;
  if (!(pixel_size > 0) || (pixel_size * scales >= least && pixel_size <= largest * scales)) return {};
  return "the network was trained on pixels of " + um(least) + (least < largest ? " to " + um(largest) : "") + " um, the image's have " + um(pixel_size) + " um";
}

/// Takes the tensors' contents and shapes into the network, in its own floating types: narrower ones are how a pruned network comes back. Throws `error` listing
/// what is missing, surplus or does not fit together.
inline void load_tensors(network& net, const std::map<std::string, at::Tensor>& tensors, const std::string& origin) {
  auto own = named_tensors(net);
  std::string wrong;
  const auto note = [&wrong](const std::string& text) { wrong += (wrong.empty() ? "" : ", ") + text; };
  for (const auto& [name, tensor] : own) {
    const auto found = tensors.find(name);
    if (found == tensors.end()) {
      note("lacks " + name);
    } else if (found->second.dim() != tensor.dim() || (found->second.scalar_type() != tensor.scalar_type() && !(found->second.is_floating_point() && tensor.is_floating_point()))) {
      note(name + " has another rank or type");
    }
    if (wrong.size() > 300) break;
  }
  for (const auto& [name, tensor] : tensors) {
    if (wrong.size() > 300) break;
    if (!own.contains(name)) note("surplus " + name);
  }
  if (!wrong.empty()) throw error("cannot load weights from " + origin, wrong, "give a checkpoint of this model");
  for (auto& [name, tensor] : own) replace_contents(tensor, tensors.at(name).to(tensor.device(), tensor.scalar_type(), /*non_blocking=*/false, /*copy=*/true));
  for (const auto& group : net.channel_groups()) {
    for (const auto& axis : group.axes) {
      if (axis.offset + group.channels > own.at(axis.tensor).size(axis.axis)) {
        throw error("cannot load weights from " + origin, axis.tensor + " is too narrow for the " + std::to_string(group.channels) + " channels of " + group.name,
                    "give a checkpoint that is whole");
      }
    }
  }
}

/// Makes what `make` makes, with the contents and the shapes of these tensors. What it makes throws as `load_tensors` does.
inline network_maker maker_with(network_maker make, std::map<std::string, at::Tensor> tensors, const std::string& origin) {
  return [make = std::move(make), held = std::make_shared<const std::map<std::string, at::Tensor>>(std::move(tensors)), origin](std::int64_t channels, std::int64_t classes) {
    auto net = make(channels, classes);
    load_tensors(*net, *held, origin);
    return net;
  };
}

inline void write_checkpoint(const std::filesystem::path& path, const std::map<std::string, at::Tensor>& tensors, const checkpoint_facts& facts) {
  tensor_file file;
  for (const auto& [name, tensor] : tensors) file.tensors.emplace(name, tensor.detach().cpu().contiguous());
  const nlohmann::json classes = facts.classes;
  file.metadata = {{"format", "axonzoo checkpoint 1"},
                   {"variant", facts.variant},
                   {"model", facts.model},
                   {"precision", facts.precision},
                   {"classes", classes.dump()},
                   {"channels", std::to_string(facts.channels)},
                   {"pixel_size", nlohmann::json(facts.pixel_size).dump()},
                   {"patch", std::to_string(facts.patch)},
                   {"trained_on", nlohmann::json(facts.trained_on).dump()},
                   {"normalisation", "z-score per image and channel"}};
  write_safetensors(path, file);
}

/// Throws `error` where the metadata are not a checkpoint's.
inline checkpoint_facts read_facts(const tensor_file& file, const std::string& origin) {
  const auto text = [&](const char* key) -> const std::string& {
    const auto found = file.metadata.find(key);
    if (found == file.metadata.end()) {
      throw error("cannot use " + origin + " as a checkpoint", std::string("its metadata lack '") + key + "'", "give a checkpoint.safetensors that a variant program wrote");
    }
    return found->second;
  };
  checkpoint_facts facts;
  try {
    facts.variant = text("variant");
    facts.model = text("model");
    facts.precision = text("precision");
    facts.classes = nlohmann::json::parse(text("classes")).get<std::vector<std::string>>();
    facts.channels = nlohmann::json::parse(text("channels")).get<std::int64_t>();
    facts.pixel_size = nlohmann::json::parse(text("pixel_size")).get<target_pixel_size>();
    facts.patch = nlohmann::json::parse(text("patch")).get<std::int64_t>();
    if (file.metadata.contains("trained_on")) facts.trained_on = nlohmann::json::parse(text("trained_on")).get<decltype(facts.trained_on)>();
  } catch (const nlohmann::json::exception& failure) {
    throw error("cannot use " + origin + " as a checkpoint", failure.what(), "give a checkpoint.safetensors that a variant program wrote");
  }
  if (facts.classes.size() < 2 || facts.classes.size() > 255 || facts.channels < 1 || facts.channels > 64 || facts.patch < 1 || facts.patch > 65536) {
    throw error("cannot use " + origin + " as a checkpoint", "its metadata hold a number out of range", "give a checkpoint.safetensors that a variant program wrote");
  }
  return facts;
}

}  // namespace axonzoo
