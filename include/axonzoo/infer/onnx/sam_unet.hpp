#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/tensor.h>

#include <axonzoo/infer/checkpoint.hpp>
#include <axonzoo/infer/onnx/dense.hpp>
#include <axonzoo/infer/onnx/image_encoder.hpp>
#include <axonzoo/infer/onnx/layers.hpp>
#include <axonzoo/infer/onnx/unet.hpp>
#include <axonzoo/io/safetensors.hpp>
#include <axonzoo/io/weights.hpp>
#include <axonzoo/models/sam/prepare.hpp>
#include <axonzoo/models/sam/recognise.hpp>

namespace axonzoo {

namespace detail {

/// `sam_unet_network::levels` of images with 1 or 3 channels.
inline std::string add_sam_levels(onnx_layers& layers, const recognised_sam& kind, const std::string& image, std::int64_t channels) {
  auto& graph = layers.graph();
  const auto extreme = [&](const char* which) { return graph.node(which, {image}, {{"axes", {1, 2, 3}}}); };
  const auto lowest = extreme("ReduceMin");
  const auto range = graph.node("Max", {graph.node("Sub", {extreme("ReduceMax"), lowest}), layers.number(1e-8)});
  auto unit = graph.node("Div", {graph.node("Sub", {image, lowest}), range});
  if (channels == 1) unit = layers.joined({unit, unit, unit}, 1);
  if (!takes_natural_images(kind)) return unit;
  const auto by_colour = [&](const std::string& name, const auto& values) {
    return layers.constant(name, at::tensor(at::ArrayRef<float>(values.data(), values.size())).view({1, 3, 1, 1}));
  };
  const auto centred = graph.node("Sub", {layers.product(unit, layers.number(255)), by_colour("natural_mean", natural_mean)});
  return graph.node("Div", {centred, by_colour("natural_deviation", natural_deviation)});
}

/// `sam_unet_network::forward` of images [n, channels, patch, patch].
inline std::string add_sam_unet(onnx_layers& layers, const recognised_sam& kind, const std::string& image, std::int64_t channels, std::int64_t patch) {
  constexpr std::size_t embedding_level = 2;
  const auto zoom = embedding_stride(kind) >> embedding_level;
  const auto scales = layers.constant("zoom", at::tensor({1.f, 1.f, static_cast<float>(zoom), static_cast<float>(zoom)}));
  const auto large = layers.graph().node("Resize", {add_sam_levels(layers, kind, image, channels), "", scales}, {{"mode", "linear"}, {"coordinate_transformation_mode", "half_pixel"}});
  auto found = add_image_encoder(layers, kind, large, zoom * patch);
  found.stages.resize(embedding_level);
  found.stages.push_back(found.embedding);
  for (std::size_t level = 0; level < found.stages.size(); ++level) {
    if (!found.stages[level].empty()) found.stages[level] = add_instance_block(layers, "stage" + std::to_string(level), found.stages[level]);
  }
  return add_unet(layers, image, found.stages);
}

}  // namespace detail

/// As `dense_as_onnx`, for images of the metadata's `patch` px a side: a SAM's encoder takes one size.
[[nodiscard]] inline std::vector<onnx_part> sam_unet_as_onnx(const tensor_file& file, const std::string& origin) {
  const auto facts = read_facts(file, origin);
  const auto kind = recognise_sam(shapes_of(file), origin);
  return detail::dense_as_onnx(file, origin, {facts.patch, facts.patch},
                               [&](onnx_layers& layers, const std::string& image) { return detail::add_sam_unet(layers, kind, image, facts.channels, facts.patch); });
}

}  // namespace axonzoo
