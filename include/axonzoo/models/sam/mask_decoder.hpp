#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <ATen/autocast_mode.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/stack.h>

#include <axonzoo/models/sam/decoder_attention.hpp>
#include <axonzoo/models/sam/layers.hpp>

namespace axonzoo {

/// Masks for P prompts.
struct sam_masks {
  at::Tensor logits;  ///< [P, K, 4 h, 4 w] for an embedding of h x w, float32; the mask is where they are positive
  at::Tensor scores;  ///< [P, K] predicted IoU, float32
};

namespace detail {

struct decoder_layer {
  decoder_attention tokens, to_image, to_tokens;
  sam_layers::layer_norm norm1, norm2, norm3, norm4;
  sam_layers::linear widen, narrow;

  decoder_layer(const named_weights& from, const std::string& name)
      : tokens(from, name + ".self_attn"),
        to_image(from, name + ".cross_attn_token_to_image"),
        to_tokens(from, name + ".cross_attn_image_to_token"),
        norm1(from, name + ".norm1", 1e-5),
        norm2(from, name + ".norm2", 1e-5),
        norm3(from, name + ".norm3", 1e-5),
        norm4(from, name + ".norm4", 1e-5),
        widen(from, name + ".mlp.lin1"),
        narrow(from, name + ".mlp.lin2") {}
};

/// What attention takes of pixels [P or 1, M, C]: keys, with their places, and values of the tokens' attention to them, and, where there is a `query`, the queries, with
/// their places, of theirs to the tokens.
struct pixel_projections {
  at::Tensor keys, values, queries;

  pixel_projections(const at::Tensor& pixels, const at::Tensor& places, const decoder_attention& tokens, const sam_layers::linear* query) {
    std::vector<at::Tensor> weights{tokens.k.weight, tokens.v.weight}, biases{tokens.k.bias, tokens.v.bias};
    if (query != nullptr) {
      weights.push_back(query->weight);
      biases.push_back(query->bias);
    }
    std::vector<std::int64_t> widths;
    for (const auto& weight : weights) widths.push_back(weight.size(0));
    const auto parts = linear(pixels, at::cat(weights, 0), at::cat(biases, 0)).split_with_sizes(widths, -1);
    const auto placed = [&](const at::Tensor& part, const sam_layers::linear& by) { return part + product(places, by.weight.to(places.scalar_type()).t()); };
    keys = placed(parts[0], tokens.k);
    values = parts[1];
    if (query != nullptr) queries = placed(parts[2], *query);
  }
};

/// Linear layers with ReLU between.
struct decoder_mlp {
  std::vector<sam_layers::linear> layers;

  decoder_mlp(const named_weights& from, const std::string& name) {
    for (int i = 0; from.contains(name + ".layers." + std::to_string(i) + ".weight"); ++i)
      layers.emplace_back(from, name + ".layers." + std::to_string(i));
  }
  [[nodiscard]] at::Tensor operator()(at::Tensor x) const {
    for (std::size_t i = 0; i < layers.size(); ++i) x = i + 1 < layers.size() ? at::relu(layers[i](x)) : layers[i](x);
    return x;
  }
};

}  // namespace detail

/// SAM's mask decoder: a two-way transformer of the prompt's tokens and the image, then masks as products of upscaled features
/// with a vector for each mask.
class sam_mask_decoder {
 public:
  explicit sam_mask_decoder(const named_weights& from)
      : last_(from, "mask_decoder.transformer.final_attn_token_to_image"),
        norm_(from, "mask_decoder.transformer.norm_final_attn", 1e-5),
        score_token_(from.at("mask_decoder.iou_token.weight")),
        mask_tokens_(from.at("mask_decoder.mask_tokens.weight")),
        lift_(from, "mask_decoder.output_upscaling.0"),
        lift_again_(from, "mask_decoder.output_upscaling.3"),
        lift_norm_(from, "mask_decoder.output_upscaling.1"),
        scores_(from, "mask_decoder.iou_prediction_head") {
    for (int i = 0; from.contains(layer_name(i) + ".norm1.weight"); ++i) layers_.emplace_back(from, layer_name(i));
    for (std::int64_t i = 0; i < mask_tokens_.size(0); ++i)
      vectors_.emplace_back(from, "mask_decoder.output_hypernetworks_mlps." + std::to_string(i));
  }

  /// `image` [1 or P, h w, C] (1: all prompts are of one image, and what the first layer makes of it is computed once), `places`
  /// [h w, C], `prompts` [P, T, C]; all of the type that is computed with. The masks for several answers, or the first alone.
  [[nodiscard]] sam_masks forward(const at::Tensor& image, const at::Tensor& places, const at::Tensor& prompts, std::int64_t h,
                                  std::int64_t w, bool several) const {
    const auto type = image.scalar_type();
    const std::int64_t count = prompts.size(0);
    const at::Tensor own = at::cat({score_token_, mask_tokens_}, 0).to(type).unsqueeze(0).expand({count, -1, -1});
    const at::Tensor given = at::cat({own, prompts}, 1);
    // absorbing pays while 8 T is below a projection's width, and not on a GPU, which waits for memory there
    const bool quick = image.is_cpu() && type == at::kFloat && !at::autocast::is_autocast_enabled(c10::kCPU) && 8 * given.size(1) < last_.k.weight.size(0);
    const auto [tokens, pixels] = quick ? absorbed(image, places, given) : at_once(image, places, given);

    at::Tensor features = pixels.transpose(1, 2).unflatten(2, {h, w});
    features = lift_norm_(transposed_convolution_2x2(features, lift_.weight, lift_.bias), after_norm::gelu);
    features = axonzoo::gelu(transposed_convolution_2x2(features, lift_again_.weight, lift_again_.bias));
    const std::int64_t begin = several ? 1 : 0, end = several ? mask_tokens_.size(0) : 1;
    std::vector<at::Tensor> vectors;
    for (std::int64_t i = begin; i < end; ++i) vectors.push_back(vectors_[static_cast<std::size_t>(i)](tokens.select(1, 1 + i)));
    const at::Tensor by_pixel = features.permute({0, 2, 3, 1}).flatten(1, 2);
    const at::Tensor logits = product(at::stack(vectors, 1), by_pixel.transpose(1, 2)).unflatten(2, {4 * h, 4 * w});
    return {logits.to(at::kFloat), scores_(tokens.select(1, 0)).slice(1, begin, end).to(at::kFloat)};
  }

