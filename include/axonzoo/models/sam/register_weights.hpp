#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <axonzoo/models/sam/layers.hpp>

namespace axonzoo {

namespace detail {

/// Weights that an image encoder multiplies with and that are worth rounding to 8 bits: not those that merge patches, which are few and have no way around them that
/// keeps what rounding takes, nor what embeds prompts and decodes masks, a few tokens at a time.
inline bool is_roundable(const std::string& name) { return name.starts_with("image_encoder.") && name.find(".downsample.") == std::string::npos; }

}  // namespace detail

/// Registers copies of the tensors in `root` under their dotted names ("mask_decoder.iou_token.weight"), in float32: statistics and tables that do not train as
/// buffers, the others as parameters. Gives what was registered. `roundable`: the weights that the image encoder multiplies with are layers that can be rounded to
/// 8 bits, and are so where `rounding` has what belongs to them.
[[nodiscard]] inline named_weights register_weights(torch::nn::Module& root, const std::map<std::string, at::Tensor>& tensors, bool roundable = false,
                                                    const std::map<std::string, at::Tensor>& rounding = {}) {
  named_weights own;
  std::map<std::string, std::shared_ptr<torch::nn::Module>> branches;
  const auto converted = [](const at::Tensor& tensor, c10::ScalarType type) {
    at::Tensor copy = tensor.to(type, false, true);
    return copy.dim() == 4 ? copy.contiguous(at::MemoryFormat::ChannelsLast) : copy;
  };
  const auto made = [&](const std::string& name) -> std::shared_ptr<torch::nn::Module> {
    const auto weight = tensors.find(name + ".weight");
    if (!roundable || !detail::is_roundable(name) || weight == tensors.end() || weight->second.dim() < 2) return std::make_shared<torch::nn::Module>();
    const auto layer = std::make_shared<product_layer>(converted(weight->second, at::kFloat));
    if (const auto scale = rounding.find(name + ".weight_scale"), range = rounding.find(name + ".input_range"); scale != rounding.end() && range != rounding.end()) {
      layer->take_rounded(converted(weight->second, weight->second.scalar_type()), converted(scale->second, at::kFloat), converted(range->second, at::kFloat));
    }
    own.layers.emplace(name, layer);
    return layer;
  };
  for (const auto& [name, tensor] : tensors) {
    torch::nn::Module* at = &root;
    std::size_t begin = 0;
    for (std::size_t dot = name.find('.'); dot != std::string::npos; begin = dot + 1, dot = name.find('.', begin)) {
      auto& child = branches[name.substr(0, dot)];
      if (!child) child = at->register_module(name.substr(begin, dot - begin), made(name.substr(0, dot)));
      at = child.get();
    }
    const std::string leaf = name.substr(begin);
    if (const auto layer = dynamic_cast<const product_layer*>(at); layer != nullptr && leaf == "weight") {
      own.emplace(name, layer->weight());
      continue;
    }
    const bool statistic = leaf.starts_with("running_") || leaf == "num_batches_tracked" || leaf.starts_with("positional_encoding");
    at::Tensor copy = tensor.to(leaf == "num_batches_tracked" ? at::kLong : at::kFloat, false, true);
    if (copy.dim() == 4 && leaf != "pos_embed") copy = copy.contiguous(at::MemoryFormat::ChannelsLast);
    own.emplace(name, statistic ? at->register_buffer(leaf, copy) : at->register_parameter(leaf, copy));
  }
  return own;
}

}  // namespace axonzoo
