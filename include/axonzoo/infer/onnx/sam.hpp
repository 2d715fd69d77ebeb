#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <axonzoo/infer/onnx/image_encoder.hpp>
#include <axonzoo/infer/onnx/layers.hpp>
#include <axonzoo/infer/onnx/mask_decoder.hpp>
#include <axonzoo/infer/view_encoder.hpp>
#include <axonzoo/io/safetensors.hpp>
#include <axonzoo/models/promptable.hpp>
#include <axonzoo/models/sam/sam.hpp>
#include <axonzoo/precision/quantise.hpp>
#include <axonzoo/nn/channels.hpp>

namespace axonzoo {

/// Of S px a side (the metadata's `image`), in the metadata's `levels` (`sam_levels`: unit or natural):
///
/// - "image_encoder": "image" [n, 3, S, S] to "embedding" [n, C, h, h];
/// - "mask_decoder", whose names are those of segment-anything's export: "image_embeddings" [1 or P, C, h, h], "point_coords" [P, N, 2] (x and y in px of the
///   encoder's image), "point_labels" [P, N] (1 in the object, 0 outside, 2 and 3 a box's upper left and lower right corner, -1 no point, of which points without
///   a box need one), "mask_input" [1 or P, 1, 4 h, 4 h] and "has_mask_input" [1] to "low_res_masks" [P, K, 4 h, 4 h], logits, and "iou_predictions" [P, K]: of K
///   masks the first is the one for clear prompts, the others are those for ambiguous ones.
[[nodiscard]] inline std::vector<onnx_part> sam_as_onnx(const tensor_file& file, const std::string& origin) {
  if (are_quantised(file.tensors))
    throw error("cannot export " + origin + " to ONNX", "its weights are rounded to 8 bits", "give a checkpoint of another precision, which ONNX Runtime can round");
  const auto net = std::make_shared<sam_network>(file, origin);
  const auto& kind = net->kind();
  const auto tensors = named_tensors(*net);
  const auto side = kind.image / net->stride(), width = tensors.at("prompt_encoder.no_mask_embed.weight").size(1);
  const auto model = file.metadata.find("model");
  const auto how = model == file.metadata.end() ? std::nullopt : promptable_setting_of(model->second);
  auto metadata = file.metadata;
  metadata["sam"] = kind.name;
  metadata["image"] = std::to_string(kind.image);
  metadata["levels"] = levels_of(kind, how && how->trains == trained_part::encoder_and_decoder) == sam_levels::unit ? "unit" : "natural";

  std::vector<onnx_part> made(2);
  made[0] = {"image_encoder", {}, metadata};
  onnx_layers encoder(tensors, made[0].graph, origin);
  made[0].graph.input("image", {"n", 3, kind.image, kind.image});
  made[0].graph.output("embedding", detail::add_image_encoder(encoder, kind, "image", kind.image).embedding, {"n", width, side, side});
  made[1] = {"mask_decoder", {}, metadata};
  onnx_layers decoder(tensors, made[1].graph, origin);
  detail::add_mask_decoder(decoder, sam_prompt_encoder(named_weights{tensors, {}}), side, kind.image);
  return made;
}

}  // namespace axonzoo
