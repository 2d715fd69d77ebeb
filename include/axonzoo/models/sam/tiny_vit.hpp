#pragma once

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

/// Three convolutions: 1x1, 3x3 of each channel alone, 1x1, with GELU between. An inverted bottleneck with stride 1, a merger of
/// patches with stride 2.
struct tiny_vit_convolutions {
  sam_layers::conv_norm first, each, last;
  std::vector<at::Tensor> weights;

  tiny_vit_convolutions(const named_weights& from, const std::string& name, std::int64_t stride)
      : first(from, name + ".conv1"), each(from, name + ".conv2", stride), last(from, name + ".conv3"), weights(sam_layers::weights_under(from, name)) {}
  [[nodiscard]] at::Tensor operator()(const at::Tensor& x, bool training) const {
    const at::Tensor entering = summed_backward(x, first.weight.size(0));
    return last.from_units(axonzoo::gelu(each.to_units(axonzoo::gelu(first.to_units(entering, training)), training)), training);
  }
};

/// A block of TinyViT: attention within windows, 3x3 convolution of each channel, MLP.
class tiny_vit_block {
 public:
  tiny_vit_block(const named_weights& from, const std::string& name, std::int64_t heads, std::int64_t window)
      : heads_(heads),
        window_(window),
        layers_(from, tiny_vit_block_names(name), 1e-5),
        local_(from, name + ".local_conv"),
        biases_(from.at(name + ".attn.attention_biases")),
        weights_(sam_layers::weights_under(from, name)) {}

  /// Tokens [B, C, H, W], channels last.
  [[nodiscard]] at::Tensor forward(const at::Tensor& tokens, bool training) const {
    at::Tensor x = tokens.permute({0, 2, 3, 1});
    x = x + attend(x);
    x = local_(x.permute({0, 3, 1, 2}), training).permute({0, 2, 3, 1});
    x = x + layers_.perceptron(x, x.scalar_type());
    return x.permute({0, 3, 1, 2});
  }

  [[nodiscard]] const std::vector<at::Tensor>& weights() const { return weights_; }

 private:
  // padding is of zeros before the norm, which makes its bias of them: a constant that is projected once
  [[nodiscard]] at::Tensor attend(const at::Tensor& x) const {
    const at::Tensor outside = layers_.qkv.to_units(layers_.before.bias, heads_, 1, /*observed=*/false);
    const at::Tensor qkv = sam_layers::into_windows(layers_.qkv.to_units(layers_.before(x), heads_), window_, outside);
    const std::int64_t b = qkv.size(0), area = window_ * window_;
    const at::Tensor parts = qkv.view({b, area, channel_split::own(heads_), 3, -1});
    const auto part = [&](std::int64_t i) { return parts.select(3, i).transpose(1, 2); };
    const double scale = 1 / std::sqrt(static_cast<double>(parts.size(4)));
    const at::Tensor bias = sam_layers::distance_bias(channel_split::share(biases_, 0), window_);
    const at::Tensor y = attention_with_bias(part(0), part(1), part(2), bias, scale).view({b, window_, window_, -1});
    return layers_.out.from_units(sam_layers::out_of_windows(y, x.size(1), x.size(2)), heads_);
  }

  std::int64_t heads_, window_;
  sam_layers::block_layers layers_;
  sam_layers::conv_norm local_;
  at::Tensor biases_;
  std::vector<at::Tensor> weights_;
};

}  // namespace detail

/// TinyViT (Wu et al. 2022) as MobileSAM and LiteMedSAM have it: two convolutions, a stage of inverted bottlenecks, three of
/// attention in windows, neck. Patches merge 2x2 between stages but before the last. MobileSAM's first convolutions have stride
/// 2, LiteMedSAM's are 1x1.
class tiny_vit_encoder {
 public:
  tiny_vit_encoder(const named_weights& from, const recognised_sam& sam)
      : first_(from, "image_encoder.patch_embed.seq.0", first_stride(from)),
        second_(from, "image_encoder.patch_embed.seq.2", first_stride(from)),
        neck_(from, "image_encoder.neck") {
    for (std::size_t stage = 0; stage < sam.depths.size(); ++stage) {
      const std::string layer = "image_encoder.layers." + std::to_string(stage);
      for (std::int64_t i = 0; i < sam.depths[stage]; ++i) {
        const std::string block = layer + ".blocks." + std::to_string(i);
        if (stage == 0) {
          bottlenecks_.emplace_back(from, block, 1);
        } else {
          blocks_.resize(stage);
          blocks_.back().emplace_back(from, block, sam.heads[stage], sam.windows[stage]);
        }
      }
      if (stage + 1 < sam.depths.size()) mergers_.emplace_back(from, layer + ".downsample", stage + 2 < sam.depths.size() ? 2 : 1);
    }
  }

  /// Images [B, 3, H, W], float32, bfloat16 or float16; gives [B, 256, H / stride, W / stride] as the images, stride 4 (LiteMedSAM) or 16.
  [[nodiscard]] at::Tensor forward(const at::Tensor& images, const encoder_pass& how = {}) const {
    const std::int64_t stride = 4 * first_.stride * second_.stride;
    if (images.dim() != 4 || images.size(1) != first_.weight.size(1) || images.size(2) % stride != 0 || images.size(3) % stride != 0) {
      throw error("encoding images of shape " + c10::str(images.sizes()), "their sides or channels do not fit",
                  "give [B, 3, H, W] with sides that are multiples of " + std::to_string(stride));
    }
    at::Tensor x = images.contiguous(at::MemoryFormat::ChannelsLast);
    const bool training = how.training;
    const auto run = [&](const std::vector<at::Tensor>& weights, const repeatable_part& block) { x = how.recompute && !training ? recomputed(x, weights, block) : block(x); };
    x = second_.from_units(axonzoo::gelu(first_.to_units(summed_backward(x, first_.weight.size(0)), training)), training);
    for (const auto& bottleneck : bottlenecks_) {
      run(bottleneck.weights, [bottleneck, training](const at::Tensor& tokens) { return axonzoo::gelu(tokens + bottleneck(tokens, training)); });
    }
    for (std::size_t stage = 0; stage < blocks_.size(); ++stage) {
      if (how.stages != nullptr) how.stages->push_back(x);
      x = mergers_[stage](x, training);
      for (const auto& block : blocks_[stage]) {
        run(block.weights(), [block, training](const at::Tensor& tokens) { return block.forward(tokens, training); });
      }
    }
    return neck_(x);
  }

 private:
  static std::int64_t first_stride(const named_weights& from) {
    return from.at("image_encoder.patch_embed.seq.0.c.weight").size(2) == 1 ? 1 : 2;
  }

  sam_layers::conv_norm first_, second_;
  std::vector<detail::tiny_vit_convolutions> bottlenecks_, mergers_;
  std::vector<std::vector<detail::tiny_vit_block>> blocks_;
  sam_layers::neck neck_;
};

}  // namespace axonzoo
