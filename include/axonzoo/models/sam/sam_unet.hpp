#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/upsample_bilinear2d.h>
#include <c10/core/DispatchKeySet.h>
#include <c10/core/GradMode.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/io/weights.hpp>
#include <axonzoo/models/sam/channel_groups.hpp>
#include <axonzoo/models/sam/image_encoder.hpp>
#include <axonzoo/models/sam/prepare.hpp>
#include <axonzoo/models/sam/recognise.hpp>
#include <axonzoo/models/sam/register_weights.hpp>
#include <axonzoo/models/sam/shapes.hpp>
#include <axonzoo/models/unet.hpp>

namespace axonzoo {

/// A class for each pixel from the image encoder of a SAM, which does not train: a U-Net whose contracting path is also given what the encoder has found. At a
/// quarter of the sides that is the embedding, at a half and at full resolution the earlier stages of a TinyViT; each goes through a 1x1 convolution, norm and
/// activation and is added to the level's own features. So the fine outlines come from the image, and the context below a quarter from the U-Net's deeper levels.
/// Images are enlarged fourfold for encoders of stride 16, which were trained on sides of 1024 px.
class sam_unet_network : public unet_network {
 public:
  /// The encoder is that of `weights`, a SAM's or a checkpoint's of this network; all else is random. Throws `error` where they hold none, or one with missing or
  /// misshapen tensors (`origin`: "'a.pth'"), for fewer levels than three, and for another number of channels than 1 or 3.
  sam_unet_network(const tensor_file& weights, const std::string& origin, std::int64_t channels, std::int64_t classes, const std::vector<std::int64_t>& widths)
      : unet_network(channels, classes, widths) {
    if (widths.size() <= embedding_level) throw error("cannot give a SAM's embedding to a U-Net", "it has " + std::to_string(widths.size()) + " levels", "give three or more");
    if (channels != 1 && channels != 3) throw error("cannot give images of " + std::to_string(channels) + " channels to a SAM", "it takes grey or RGB", "give 1 or 3");
    kind_ = recognise_sam(shapes_of(weights), origin);
    auto tensors = without_prefix(weights.tensors, kind_.prefix);
    std::erase_if(tensors, [](const auto& item) { return !item.first.starts_with(encoder_name) || is_for_imagenet(item.first); });
    const auto shapes = shapes_of({tensors, {}});
    auto expected = sam_shapes(kind_, shapes);
    std::erase_if(expected, [](const auto& item) { return !item.first.starts_with(encoder_name); });
    require_shapes(shapes, expected, origin, kind_.name);
    require_finite({tensors, {}}, origin);
    const auto own = register_weights(*this, tensors);
    for (const auto& [name, tensor] : own) {
      if (tensor.is_floating_point()) at::Tensor(tensor).requires_grad_(false);
    }
    encoder_.emplace(own, kind_);
    last_ = own.at("image_encoder.neck.2.weight");
    if (kind_.depths.size() > 1) {
      for (std::size_t level = 0; level < embedding_level; ++level) add_stage(level, kind_.widths.at(level), widths[level]);
    }
    add_stage(embedding_level, last_.size(0), widths[embedding_level]);
  }

  [[nodiscard]] const recognised_sam& kind() const { return kind_; }

  std::vector<at::Tensor> forward(const at::Tensor& images) override {
    const auto found = encoded(images);
    std::vector<at::Tensor> added(embedding_level + 1);
    for (const auto& [level, block] : stages_) added[level] = block->forward(found[level]);
    return forward_with(images, added);
  }

  /// Those of the U-Net, to which the encoder's features are added, and those of the encoder.
  [[nodiscard]] std::vector<channel_group> channel_groups() const override {
    auto groups = unet_network::channel_groups();
    tensor_shapes shapes;
    for (const auto& item : named_parameters()) shapes.emplace(item.key(), item.value().sizes().vec());
    auto of_encoder = sam_channel_groups(kind_, shapes);
    for (const auto& [level, block] : stages_) {
      const auto name = "stage" + std::to_string(level);
      block->add_output_axes(of_level(groups, "down" + std::to_string(level) + "b"), name);
      if (level < embedding_level) of_level(of_encoder, std::string(encoder_name) + "layers." + std::to_string(level) + ".width").axes.push_back({name + ".conv.weight", 1, 0});
    }
    groups.insert(groups.end(), of_encoder.begin(), of_encoder.end());
    return groups;
  }

 private:
  static constexpr std::size_t embedding_level = 2;
  static constexpr std::string_view encoder_name = "image_encoder.";

  static channel_group& of_level(std::vector<channel_group>& groups, const std::string& name) {
    for (auto& group : groups) {
      if (group.name == name) return group;
    }
    throw error("cannot list the coupled channels of a U-Net on a SAM", "there is no group " + name, "this is a defect of axonzoo");
  }

  void add_stage(std::size_t level, std::int64_t in, std::int64_t out) {
    stages_.emplace(level, register_module("stage" + std::to_string(level), std::make_shared<conv_block>(in, out, norm_kind::instance_leaky, 1, /*kernel=*/1)));
  }

  /// What the encoder gives of images [N, C, H, W], of their type, by level; without a graph, unless its weights are asked for gradients (pruning scores them).
  [[nodiscard]] std::vector<at::Tensor> encoded(const at::Tensor& images) const {
    const at::AutoGradMode gradients(c10::GradMode::is_enabled() && last_.requires_grad());
    const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);  // the encoder knows its types
    const auto type = images.scalar_type() == at::kBFloat16 ? at::kBFloat16 : at::kFloat;
    auto pixels = levels(images.to(at::kFloat));
    const auto zoom = encoder_->stride() >> embedding_level;
    const std::int64_t enlarged[] = {zoom * pixels.size(2), zoom * pixels.size(3)};
    if (zoom > 1) pixels = at::upsample_bilinear2d(pixels, enlarged, /*align_corners=*/false);
    std::vector<at::Tensor> found;
    const auto embedding = encoder_->forward(pixels.to(type).contiguous(at::MemoryFormat::ChannelsLast), {.training = false, .recompute = false, .stages = &found});
    found.resize(embedding_level + 1);
    found[embedding_level] = embedding;
    for (auto& one : found) {
      if (one.defined()) one = one.to(images.scalar_type());
    }
    return found;
  }

  /// Three colours in the levels that the encoder was trained on: each image from 0 to 1 by its own extremes, or segment-anything's means and deviations.
  [[nodiscard]] at::Tensor levels(const at::Tensor& images) const {
    const auto flat = images.flatten(1);
    const auto lowest = flat.amin(1).view({-1, 1, 1, 1}), highest = flat.amax(1).view({-1, 1, 1, 1});
    auto unit = (images - lowest) / (highest - lowest).clamp_min(1e-8);
    if (unit.size(1) == 1) unit = unit.expand({-1, 3, -1, -1});
    if (!takes_natural_images(kind_)) return unit;
    const auto by_colour = [&](const auto& values) { return at::tensor(at::ArrayRef<float>(values.data(), values.size()), unit.options()).view({1, 3, 1, 1}); };
    return (255 * unit - by_colour(natural_mean)) / by_colour(natural_deviation);
  }

  recognised_sam kind_;
  std::optional<sam_image_encoder> encoder_;
  at::Tensor last_;
  std::map<std::size_t, std::shared_ptr<conv_block>> stages_;
};

}  // namespace axonzoo
