#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <axonzoo/models/sam/layers.hpp>

namespace axonzoo {

/// Registers copies of the tensors in `root` under their dotted names ("mask_decoder.iou_token.weight"), in float32: statistics and tables that do not train as
/// buffers, the others as parameters. Gives what was registered.
[[nodiscard]] inline named_weights register_weights(torch::nn::Module& root, const std::map<std::string, at::Tensor>& tensors) {
  named_weights own;
  std::map<std::string, std::shared_ptr<torch::nn::Module>> branches;
  for (const auto& [name, tensor] : tensors) {
    torch::nn::Module* at = &root;
    std::size_t begin = 0;
    for (std::size_t dot = name.find('.'); dot != std::string::npos; begin = dot + 1, dot = name.find('.', begin)) {
      auto& child = branches[name.substr(0, dot)];
      if (!child) child = at->register_module(name.substr(begin, dot - begin), std::make_shared<torch::nn::Module>());
      at = child.get();
    }
    const std::string leaf = name.substr(begin);
    const bool statistic = leaf.starts_with("running_") || leaf == "num_batches_tracked" || leaf.starts_with("positional_encoding");
    at::Tensor copy = tensor.to(leaf == "num_batches_tracked" ? at::kLong : at::kFloat, false, true);
    if (copy.dim() == 4 && leaf != "pos_embed") copy = copy.contiguous(at::MemoryFormat::ChannelsLast);
    own.emplace(name, statistic ? at->register_buffer(leaf, copy) : at->register_parameter(leaf, copy));
  }
  return own;
}

}  // namespace axonzoo