  /// Tokens [P, T, C] and pixels [P, M, C] after the two-way transformer: the definition.
  [[nodiscard]] std::pair<at::Tensor, at::Tensor> plain(const at::Tensor& image, const at::Tensor& places, const at::Tensor& given) const {
    at::Tensor tokens = given, pixels = image;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const auto& layer = layers_[i];
      if (i == 0) {
        tokens = layer.norm1(layer.tokens(tokens, tokens, tokens));
      } else {
        const at::Tensor placed = tokens + given;
        tokens = layer.norm1(tokens + layer.tokens(placed, placed, tokens));
      }
      const at::Tensor placed_pixels = pixels + places;
      tokens = layer.norm2(tokens + layer.to_image(tokens + given, placed_pixels, pixels));
      tokens = layer.norm3(tokens + layer.narrow(at::relu(layer.widen(tokens))));
      pixels = layer.norm4(pixels + layer.to_tokens(placed_pixels, tokens + given, tokens));
    }
    tokens = norm_(tokens + last_(tokens + given, pixels + places, pixels));
    return {tokens, pixels};
  }

  /// The same with all projections of the pixels in one product, and those of their places apart: one gradient of the pixels instead of three to be added.
  [[nodiscard]] std::pair<at::Tensor, at::Tensor> at_once(const at::Tensor& image, const at::Tensor& places, const at::Tensor& given) const {
    at::Tensor tokens = given, pixels = image;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const auto& layer = layers_[i];
      const detail::pixel_projections of_pixels(pixels, places, layer.to_image, &layer.to_tokens.q);
      const at::Tensor placed = i == 0 ? tokens : tokens + given;
      const at::Tensor attended = layer.tokens(placed, placed, tokens);
      tokens = i == 0 ? layer.norm1(attended) : layer.norm1.of_sum(tokens, attended);
      tokens = layer.norm2.of_sum(tokens, layer.to_image.projected(layer.to_image.q(tokens + given), of_pixels.keys, of_pixels.values));
      tokens = layer.norm3.of_sum(tokens, layer.narrow(at::relu(layer.widen(tokens))));
      const at::Tensor keys = layer.to_tokens.k(tokens + given), values = layer.to_tokens.v(tokens);
      pixels = layer.norm4.of_sum(pixels, layer.to_tokens.projected(of_pixels.queries, keys, values));
    }
    const detail::pixel_projections of_pixels(pixels, places, last_, nullptr);
    return {norm_.of_sum(tokens, last_.projected(last_.q(tokens + given), of_pixels.keys, of_pixels.values)), pixels};
  }

  /// The same in float32. Of one image for all prompts, the first layer's keys and values are computed once.
  [[nodiscard]] std::pair<at::Tensor, at::Tensor> absorbed(const at::Tensor& image, const at::Tensor& places, const at::Tensor& given) const {
    at::Tensor tokens = given, pixels = image;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const auto& layer = layers_[i];
      const detail::absorbed_attention to_image{layer.to_image}, to_tokens{layer.to_tokens};
      const at::Tensor placed = i == 0 ? tokens : tokens + given;
      const at::Tensor attended = layer.tokens(placed, placed, tokens);
      tokens = i == 0 ? layer.norm1(attended) : layer.norm1.of_sum(tokens, attended);
      const at::Tensor looked = pixels.size(0) == 1 ? layer.to_image(tokens + given, pixels + places, pixels)
                                                    : to_image.tokens_to_pixels(tokens + given, pixels, to_image.projected_places(layer.to_image.k, places));
      tokens = layer.norm2.of_sum(tokens, looked);
      tokens = layer.norm3.of_sum(tokens, layer.narrow(at::relu(layer.widen(tokens))));
      pixels = layer.norm4(to_tokens.pixels_with_tokens(pixels, to_tokens.projected_places(layer.to_tokens.q, places), tokens + given, tokens));
    }
    const detail::absorbed_attention last{last_};
    return {norm_(tokens + last.tokens_to_pixels(tokens + given, pixels, last.projected_places(last_.k, places))), pixels};
  }

 private:
  static std::string layer_name(int i) { return "mask_decoder.transformer.layers." + std::to_string(i); }

  detail::decoder_attention last_;
  sam_layers::layer_norm norm_;
  at::Tensor score_token_, mask_tokens_;
  sam_layers::linear lift_, lift_again_;  // [C, K, 2, 2] and [K]
  sam_layers::channel_norm lift_norm_;
  detail::decoder_mlp scores_;
  std::vector<detail::decoder_layer> layers_;
  std::vector<detail::decoder_mlp> vectors_;
};

}  // namespace axonzoo
