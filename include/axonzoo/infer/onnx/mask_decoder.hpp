#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>

#include <axonzoo/infer/onnx/layers.hpp>
#include <axonzoo/models/sam/decoder_attention.hpp>
#include <axonzoo/models/sam/prompt_encoder.hpp>

namespace axonzoo::detail {

/// `sam_prompt_encoder::tokens` [P, N, C] of "point_coords" and "point_labels", for an input of side `image`.
inline std::string add_prompt_tokens(onnx_layers& layers, std::int64_t image) {
  auto& graph = layers.graph();
  const std::string name = "prompt_encoder.";
  const auto centred = layers.sum(layers.product(layers.sum("point_coords", layers.number(0.5)), layers.number(2.0 / static_cast<double>(image))), layers.number(-1));
  const auto turns = graph.node("MatMul", {centred, layers.weight(name + "pe_layer.positional_encoding_gaussian_matrix")});
  const auto phase = layers.product(turns, layers.number(2 * std::numbers::pi));
  const auto places = layers.joined({graph.node("Sin", {phase}), graph.node("Cos", {phase})}, -1);
  const auto is_point = layers.reshaped(graph.node("GreaterOrEqual", {"point_labels", layers.number(0)}), {0, 0, 1});
  std::vector<at::Tensor> kinds = {layers.tensor(name + "not_a_point_embed.weight")};
  for (int i = 0; i < 4; ++i) kinds.push_back(layers.tensor(name + "point_embeddings." + std::to_string(i) + ".weight"));
  const auto kind = graph.node("Cast", {layers.sum("point_labels", layers.number(1))}, {{"to", 7}});  // INT64
  return layers.sum(graph.node("Where", {is_point, places, layers.number(0)}), graph.node("Gather", {layers.constant(name + "point_embeddings", at::cat(kinds, 0)), kind}));
}

/// What is added to the embedding: `sam_prompt_encoder::dense` of "mask_input" where "has_mask_input" is 1, and what stands for an absent mask where it is 0.
inline std::string add_mask_prompt(onnx_layers& layers) {
  const std::string name = "prompt_encoder.mask_downscaling.";
  auto x = layers.convolution(name + "0", "mask_input", {.stride = 2});
  x = layers.convolution(name + "3", layers.gelu(layers.channel_norm(name + "1", x)), {.stride = 2});
  x = layers.convolution(name + "6", layers.gelu(layers.channel_norm(name + "4", x)), {});
  const auto absent = layers.constant("prompt_encoder.no_mask_embed", layers.tensor("prompt_encoder.no_mask_embed.weight").view({1, -1, 1, 1}));
  return layers.graph().node("Where", {layers.graph().node("Greater", {"has_mask_input", layers.number(0.5)}), x, absent});
}

/// `decoder_attention`.
inline std::string add_decoder_attention(onnx_layers& layers, const std::string& name, const std::string& queries, const std::string& keys, const std::string& values) {
  constexpr auto heads = decoder_attention::heads;
  const auto scale = 1 / std::sqrt(static_cast<double>(layers.tensor(name + ".q_proj.weight").size(0) / heads));
  const auto scores = layers.scores(layers.heads_apart(layers.linear(name + ".q_proj", queries), heads), layers.linear(name + ".k_proj", keys), heads, scale);
  return layers.linear(name + ".out_proj", layers.attended(scores, layers.linear(name + ".v_proj", values), heads));
}

/// Tokens [P, T, C] and pixels [P, h w, C].
struct decoded_values {
  std::string tokens, pixels;
};

/// `sam_mask_decoder::plain`.
inline decoded_values add_two_way_transformer(onnx_layers& layers, const std::string& image, const std::string& places, const std::string& given) {
  const std::string transformer = "mask_decoder.transformer.";
  auto tokens = given, pixels = image;
  for (int i = 0; layers.has(transformer + "layers." + std::to_string(i) + ".norm1.weight"); ++i) {
    const auto name = transformer + "layers." + std::to_string(i) + ".";
    const auto norm = [&](const char* number, const std::string& x) { return layers.layer_norm(name + "norm" + number, x, 1e-5); };
    const auto attention = [&](const char* kind, const std::string& queries, const std::string& keys, const std::string& values) {
      return add_decoder_attention(layers, name + kind, queries, keys, values);
    };
    if (i == 0) {
      tokens = norm("1", attention("self_attn", tokens, tokens, tokens));
    } else {
      const auto placed = layers.sum(tokens, given);
      tokens = norm("1", layers.sum(tokens, attention("self_attn", placed, placed, tokens)));
    }
    const auto placed_pixels = layers.sum(pixels, places);
    tokens = norm("2", layers.sum(tokens, attention("cross_attn_token_to_image", layers.sum(tokens, given), placed_pixels, pixels)));
    tokens = norm("3", layers.sum(tokens, layers.linear(name + "mlp.lin2", layers.relu(layers.linear(name + "mlp.lin1", tokens)))));
    pixels = norm("4", layers.sum(pixels, attention("cross_attn_image_to_token", placed_pixels, layers.sum(tokens, given), tokens)));
  }
  const auto last = add_decoder_attention(layers, transformer + "final_attn_token_to_image", layers.sum(tokens, given), layers.sum(pixels, places), pixels);
  return {layers.layer_norm(transformer + "norm_final_attn", layers.sum(tokens, last), 1e-5), pixels};
}

/// `decoder_mlp`.
inline std::string add_decoder_mlp(onnx_layers& layers, const std::string& name, std::string x) {
  const auto layer = [&](int i) { return name + ".layers." + std::to_string(i); };
  for (int i = 0; layers.has(layer(i) + ".weight"); ++i) x = layers.linear(layer(i), i == 0 ? x : layers.relu(x));
  return x;
}

/// Inputs, outputs and nodes of a SAM's prompt encoder and mask decoder, `sam_network::decode`, for embeddings of side x side and an input of side `image`.
inline void add_mask_decoder(onnx_layers& layers, const sam_prompt_encoder& prompts, std::int64_t side, std::int64_t image) {
  auto& graph = layers.graph();
  const auto own = at::cat({layers.tensor("mask_decoder.iou_token.weight"), layers.tensor("mask_decoder.mask_tokens.weight")}, 0);
  const auto width = own.size(1), masks = own.size(0) - 1;
  graph.input("image_embeddings", {"embeddings", width, side, side});
  graph.input("point_coords", {"prompts", "points", 2});
  graph.input("point_labels", {"prompts", "points"});
  graph.input("mask_input", {"masks", 1, 4 * side, 4 * side});
  graph.input("has_mask_input", {1});

  const auto count = graph.node("Shape", {"point_labels"}, {{"start", 0}, {"end", 1}});
  const auto sizes = layers.joined({count, graph.list({own.size(0), own.size(1)})}, 0);
  const auto given = layers.joined({graph.node("Expand", {layers.constant("mask_decoder.tokens", own), sizes}), add_prompt_tokens(layers, image)}, 1);
  const auto pixels = layers.transposed(layers.reshaped(layers.sum("image_embeddings", add_mask_prompt(layers)), {0, 0, -1}), {0, 2, 1});
  const auto found = add_two_way_transformer(layers, pixels, layers.constant("prompt_encoder.places", prompts.places(side, side)), given);

  const std::string decoder = "mask_decoder.", lift = decoder + "output_upscaling.";
  auto features = layers.reshaped(layers.transposed(found.pixels, {0, 2, 1}), {0, 0, side, side});
  features = layers.gelu(layers.channel_norm(lift + "1", layers.transposed_convolution(lift + "0", features)));
  features = layers.reshaped(layers.gelu(layers.transposed_convolution(lift + "3", features)), {0, 0, -1});
  std::vector<std::string> vectors;
  for (std::int64_t i = 0; i < masks; ++i)
    vectors.push_back(add_decoder_mlp(layers, decoder + "output_hypernetworks_mlps." + std::to_string(i), layers.sliced(found.tokens, 1, 1 + i, 2 + i)));
  const auto logits = layers.reshaped(graph.node("MatMul", {layers.joined(vectors, 1), features}), {0, 0, 4 * side, 4 * side});
  const auto scores = layers.reshaped(add_decoder_mlp(layers, decoder + "iou_prediction_head", layers.sliced(found.tokens, 1, 0, 1)), {0, -1});
  graph.output("low_res_masks", logits, {"prompts", masks, 4 * side, 4 * side});
  graph.output("iou_predictions", scores, {"prompts", masks});
}

}  // namespace axonzoo::detail
