#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/io/weights.hpp>
#include <axonzoo/models/sam/channel_groups.hpp>
#include <axonzoo/models/sam/mask_decoder.hpp>
#include <axonzoo/models/sam/prompt_encoder.hpp>
#include <axonzoo/models/sam/recognise.hpp>
#include <axonzoo/models/sam/shapes.hpp>
#include <axonzoo/models/sam/tiny_vit.hpp>
#include <axonzoo/models/sam/vit.hpp>
#include <axonzoo/nn/network.hpp>

namespace axonzoo {

/// A SAM of any encoder: parameters and buffers have segment-anything's names, so its state dict is one of segment-anything. No
/// width is stored: a narrowed encoder is the same class.
class sam_network : public network {
 public:
  /// Takes the tensors over, in float32. Throws `error` where they are no SAM's (`origin`: "'a.pth'"), or miss some.
  sam_network(const tensor_file& file, const std::string& origin) {
    const auto said = [&](const char* key) { return file.metadata.contains(key) ? file.metadata.at(key) : std::string(); };
    kind_ = recognise_sam(shapes_of(file), origin, said("pth.wrapper"), said("pth.parts"));
    auto tensors = without_prefix(file.tensors, kind_.prefix);
    std::erase_if(tensors, [](const auto& item) { return is_for_classes(item.first); });
    tensor_shapes shapes;
    for (const auto& [name, tensor] : tensors) shapes.emplace(name, tensor.sizes().vec());
    require_shapes(shapes, sam_shapes(kind_, shapes), origin, kind_.name);
    require_finite({tensors, {}}, origin);
    named_weights own;
    for (const auto& [name, tensor] : tensors) own.emplace(name, take(name, tensor));
    if (kind_.depths.size() > 1) {
      tiny_vit_.emplace(own, kind_);
    } else {
      vit_.emplace(own, kind_);
    }
    prompt_encoder_.emplace(own);
    decoder_.emplace(own);
  }

  [[nodiscard]] const recognised_sam& kind() const { return kind_; }

  /// The embedding [B, C, H / s, W / s] of prepared images [B, 3, H, W], as these float32 or bfloat16 and channels last; s is
  /// `stride()`.
  [[nodiscard]] at::Tensor encode(const at::Tensor& images) const {
    return vit_ ? vit_->forward(images) : tiny_vit_->forward(images, is_training());
  }

  /// Masks for P prompts, by embeddings [1, C, h, w] (all prompts are of one image) or [P, C, h, w], of the type to compute with.
  /// `several`: the three masks for ambiguous prompts instead of the one for clear ones. Differentiable in all.
  [[nodiscard]] sam_masks decode(const at::Tensor& embedding, const sam_prompts& prompts, bool several) const {
    const std::int64_t count = prompts.count();
    if (embedding.dim() != 4 || (embedding.size(0) != 1 && embedding.size(0) != count) ||
        embedding.size(1) != prompt_encoder_->no_mask().size(1)) {
      throw error("decoding masks of an embedding of shape " + c10::str(embedding.sizes()),
                  "it does not fit " + std::to_string(count) + " prompts",
                  "give [1, " + std::to_string(prompt_encoder_->no_mask().size(1)) + ", h, w] or one for each prompt");
    }
    const auto type = embedding.scalar_type();
    const std::int64_t h = embedding.size(2), w = embedding.size(3);
    const at::Tensor tokens = prompt_encoder_->tokens(prompts, h * stride(), w * stride()).to(type);
    at::Tensor pixels = embedding.flatten(2).transpose(1, 2);
    if (!prompts.masks.defined()) {
      pixels = pixels + prompt_encoder_->no_mask().to(type);
    } else if (prompts.masks.size(2) == 4 * h && prompts.masks.size(3) == 4 * w) {
      pixels = pixels + prompt_encoder_->dense(prompts.masks.to(type)).flatten(2).transpose(1, 2);
    } else {
      throw error("reading mask prompts of shape " + c10::str(prompts.masks.sizes()), "they do not fit the embedding",
                  "give [P, 1, " + std::to_string(4 * h) + ", " + std::to_string(4 * w) + "]");
    }
    return decoder_->forward(pixels, prompt_encoder_->places(h, w).to(type), tokens, h, w, several);
  }

  std::vector<at::Tensor> forward(const at::Tensor& images) override { return {encode(images)}; }

  /// Side in pixels of what one place of the embedding covers.
  [[nodiscard]] std::int64_t stride() const override { return kind_.depths.size() > 1 ? kind_.image / 64 : kind_.patch; }

  /// Those of the image encoder.
  [[nodiscard]] std::vector<channel_group> channel_groups() const override {
    tensor_shapes shapes;
    for (const auto& item : named_parameters()) shapes.emplace(item.key(), item.value().sizes().vec());
    return sam_channel_groups(kind_, shapes);
  }

 private:
  /// MobileSAM's file still has the layers that its encoder's training on ImageNet ended with.
  static bool is_for_classes(const std::string& name) {
    return name.starts_with("image_encoder.norm_head.") || name.starts_with("image_encoder.head.");
  }

  /// Registers a copy of the tensor under its dotted name.
  at::Tensor take(const std::string& name, const at::Tensor& tensor) {
    torch::nn::Module* at = this;
    std::string path;
    std::size_t begin = 0;
    for (std::size_t dot = name.find('.'); dot != std::string::npos; begin = dot + 1, dot = name.find('.', begin)) {
      path = name.substr(0, dot);
      auto& child = branches_[path];
      if (!child) child = at->register_module(name.substr(begin, dot - begin), std::make_shared<torch::nn::Module>());
      at = child.get();
    }
    const std::string leaf = name.substr(begin);
    const bool statistic = leaf.starts_with("running_") || leaf == "num_batches_tracked" || leaf.starts_with("positional_encoding");
    at::Tensor own = tensor.to(leaf == "num_batches_tracked" ? at::kLong : at::kFloat, false, true);
    if (own.dim() == 4 && leaf != "pos_embed") own = own.contiguous(at::MemoryFormat::ChannelsLast);
    return statistic ? at->register_buffer(leaf, own) : at->register_parameter(leaf, own);
  }

  recognised_sam kind_;
  std::map<std::string, std::shared_ptr<torch::nn::Module>> branches_;
  std::optional<vit_encoder> vit_;
  std::optional<tiny_vit_encoder> tiny_vit_;
  std::optional<sam_prompt_encoder> prompt_encoder_;
  std::optional<sam_mask_decoder> decoder_;
};

/// Reads the SAM of a file of weights (`read_weights` says which).
[[nodiscard]] inline std::shared_ptr<sam_network> read_sam(const std::filesystem::path& path) {
  return std::make_shared<sam_network>(read_weights(path), "'" + path.string() + "'");
}

}  // namespace axonzoo
