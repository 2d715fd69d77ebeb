#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/models/sam/block_names.hpp>
#include <axonzoo/models/sam/layers.hpp>
#include <axonzoo/models/sam/positions.hpp>
#include <axonzoo/models/sam/recognise.hpp>
#include <axonzoo/models/sam/windows.hpp>
#include <axonzoo/nn/attention.hpp>
#include <axonzoo/nn/recompute.hpp>

namespace axonzoo {

namespace detail {

/// A block of SAM's ViT: attention within windows or the whole image, then an MLP, each added to the tokens.
class vit_block {
 public:
  vit_block(const named_weights& from, const std::string& name, std::int64_t heads, std::int64_t window)
      : heads_(heads),
        window_(window),
        layers_(from, vit_block_names(name), 1e-6),
        rows_(from.at(name + ".attn.rel_pos_h")),
        columns_(from.at(name + ".attn.rel_pos_w")),
        weights_(sam_layers::weights_under(from, name)) {}

  /// Tokens [B, H, W, C] float32; what is multiplied is of type `type`.
  [[nodiscard]] at::Tensor forward(const at::Tensor& tokens, c10::ScalarType type) const {
    const at::Tensor x = tokens + attend(layers_.before(tokens, type));
    return x + layers_.perceptron(x, type);
  }

  [[nodiscard]] const std::vector<at::Tensor>& weights() const { return weights_; }

 private:
  // the windows are cut after the projection: what lies outside the image is the bias alone and costs no products
  [[nodiscard]] at::Tensor attend(const at::Tensor& x) const {
    const std::int64_t height = x.size(1), width = x.size(2);
    at::Tensor qkv = layers_.qkv.to_units(x, heads_, 3);
    if (window_ > 0) qkv = sam_layers::into_windows(qkv, window_, channel_split::share(layers_.qkv.bias, 0, heads_, 3));
    const std::int64_t b = qkv.size(0), h = qkv.size(1), w = qkv.size(2);
    const at::Tensor parts = qkv.view({b, h * w, 3, channel_split::own(heads_), -1});
    const auto part = [&](std::int64_t i) { return parts.select(2, i).transpose(1, 2); };
    const at::Tensor q = part(0), rows = channel_split::common(rows_, heads_), columns = channel_split::common(columns_, heads_);
    const double scale = 1 / std::sqrt(static_cast<double>(q.size(3)));
    at::Tensor y = attention_with_relative_positions(q, part(1), part(2), sam_layers::relative_rows(q, rows, h, w),
                                                     sam_layers::relative_columns(q, columns, h, w), h, w, scale)
                       .view({b, h, w, -1});
    if (window_ > 0) y = sam_layers::out_of_windows(y, height, width);
    return layers_.out.from_units(y, heads_);
  }

  std::int64_t heads_, window_;
  sam_layers::block_layers layers_;
  at::Tensor rows_, columns_;
  std::vector<at::Tensor> weights_;
};

}  // namespace detail

/// SAM's ViT (Kirillov et al. 2023; Li et al. 2022, "ViTDet"): patches, absolute positions, blocks with attention in windows but
/// for some, neck. ViT-B, -L, -H and narrowed ones: widths are the weights'.
class vit_encoder {
 public:
  vit_encoder(const named_weights& from, const recognised_sam& sam)
      : patch_(from, "image_encoder.patch_embed.proj"), positions_(from.at("image_encoder.pos_embed")), neck_(from, "image_encoder.neck") {
    for (std::int64_t i = 0; i < sam.depths.at(0); ++i) {
      const bool whole = std::find(sam.global_blocks.begin(), sam.global_blocks.end(), i) != sam.global_blocks.end();
      blocks_.emplace_back(from, "image_encoder.blocks." + std::to_string(i), sam.heads.at(0), whole ? 0 : sam.windows.at(0));
    }
  }

  /// Images [B, 3, H, W] whose sides are multiples of the patch, float32, bfloat16 or float16 (then its products are); gives
  /// [B, 256, H / patch, W / patch] as the images, channels last. Positions of another image size are interpolated.
  [[nodiscard]] at::Tensor forward(const at::Tensor& images, const encoder_pass& how = {}) const {
    const std::int64_t patch = patch_.weight.size(2);
    if (images.dim() != 4 || images.size(1) != patch_.weight.size(1) || images.size(2) % patch != 0 || images.size(3) % patch != 0) {
      throw error("encoding images of shape " + c10::str(images.sizes()), "their sides or channels do not fit",
                  "give [B, 3, H, W] with sides that are multiples of " + std::to_string(patch));
    }
    const std::int64_t b = images.size(0), h = images.size(2) / patch, w = images.size(3) / patch;
    const auto type = images.scalar_type();
    const at::Tensor patches =
        images.reshape({b, -1, h, patch, w, patch}).permute({0, 2, 4, 1, 3, 5}).reshape({b, h, w, -1});
    at::Tensor x = linear(patches, patch_.weight.flatten(1), patch_.bias) + sam_layers::positions(positions_, h, w);
    for (const auto& block : blocks_) {
      x = how.recompute ? recomputed(x, block.weights(), [block, type](const at::Tensor& tokens) { return block.forward(tokens, type); }) : block.forward(x, type);
    }
    return neck_(x.to(type).permute({0, 3, 1, 2}));
  }

 private:
  sam_layers::linear patch_;
  at::Tensor positions_;
  std::vector<detail::vit_block> blocks_;
  sam_layers::neck neck_;
};

}  // namespace axonzoo
