#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include <axonzoo/infer/onnx/encoder_layers.hpp>
#include <axonzoo/infer/onnx/layers.hpp>
#include <axonzoo/models/sam/block_names.hpp>
#include <axonzoo/models/sam/positions.hpp>
#include <axonzoo/models/sam/recognise.hpp>

namespace axonzoo::detail {

/// `vit_block::attend` of windows [n, side side, C].
inline std::string add_vit_attention(onnx_layers& layers, const std::string& name, const std::string& windows, std::int64_t side, std::int64_t heads) {
  const auto qkv = layers.graph().nodes("Split", 3, {layers.linear(name + ".qkv", windows)}, {{"axis", -1}});
  const auto width = layers.tensor(name + ".qkv.weight").size(0) / (3 * heads);
  const auto q = layers.heads_apart(qkv[0], heads);
  // a table [side, width, side] a row of queries, or a column
  const auto by_table = [&](const std::string& x, const std::string& axis) {
    const auto table = sam_layers::relative_table(layers.tensor(name + axis), side).transpose(1, 2);
    return layers.graph().node("MatMul", {x, layers.constant(name + axis, table)});
  };
  const auto image = layers.reshaped(q, {0, 0, side, side, width});
  const auto rows = layers.reshaped(by_table(image, ".rel_pos_h"), {0, 0, side, side, side, 1});
  const auto turned = layers.transposed(by_table(layers.transposed(image, {0, 1, 3, 2, 4}), ".rel_pos_w"), {0, 1, 3, 2, 4});
  const auto columns = layers.reshaped(turned, {0, 0, side, side, 1, side});
  const auto scores = layers.reshaped(layers.scores(q, qkv[1], heads, 1 / std::sqrt(static_cast<double>(width))), {0, 0, side, side, side, side});
  const auto placed = layers.reshaped(layers.sum(layers.sum(scores, rows), columns), {0, 0, side * side, side * side});
  return layers.linear(name + ".proj", layers.attended(placed, qkv[2], heads));
}

/// `vit_encoder::forward` of images [n, 3, image, image].
inline std::string add_vit(onnx_layers& layers, const recognised_sam& sam, const std::string& images, std::int64_t image) {
  const std::string encoder = "image_encoder.";
  const auto side = image / sam.patch, channels = layers.tensor(encoder + "patch_embed.proj.weight").size(0);
  const auto positions = sam_layers::positions(layers.tensor(encoder + "pos_embed"), side, side);
  const auto patches = layers.convolution(encoder + "patch_embed.proj", images, {.stride = sam.patch});
  auto x = layers.sum(layers.transposed(patches, {0, 2, 3, 1}), layers.constant(encoder + "pos_embed", positions));
  for (std::int64_t i = 0; i < sam.depths.at(0); ++i) {
    const auto name = vit_block_names(encoder + "blocks." + std::to_string(i));
    const bool whole = std::find(sam.global_blocks.begin(), sam.global_blocks.end(), i) != sam.global_blocks.end();
    const auto window = whole ? side : sam.windows.at(0);
    const auto attend = [&](const std::string& windows) { return add_vit_attention(layers, name.attention, windows, window, sam.heads.at(0)); };
    x = layers.sum(x, add_in_windows(layers, layers.layer_norm(name.before, x, 1e-6), side, channels, window, attend));
    x = layers.sum(x, add_perceptron(layers, name, x, 1e-6));
  }
  return add_neck(layers, layers.transposed(x, {0, 3, 1, 2}));
}

}  // namespace axonzoo::detail
