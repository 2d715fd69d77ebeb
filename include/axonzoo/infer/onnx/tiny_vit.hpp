#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include <axonzoo/infer/onnx/encoder_layers.hpp>
#include <axonzoo/infer/onnx/layers.hpp>
#include <axonzoo/models/sam/block_names.hpp>
#include <axonzoo/models/sam/layers.hpp>
#include <axonzoo/models/sam/positions.hpp>
#include <axonzoo/models/sam/recognise.hpp>

namespace axonzoo::detail {

/// `sam_layers::conv_norm`, folded; of each channel alone where `apart`.
inline std::string add_conv_norm(onnx_layers& layers, const std::string& name, const std::string& x, std::int64_t stride = 1, bool apart = false) {
  named_weights own;
  for (const char* each : {".c.weight", ".bn.weight", ".bn.bias", ".bn.running_mean", ".bn.running_var"}) own.emplace(name + each, layers.tensor(name + each));
  const auto [filters, bias] = sam_layers::conv_norm(own, name).folded();
  return layers.convolution(name, x, filters, bias, {.stride = stride, .padding = filters.size(2) / 2, .groups = apart ? filters.size(0) : 1});
}

/// `tiny_vit_convolutions`.
inline std::string add_tiny_vit_convolutions(onnx_layers& layers, const std::string& name, const std::string& x, std::int64_t stride) {
  const auto first = layers.gelu(add_conv_norm(layers, name + ".conv1", x));
  const auto each = layers.gelu(add_conv_norm(layers, name + ".conv2", first, stride, /*apart=*/true));
  return add_conv_norm(layers, name + ".conv3", each);
}

/// `tiny_vit_block::attend` of windows [n, side side, C] before their norm.
inline std::string add_tiny_vit_attention(onnx_layers& layers, const sam_block_names& block, const std::string& windows, std::int64_t side, std::int64_t heads) {
  const auto& name = block.attention;
  // the rows are queries, keys and values of one head after the other
  const auto parts_first = [heads](const at::Tensor& rows) { return rows.unflatten(0, {heads, 3, -1}).transpose(0, 1).flatten(0, 2); };
  const auto normed = layers.layer_norm(block.before, windows, 1e-5);
  const auto all = layers.linear(name + ".qkv", normed, parts_first(layers.tensor(name + ".qkv.weight")), parts_first(layers.tensor(name + ".qkv.bias")));
  const auto qkv = layers.graph().nodes("Split", 3, {all}, {{"axis", -1}});
  const auto width = layers.tensor(name + ".qkv.weight").size(0) / (3 * heads);
  const auto scores = layers.scores(layers.heads_apart(qkv[0], heads), qkv[1], heads, 1 / std::sqrt(static_cast<double>(width)));
  const auto bias = layers.constant(name + ".attention_biases", sam_layers::distance_bias(layers.tensor(name + ".attention_biases"), side));
  return layers.linear(name + ".proj", layers.attended(layers.sum(scores, bias), qkv[2], heads));
}

/// `tiny_vit_block::forward` of [n, C, side, side].
inline std::string add_tiny_vit_block(onnx_layers& layers, const std::string& name, const std::string& x, std::int64_t side, std::int64_t window, std::int64_t heads) {
  const auto block = tiny_vit_block_names(name);
  const auto channels = layers.tensor(block.attention + ".proj.weight").size(0);
  const auto attend = [&](const std::string& windows) { return add_tiny_vit_attention(layers, block, windows, window, heads); };
  const auto tokens = layers.transposed(x, {0, 2, 3, 1});
  const auto seen = layers.sum(tokens, add_in_windows(layers, tokens, side, channels, window, attend));
  const auto local = add_conv_norm(layers, name + ".local_conv", layers.transposed(seen, {0, 3, 1, 2}), 1, /*apart=*/true);
  const auto placed = layers.transposed(local, {0, 2, 3, 1});
  return layers.transposed(layers.sum(placed, add_perceptron(layers, block, placed, 1e-5)), {0, 3, 1, 2});
}

/// `tiny_vit_encoder::forward` of images [n, 3, image, image]; `stages` gets what each stage but the last gives.
inline std::string add_tiny_vit(onnx_layers& layers, const recognised_sam& sam, const std::string& images, std::int64_t image, std::vector<std::string>& stages) {
  const std::string encoder = "image_encoder.", start = encoder + "patch_embed.seq.";
  const std::int64_t first_stride = sam.patch == 1 ? 1 : 2;
  auto x = layers.gelu(add_conv_norm(layers, start + "0", images, first_stride));
  x = add_conv_norm(layers, start + "2", x, first_stride);
  auto side = image / (first_stride * first_stride);
  for (std::size_t stage = 0; stage < sam.depths.size(); ++stage) {
    const auto layer = encoder + "layers." + std::to_string(stage);
    for (std::int64_t i = 0; i < sam.depths[stage]; ++i) {
      const auto block = layer + ".blocks." + std::to_string(i);
      x = stage == 0 ? layers.gelu(layers.sum(x, add_tiny_vit_convolutions(layers, block, x, 1)))
                     : add_tiny_vit_block(layers, block, x, side, sam.windows[stage], sam.heads[stage]);
    }
    if (stage + 1 == sam.depths.size()) break;
    stages.push_back(x);
    const std::int64_t stride = stage + 2 < sam.depths.size() ? 2 : 1;
    x = add_tiny_vit_convolutions(layers, layer + ".downsample", x, stride);
    side /= stride;
  }
  return add_neck(layers, x);
}

}  // namespace axonzoo::detail
