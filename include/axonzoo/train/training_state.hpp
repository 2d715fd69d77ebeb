#pragma once

#include <filesystem>
#include <map>
#include <string>

#include <ATen/core/Tensor.h>

#include <nlohmann/json.hpp>

#include <axonzoo/core/error.hpp>
#include <axonzoo/io/safetensors.hpp>

namespace axonzoo {

/// All that a run needs to go on as if it had never stopped.
struct training_state {
  std::map<std::string, at::Tensor> network, average, optimizer, pruning, teacher;
  nlohmann::json facts;  ///< counters, history, seconds, and the options that must not change
};

inline std::filesystem::path training_state_path(const std::filesystem::path& out) { return out / "training_state.safetensors"; }

inline bool has_training_state(const std::filesystem::path& out) { return std::filesystem::exists(training_state_path(out)); }

/// One file, written beside its place and renamed: a killed run leaves the former state.
inline void write_training_state(const std::filesystem::path& out, const training_state& state) {
  tensor_file file;
  const auto put = [&](const char* prefix, const std::map<std::string, at::Tensor>& tensors) {
    for (const auto& [name, tensor] : tensors) file.tensors.emplace(prefix + name, tensor.detach().cpu().contiguous());
  };
  put("network/", state.network);
  put("average/", state.average);
  put("optimizer/", state.optimizer);
  put("pruning/", state.pruning);
  put("teacher/", state.teacher);
  file.metadata = {{"format", "axonzoo training state 1"}, {"facts", state.facts.dump()}};
  write_safetensors(training_state_path(out), file);
}

/// Throws `error` where the file is not a training state.
inline training_state read_training_state(const std::filesystem::path& out) {
  const auto path = training_state_path(out);
  const auto file = read_safetensors(path);
  training_state state;
  for (const auto& [name, tensor] : file.tensors) {
    const auto slash = name.find('/');
    const auto kind = name.substr(0, slash), rest = slash == std::string::npos ? name : name.substr(slash + 1);
    auto& part = kind == "network" ? state.network : kind == "average" ? state.average : kind == "pruning" ? state.pruning : kind == "teacher" ? state.teacher : state.optimizer;
    part.emplace(rest, tensor);
  }
  const auto facts = file.metadata.find("facts");
  state.facts = facts == file.metadata.end() ? nlohmann::json() : nlohmann::json::parse(facts->second, nullptr, false);
  if (!state.facts.is_object()) throw error("cannot resume from '" + path.string() + "'", "it is not a training state", "start anew without --resume");
  return state;
}

}  // namespace axonzoo
