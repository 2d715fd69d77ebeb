#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/infer/checkpoint.hpp>
#include <axonzoo/io/onnx_graph.hpp>
#include <axonzoo/io/safetensors.hpp>

namespace axonzoo {

/// Writes a checkpoint of a U-Net or SegNet, pruned or not, as an ONNX model from "image" (z-scored, [N, C, H, W], sides multiples of the
/// metadata's `stride`) to "logits" [N, K, H, W] in fp32. The checkpoint's metadata go along. Throws `error` for another model.
void export_onnx(const std::filesystem::path& checkpoint, const std::filesystem::path& path);

namespace detail {

/// Layers by their names in a checkpoint, one after the other.
class onnx_layers {
 public:
  onnx_layers(const std::map<std::string, at::Tensor>& tensors, onnx_graph& graph) : tensors_(tensors), graph_(graph) {}

  [[nodiscard]] bool has(const std::string& name) const { return tensors_.contains(name); }

  std::string conv(const std::string& layer, const std::string& x, std::int64_t stride, bool bias) {
    const auto side = tensors_.at(layer + ".weight").size(2), pad = side / 2;
    std::vector<std::string> from = {x, put(layer + ".weight")};
    if (bias) from.push_back(put(layer + ".bias"));
    graph_.node("Conv", from, {layer}, {{"kernel_shape", {side, side}}, {"pads", {pad, pad, pad, pad}}, {"strides", {stride, stride}}});
    return layer;
  }

  std::string instance_block(const std::string& name, const std::string& x, std::int64_t stride = 1) {
    const auto y = conv(name + ".conv", x, stride, false);
    graph_.node("InstanceNormalization", {y, put(name + ".norm.weight"), put(name + ".norm.bias")}, {name + ".norm"}, {}, {{"epsilon", 1e-5f}});
    graph_.node("LeakyRelu", {name + ".norm"}, {name}, {}, {{"alpha", 0.01f}});
    return name;
  }

  std::string batch_block(const std::string& name, const std::string& x) {
    const auto y = conv(name + ".conv", x, 1, false), norm = name + ".norm";
    graph_.node("BatchNormalization", {y, put(norm + ".weight"), put(norm + ".bias"), put(norm + ".running_mean"), put(norm + ".running_var")}, {norm}, {}, {{"epsilon", 1e-5f}});
    graph_.node("Relu", {norm}, {name});
    return name;
  }

  std::string up(const std::string& name, const std::string& x) {
    graph_.node("ConvTranspose", {x, put(name + ".weight"), put(name + ".bias")}, {name}, {{"kernel_shape", {2, 2}}, {"strides", {2, 2}}});
    return name;
  }

 private:
  std::string put(const std::string& name) {
    const auto values = tensors_.at(name).to(at::kFloat).contiguous();
    graph_.weights(name, values.sizes().vec(), values.const_data_ptr<float>(), static_cast<std::size_t>(values.numel()));
    return name;
  }

  const std::map<std::string, at::Tensor>& tensors_;
  onnx_graph& graph_;
};

/// `unet_network::forward`.
inline std::int64_t add_unet(onnx_layers& layers, onnx_graph& graph) {
  std::vector<std::string> skips;
  std::string x = "image";
  for (int level = 0; layers.has("down" + std::to_string(level) + "a.conv.weight"); ++level) {
    const auto name = "down" + std::to_string(level);
    x = layers.instance_block(name + "b", layers.instance_block(name + "a", x, level == 0 ? 1 : 2));
    skips.push_back(x);
  }
  if (skips.empty()) throw std::out_of_range("no level");
  for (auto level = skips.size() - 1; level-- > 0;) {
    const auto number = std::to_string(level), joined = "joined" + number;
    graph.node("Concat", {layers.up("lift" + number, x), skips[level]}, {joined}, {{"axis", {1}}});
    x = layers.instance_block("up" + number + "b", layers.instance_block("up" + number + "a", joined));
  }
  graph.node("Identity", {layers.conv("head0", x, 1, true)}, {"logits"});
  return std::int64_t{1} << (skips.size() - 1);
}

/// `segnet_network::forward`.
inline std::int64_t add_segnet(onnx_layers& layers, onnx_graph& graph) {
  std::string x = "image";
  std::vector<std::string> indices;
  const auto blocks = [&](const std::string& side, std::size_t stage) {
    for (char letter = 'a'; layers.has(side + std::to_string(stage) + letter + ".conv.weight"); ++letter) x = layers.batch_block(side + std::to_string(stage) + letter, x);
  };
  const std::vector<std::pair<std::string, onnx_graph::integers>> two = {{"kernel_shape", {2, 2}}, {"strides", {2, 2}}};
  std::size_t stages = 0;
  for (; layers.has("down" + std::to_string(stages) + "a.conv.weight"); ++stages) {
    blocks("down", stages);
    const auto pool = "pool" + std::to_string(stages);
    graph.node("MaxPool", {x}, {pool, pool + ".indices"}, two);
    x = pool;
  }
  for (auto stage = stages; stage-- > 0;) {
    const auto number = std::to_string(stage);
    graph.node("MaxUnpool", {x, "pool" + number + ".indices"}, {"unpool" + number}, two);
    x = "unpool" + number;
    blocks("up", stage);
  }
  graph.node("Identity", {layers.conv("head", x, 1, true)}, {"logits"});
  return std::int64_t{1} << stages;
}

}  // namespace detail

inline void export_onnx(const std::filesystem::path& checkpoint, const std::filesystem::path& path) {
  const auto origin = "'" + checkpoint.string() + "'";
  const auto file = read_safetensors(checkpoint);
  const auto facts = read_facts(file, origin);
  if (facts.model != "unet" && facts.model != "segnet")
    throw error("cannot export " + origin + " to ONNX", "it is of the model '" + facts.model + "'", "give a checkpoint of U-Net or SegNet");
  onnx_graph graph;
  detail::onnx_layers layers(file.tensors, graph);
  std::int64_t stride = 0;
  try {
    stride = facts.model == "unet" ? detail::add_unet(layers, graph) : detail::add_segnet(layers, graph);
  } catch (const std::out_of_range&) {
    throw error("cannot export " + origin + " to ONNX", "it lacks weights of a " + facts.model, "give a checkpoint that is whole");
  }
  auto metadata = file.metadata;
  metadata["stride"] = std::to_string(stride);
  graph.write(path, "image", facts.channels, "logits", static_cast<std::int64_t>(facts.classes.size()), metadata);
}

}  // namespace axonzoo
