#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <axonzoo/core/random.hpp>
#include <axonzoo/models/sam/shapes.hpp>

#include "made_runs.hpp"

// Random weights of a narrow SAM as a .safetensors, a ViT's for images of that side, written and read without LibTorch.
namespace made {

inline void sam_weights(const made_folder& folder, const std::string& name, bool tiny = true, std::int64_t image = 1024) {
  axonzoo::recognised_sam sam;
  axonzoo::tensor_shapes given{{"prompt_encoder.no_mask_embed.weight", {1, 32}}};
  if (tiny) {
    sam.widths = {8, 16, 16, 16};
    sam.depths = {1, 1, 1, 1};
    sam.heads = {0, 2, 2, 2};
    sam.windows = {0, 7, 14, 7};
    sam.patch = 1;
    sam.image = 256;
  } else {
    sam.widths = {24};
    sam.depths = {2};
    sam.heads = {2};
    sam.windows = {14};
    sam.global_blocks = {1};
    sam.image = image;
  }
  for (int layer = 0; layer < 2; ++layer) given["mask_decoder.transformer.layers." + std::to_string(layer) + ".mlp.lin1.weight"] = {64, 32};
  nlohmann::json header;
  std::string bytes;
  axonzoo::random_stream lots(11);
  for (const auto& [tensor, shape] : axonzoo::sam_shapes(sam, given)) {
    std::int64_t count = 1, fan_in = 1;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      count *= shape[axis];
      if (axis > 0) fan_in *= shape[axis];
    }
    const auto begin = bytes.size();
    const bool gain = tensor.ends_with("running_var") || (shape.size() == 1 && tensor.ends_with(".weight")), counter = tensor.ends_with("num_batches_tracked");
    for (std::int64_t i = 0; i < count; ++i) {
      const float value = gain ? 1.f : shape.size() < 2 ? 0.f : static_cast<float>(lots.normal() / std::sqrt(static_cast<double>(fan_in)));
      bytes.append(counter ? std::string(8, '\0') : std::string(reinterpret_cast<const char*>(&value), 4));
    }
    header[tensor] = {{"dtype", counter ? "I64" : "F32"}, {"shape", shape}, {"data_offsets", {begin, bytes.size()}}};
  }
  const auto text = header.dump();
  const std::uint64_t length = text.size();
  folder.text(name, std::string(reinterpret_cast<const char*>(&length), 8) + text + bytes);
}

/// Bytes of each tensor.
inline std::map<std::string, std::string> tensors(const made_folder& folder, const std::string& name) {
  const auto file = content(folder.path() / name);
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), 8);
  std::map<std::string, std::string> found;
  const auto header = nlohmann::json::parse(file.substr(8, length));
  for (const auto& [tensor, about] : header.items()) {
    if (tensor == "__metadata__") continue;
    const auto begin = about.at("data_offsets").at(0).get<std::size_t>(), end = about.at("data_offsets").at(1).get<std::size_t>();
    found[tensor] = file.substr(8 + length + begin, end - begin);
  }
  return found;
}

}  // namespace made
