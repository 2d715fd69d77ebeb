#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <axonzoo/io/tensor_shapes.hpp>
#include <axonzoo/models/sam/recognise.hpp>

namespace axonzoo {

namespace detail {

/// Collects the shapes of a SAM's tensors; a size that may vary is taken from `given` where it is there.
struct sam_shape_list {
  const tensor_shapes& given;
  tensor_shapes found;

  std::int64_t size(const std::string& name, std::size_t axis, std::int64_t otherwise) const {
    const auto at = given.find(name);
    return at != given.end() && axis < at->second.size() ? at->second[axis] : otherwise;
  }
  void vectors(const std::string& name, std::int64_t n) { found[name + ".weight"] = found[name + ".bias"] = {n}; }
  void linear(const std::string& name, std::int64_t out, std::int64_t in) {
    found[name + ".weight"] = {out, in};
    found[name + ".bias"] = {out};
  }
  void filters(const std::string& name, std::vector<std::int64_t> shape, std::int64_t out) {
    found[name + ".weight"] = std::move(shape);
    found[name + ".bias"] = {out};
  }
  void conv_norm(const std::string& name, std::int64_t out, std::int64_t in, std::int64_t kernel) {
    found[name + ".c.weight"] = {out, in, kernel, kernel};
    vectors(name + ".bn", out);
    found[name + ".bn.running_mean"] = found[name + ".bn.running_var"] = {out};
    found[name + ".bn.num_batches_tracked"] = {};
  }
  void neck(std::int64_t width, std::int64_t out) {
    const std::string name = "image_encoder.neck.";
    found[name + "0.weight"] = {out, width, 1, 1};
    found[name + "2.weight"] = {out, out, 3, 3};
    vectors(name + "1", out);
    vectors(name + "3", out);
  }
};

inline void add_vit_shapes(sam_shape_list& list, const recognised_sam& sam) {
  const std::string encoder = "image_encoder.";
  const std::int64_t width = sam.widths.at(0), heads = sam.heads.at(0), side = sam.image / sam.patch;
  list.found[encoder + "pos_embed"] = {1, side, side, width};
  list.filters(encoder + "patch_embed.proj", {width, 3, sam.patch, sam.patch}, width);
  for (std::int64_t i = 0; i < sam.depths.at(0); ++i) {
    const std::string block = encoder + "blocks." + std::to_string(i) + ".";
    const bool whole = std::find(sam.global_blocks.begin(), sam.global_blocks.end(), i) != sam.global_blocks.end();
    const std::int64_t head = list.size(block + "attn.rel_pos_h", 1, width / heads);
    const std::int64_t hidden = list.size(block + "mlp.lin1.weight", 0, 4 * width);
    list.vectors(block + "norm1", width);
    list.vectors(block + "norm2", width);
    list.found[block + "attn.rel_pos_h"] = list.found[block + "attn.rel_pos_w"] = {2 * (whole ? side : sam.windows.at(0)) - 1, head};
    list.linear(block + "attn.qkv", 3 * heads * head, width);
    list.linear(block + "attn.proj", width, heads * head);
    list.linear(block + "mlp.lin1", hidden, width);
    list.linear(block + "mlp.lin2", width, hidden);
  }
}

inline void add_tiny_vit_shapes(sam_shape_list& list, const recognised_sam& sam) {
  const std::string encoder = "image_encoder.";
  const std::int64_t first = list.size(encoder + "patch_embed.seq.0.c.weight", 0, sam.widths.at(0) / 2);
  list.conv_norm(encoder + "patch_embed.seq.0", first, 3, sam.patch);
  list.conv_norm(encoder + "patch_embed.seq.2", sam.widths.at(0), first, sam.patch);
  for (std::size_t stage = 0; stage < sam.depths.size(); ++stage) {
    const std::string layer = encoder + "layers." + std::to_string(stage) + ".";
    const std::int64_t width = sam.widths[stage], area = sam.windows[stage] * sam.windows[stage];
    for (std::int64_t i = 0; i < sam.depths[stage]; ++i) {
      const std::string block = layer + "blocks." + std::to_string(i) + ".";
      if (stage == 0) {
        const std::int64_t hidden = list.size(block + "conv1.c.weight", 0, 4 * width);
        list.conv_norm(block + "conv1", hidden, width, 1);
        list.conv_norm(block + "conv2", hidden, 1, 3);
        list.conv_norm(block + "conv3", width, hidden, 1);
        continue;
      }
      const std::int64_t rows = list.size(block + "attn.qkv.weight", 0, 3 * width) / 3;
      const std::int64_t hidden = list.size(block + "mlp.fc1.weight", 0, 4 * width);
      list.vectors(block + "attn.norm", width);
      list.found[block + "attn.attention_biases"] = {sam.heads[stage], area};
      list.linear(block + "attn.qkv", 3 * rows, width);
      list.linear(block + "attn.proj", width, rows);
      list.vectors(block + "mlp.norm", width);
      list.linear(block + "mlp.fc1", hidden, width);
      list.linear(block + "mlp.fc2", width, hidden);
      list.conv_norm(block + "local_conv", width, 1, 3);
    }
    if (stage + 1 == sam.depths.size()) continue;
    const std::int64_t next = sam.widths[stage + 1], inner = list.size(layer + "downsample.conv1.c.weight", 0, next);
    list.conv_norm(layer + "downsample.conv1", inner, width, 1);
    list.conv_norm(layer + "downsample.conv2", inner, 1, 3);
    list.conv_norm(layer + "downsample.conv3", next, inner, 1);
  }
}

inline void add_decoder_shapes(sam_shape_list& list, std::int64_t width) {
  const std::string prompt = "prompt_encoder.", decoder = "mask_decoder.", transformer = decoder + "transformer.";
  list.found[prompt + "pe_layer.positional_encoding_gaussian_matrix"] = {2, width / 2};
  for (int i = 0; i < 4; ++i) list.found[prompt + "point_embeddings." + std::to_string(i) + ".weight"] = {1, width};
  list.found[prompt + "not_a_point_embed.weight"] = list.found[prompt + "no_mask_embed.weight"] = {1, width};
  const std::int64_t coarse = list.size(prompt + "mask_downscaling.3.weight", 0, 16), fine = coarse / 4;
  list.filters(prompt + "mask_downscaling.0", {fine, 1, 2, 2}, fine);
  list.vectors(prompt + "mask_downscaling.1", fine);
  list.filters(prompt + "mask_downscaling.3", {coarse, fine, 2, 2}, coarse);
  list.vectors(prompt + "mask_downscaling.4", coarse);
  list.filters(prompt + "mask_downscaling.6", {width, coarse, 1, 1}, width);

  const auto attention = [&](const std::string& name, std::int64_t inner) {
    for (const char* each : {".q_proj", ".k_proj", ".v_proj"}) list.linear(name + each, inner, width);
    list.linear(name + ".out_proj", width, inner);
  };
  for (int i = 0; i < 2; ++i) {
    const std::string layer = transformer + "layers." + std::to_string(i) + ".";
    const std::int64_t hidden = list.size(layer + "mlp.lin1.weight", 0, 2048);
    attention(layer + "self_attn", width);
    attention(layer + "cross_attn_token_to_image", width / 2);
    attention(layer + "cross_attn_image_to_token", width / 2);
    for (const char* norm : {"norm1", "norm2", "norm3", "norm4"}) list.vectors(layer + norm, width);
    list.linear(layer + "mlp.lin1", hidden, width);
    list.linear(layer + "mlp.lin2", width, hidden);
  }
  attention(transformer + "final_attn_token_to_image", width / 2);
  list.vectors(transformer + "norm_final_attn", width);

  const std::int64_t masks = list.size(decoder + "mask_tokens.weight", 0, 4);
  list.found[decoder + "iou_token.weight"] = {1, width};
  list.found[decoder + "mask_tokens.weight"] = {masks, width};
  list.filters(decoder + "output_upscaling.0", {width, width / 4, 2, 2}, width / 4);
  list.vectors(decoder + "output_upscaling.1", width / 4);
  list.filters(decoder + "output_upscaling.3", {width / 4, width / 8, 2, 2}, width / 8);
  const auto mlp = [&](const std::string& name, std::int64_t hidden, std::int64_t out) {
    list.linear(name + ".layers.0", hidden, width);
    list.linear(name + ".layers.1", hidden, hidden);
    list.linear(name + ".layers.2", out, hidden);
  };
  for (std::int64_t i = 0; i < masks; ++i) mlp(decoder + "output_hypernetworks_mlps." + std::to_string(i), width, width / 8);
  mlp(decoder + "iou_prediction_head", list.size(decoder + "iou_prediction_head.layers.0.weight", 0, 256), masks);
}

}  // namespace detail

/// Names and shapes of all tensors of a SAM, as segment-anything's state dict has them, without a prefix. Sizes that may be
/// narrowed (heads, hidden units) are those of `given` where it has them.
[[nodiscard]] inline tensor_shapes sam_shapes(const recognised_sam& sam, const tensor_shapes& given = {}) {
  detail::sam_shape_list list{given, {}};
  const bool tiny = sam.depths.size() > 1;
  const std::int64_t width = list.size("prompt_encoder.no_mask_embed.weight", 1, list.size("image_encoder.neck.0.weight", 0, 256));
  tiny ? detail::add_tiny_vit_shapes(list, sam) : detail::add_vit_shapes(list, sam);
  list.neck(sam.widths.back(), width);
  detail::add_decoder_shapes(list, width);
  return list.found;
}

}  // namespace axonzoo
