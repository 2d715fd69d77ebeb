#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <axonzoo/infer/onnx/dense.hpp>
#include <axonzoo/infer/onnx/layers.hpp>
#include <axonzoo/io/safetensors.hpp>

namespace axonzoo {

namespace detail {

/// `conv_block` with instance norm.
inline std::string add_instance_block(onnx_layers& layers, const std::string& name, const std::string& x, std::int64_t stride = 1) {
  const auto y = layers.convolution(name + ".conv", x, {.stride = stride, .padding = layers.tensor(name + ".conv.weight").size(2) / 2});
  const auto normed = layers.graph().node("InstanceNormalization", {y, layers.weight(name + ".norm.weight"), layers.weight(name + ".norm.bias")}, {{"epsilon", 1e-5}});
  return layers.graph().node("LeakyRelu", {normed}, {{"alpha", 0.01}});
}

/// `unet_network::forward_with`; `added[level]` may be empty.
inline std::string add_unet(onnx_layers& layers, const std::string& image, const std::vector<std::string>& added = {}) {
  std::vector<std::string> skips;
  auto x = image;
  for (std::size_t level = 0; layers.has("down" + std::to_string(level) + "a.conv.weight"); ++level) {
    const auto name = "down" + std::to_string(level);
    x = add_instance_block(layers, name + "b", add_instance_block(layers, name + "a", x, level == 0 ? 1 : 2));
    if (level < added.size() && !added[level].empty()) x = layers.sum(x, added[level]);
    skips.push_back(x);
  }
  for (auto level = skips.size() - 1; level-- > 0;) {
    const auto number = std::to_string(level);
    x = layers.joined({layers.transposed_convolution("lift" + number, x), skips[level]}, 1);
    x = add_instance_block(layers, "up" + number + "b", add_instance_block(layers, "up" + number + "a", x));
  }
  return layers.convolution("head0", x, {});
}

}  // namespace detail

/// As `dense_as_onnx`.
[[nodiscard]] inline std::vector<onnx_part> unet_as_onnx(const tensor_file& file, const std::string& origin) {
  return detail::dense_as_onnx(file, origin, {"height", "width"}, [](onnx_layers& layers, const std::string& image) { return detail::add_unet(layers, image); });
}

}  // namespace axonzoo
