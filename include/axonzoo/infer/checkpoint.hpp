#pragma once

#include <charconv>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
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
};

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
  } catch (const nlohmann::json::exception& failure) {
    throw error("cannot use " + origin + " as a checkpoint", failure.what(), "give a checkpoint.safetensors that a variant program wrote");
  }
  if (facts.classes.size() < 2 || facts.classes.size() > 255 || facts.channels < 1 || facts.channels > 64 || facts.patch < 1 || facts.patch > 65536) {
    throw error("cannot use " + origin + " as a checkpoint", "its metadata hold a number out of range", "give a checkpoint.safetensors that a variant program wrote");
  }
  return facts;
}

}  // namespace axonzoo
