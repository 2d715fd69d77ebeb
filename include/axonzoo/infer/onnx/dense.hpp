#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/infer/checkpoint.hpp>
#include <axonzoo/infer/onnx/layers.hpp>
#include <axonzoo/io/safetensors.hpp>
#include <axonzoo/models/registry.hpp>
#include <axonzoo/nn/channels.hpp>
#include <axonzoo/precision/registry.hpp>

namespace axonzoo::detail {

/// The part "network" of a checkpoint whose model gives a class for each pixel: "image" (z-scored, [n, C, height, width]) to "logits" [n, K, height, width]. `sides`
/// are {height, width}, multiples of the metadata's `stride` where they are free; `forward` adds the nodes between.
inline std::vector<onnx_part> dense_as_onnx(const tensor_file& file, const std::string& origin, const onnx_graph::shape& sides,
                                            const std::function<std::string(onnx_layers& layers, const std::string& image)>& forward) {
  const auto facts = read_facts(file, origin);
  if (setting_of(facts.precision).quantises)
    throw error("cannot export " + origin + " to ONNX", "its weights are rounded to 8 bits", "give a checkpoint of another precision, which ONNX Runtime can round");
  const auto net = maker_of(facts.model, file.tensors)(facts.channels, static_cast<std::int64_t>(facts.classes.size()));
  load_tensors(*net, file.tensors, origin);
  const auto tensors = named_tensors(*net);
  std::vector<onnx_part> made(1);
  made[0] = {"network", {}, file.metadata};
  made[0].metadata["stride"] = std::to_string(net->stride());
  onnx_layers layers(tensors, made[0].graph, origin);
  const auto shape = [&sides](auto channels) { return onnx_graph::shape{"n", channels, sides.at(0), sides.at(1)}; };
  made[0].graph.input("image", shape(facts.channels));
  made[0].graph.output("logits", forward(layers, "image"), shape(facts.classes.size()));
  return made;
}

}  // namespace axonzoo::detail
