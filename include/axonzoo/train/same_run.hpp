#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>

#include <ATen/core/Tensor.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include <nlohmann/json.hpp>

#include <axonzoo/core/error.hpp>
#include <axonzoo/data/dataset.hpp>
#include <axonzoo/parallel/communicator.hpp>

namespace axonzoo {

/// Of a record that is known before training (`record_of`), what all ranks must have alike, and the size of each file of `data`.
inline nlohmann::json what_ranks_share(const nlohmann::json& record, const dataset& data) {
  nlohmann::json shared;
  for (const auto* key : {"variant", "options", "ranks", "data", "seed"}) shared[key] = record.at(key);
  shared["options"].erase("workers");
  shared["data"].erase("folders");  // machines may mount them elsewhere
  shared["versions"] = record.at("versions").at("axonzoo");
  const auto add = [&](const std::string& name, const std::filesystem::path& path) {
    std::error_code unknown;
    const auto bytes = std::filesystem::file_size(path, unknown);
    shared["bytes of files"][name + ", " + path.filename().string()] = unknown ? 0 : bytes;
  };
  for (const auto& one : data.micrographs) {
    add(one.name, one.path);
    for (const auto& mask : one.masks) add(one.name, mask.path);
  }
  return shared;
}

/// Throws `error` on all ranks where one was started for another run than rank 0: they would wait for each other for ever, or spoil each other's weights. Collective.
inline void require_same_run(const nlohmann::json& shared, communicator& ranks) {
  if (ranks.world_size() == 1) return;
  const auto own = shared.dump();
  auto size = at::full({1}, static_cast<std::int64_t>(own.size()), at::kLong);
  ranks.broadcast(size);
  auto text = at::zeros({size.item<std::int64_t>()}, at::kByte);
  if (ranks.rank() == 0) std::copy(own.begin(), own.end(), text.mutable_data_ptr<std::uint8_t>());
  ranks.broadcast(text);
  const auto* const begin = text.const_data_ptr<std::uint8_t>();
  const std::string first(begin, begin + text.numel());

  auto strangers = at::zeros({ranks.world_size()}, at::kLong);
  if (own != first) strangers[ranks.rank()] = 1;
  ranks.sum(strangers);
  if (strangers.max().item<std::int64_t>() == 0) return;
  const std::string mend = "start all ranks with the same program, options and data";
  if (own == first) throw error("cannot train with rank " + std::to_string(strangers.argmax().item<std::int64_t>()), "it was started for another run", mend);
  const auto of_first = nlohmann::json::parse(first);
  const auto change = nlohmann::json::diff(of_first, shared).front();
  const nlohmann::json::json_pointer place(change.at("path").get<std::string>());
  const auto at = [&](const nlohmann::json& run) { return run.contains(place) ? run.at(place).dump() : "not there"; };
  throw error("rank " + std::to_string(ranks.rank()) + " cannot train with rank 0", "its " + place.to_string().substr(1) + " is " + at(shared) + " and that of rank 0 is " + at(of_first), mend);
}

}  // namespace axonzoo
