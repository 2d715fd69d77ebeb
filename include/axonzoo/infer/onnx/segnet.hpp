#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <axonzoo/infer/onnx/dense.hpp>
#include <axonzoo/infer/onnx/layers.hpp>
#include <axonzoo/io/safetensors.hpp>

namespace axonzoo {

namespace detail {

/// `conv_block` with batch norm.
inline std::string add_batch_block(onnx_layers& layers, const std::string& name, const std::string& x) {
  std::vector<std::string> from = {layers.convolution(name + ".conv", x, {.padding = 1})};
  for (const char* each : {"weight", "bias", "running_mean", "running_var"}) from.push_back(layers.weight(name + ".norm." + each));
  return layers.relu(layers.graph().node("BatchNormalization", from, {{"epsilon", 1e-5}}));
}

/// `segnet_network::forward`.
inline std::string add_segnet(onnx_layers& layers, const std::string& image) {
  auto x = image;
  const auto blocks = [&](const std::string& side, std::size_t stage) {
    for (char letter = 'a'; layers.has(side + std::to_string(stage) + letter + ".conv.weight"); ++letter) x = add_batch_block(layers, side + std::to_string(stage) + letter, x);
  };
  const onnx_graph::attributes two = {{"kernel_shape", {2, 2}}, {"strides", {2, 2}}};
  std::vector<std::string> indices;
  for (std::size_t stage = 0; layers.has("down" + std::to_string(stage) + "a.conv.weight"); ++stage) {
    blocks("down", stage);
    const auto pooled = layers.graph().nodes("MaxPool", 2, {x}, two);
    x = pooled[0];
    indices.push_back(pooled[1]);
  }
  for (auto stage = indices.size(); stage-- > 0;) {
    x = layers.graph().node("MaxUnpool", {x, indices[stage]}, two);
    blocks("up", stage);
  }
  return layers.convolution("head", x, {.padding = 1});
}

}  // namespace detail

/// As `dense_as_onnx`.
[[nodiscard]] inline std::vector<onnx_part> segnet_as_onnx(const tensor_file& file, const std::string& origin) {
  return detail::dense_as_onnx(file, origin, {"height", "width"}, detail::add_segnet);
}

}  // namespace axonzoo
