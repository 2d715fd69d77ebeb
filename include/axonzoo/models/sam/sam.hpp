#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/constant_pad_nd.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/io/weights.hpp>
#include <axonzoo/models/sam/channel_groups.hpp>
#include <axonzoo/models/sam/image_encoder.hpp>
#include <axonzoo/models/sam/mask_decoder.hpp>
#include <axonzoo/models/sam/prompt_encoder.hpp>
#include <axonzoo/models/sam/recognise.hpp>
#include <axonzoo/models/sam/register_weights.hpp>
#include <axonzoo/models/sam/shapes.hpp>
#include <axonzoo/nn/channel_split.hpp>
#include <axonzoo/nn/network.hpp>

namespace axonzoo {

/// A SAM of any encoder: parameters and buffers have segment-anything's names, so its state dict is one of segment-anything. No
/// width is stored: a narrowed encoder is the same class.
class sam_network : public network {
 public:
  /// Takes the tensors over, in float32. Throws `error` where they are no SAM's (`origin`: "'a.pth'"), or miss some.
  sam_network(const tensor_file& file, const std::string& origin) {
    const auto said = [&](const char* key) { return file.metadata.contains(key) ? file.metadata.at(key) : std::string(); };
    const auto [of_weights, of_rounding] = parted(file.tensors);
    kind_ = recognise_sam(shapes_of({of_weights, {}}), origin, said("pth.wrapper"), said("pth.parts"));
    auto tensors = without_prefix(of_weights, kind_.prefix);
    std::erase_if(tensors, [](const auto& item) { return is_for_imagenet(item.first); });
    tensor_shapes shapes;
    for (const auto& [name, tensor] : tensors) shapes.emplace(name, tensor.sizes().vec());
    require_shapes(shapes, sam_shapes(kind_, shapes), origin, kind_.name);
    require_finite({tensors, {}}, origin);
    const named_weights own = register_weights(*this, tensors, /*roundable=*/true, without_prefix(of_rounding, kind_.prefix));
    encoder_.emplace(own, kind_);
    prompt_encoder_.emplace(own);
    decoder_.emplace(own);
    for (const char* part : {"prompt_encoder", "mask_decoder"}) {
      for (auto& weight : sam_layers::weights_under(own, part)) answering_.push_back(std::move(weight));
    }
  }

  [[nodiscard]] const recognised_sam& kind() const { return kind_; }

  /// The embedding [B, C, H / s, W / s] of prepared images [B, 3, H, W], as these float32, bfloat16 or float16 and channels last; s is
  /// `stride()`.
  [[nodiscard]] at::Tensor encode(const at::Tensor& images) const { return encoder_->forward(images, {.training = is_training(), .recompute = recompute_}); }

  /// Whether the encoder's blocks keep no activations for the backward pass but compute them again in it: the same gradients, less memory, more time. In
  /// training mode a TinyViT keeps them all the same, because its batch norms would count each batch twice.
  void recompute(bool again) { recompute_ = again; }

  /// Masks for P prompts, by embeddings [1, C, h, w] (all prompts are of one image) or [P, C, h, w], of the type to compute with.
  /// `several`: the three masks for ambiguous prompts instead of the one for clear ones. Differentiable in all. Prompts do not see each other: ranks that share layers
  /// (nn/channel_split.hpp) share the prompts here.
  [[nodiscard]] sam_masks decode(const at::Tensor& embedding, const sam_prompts& prompts, bool several) const {
    const auto among = channel_split::active();
    if (among == nullptr) return answer(embedding, prompts, several);
    for (const auto& weight : answering_) among->note_shared(weight);
    const std::int64_t count = prompts.count(), shares = std::max<std::int64_t>(count, among->world_size);
    const auto [begin, own] = channel_split::part(*among, among->rank, count);
    const auto end = begin + std::max<std::int64_t>(own, 1);  // a rank that has none answers the next one's, of which nothing is taken, and so goes backward with the others
    const at::Tensor entering = summed_backward(embedding, shares);
    const auto found = answer(embedding.size(0) == 1 ? entering : entering.slice(0, begin, end), prompts.slice(begin, end), several);
    const auto all = [&, begin = begin, own = own](const at::Tensor& values) {
      std::vector<std::int64_t> around(2 * static_cast<std::size_t>(values.dim()));
      around.end()[-2] = begin;
      around.end()[-1] = count - begin - own;
      return summed(at::constant_pad_nd(values.slice(0, 0, own), around), shares, at::MemoryFormat::Contiguous);
    };
    return {all(found.logits), all(found.scores)};
  }

  std::vector<at::Tensor> forward(const at::Tensor& images) override { return {encode(images)}; }

  /// Side in pixels of what one place of the embedding covers.
  [[nodiscard]] std::int64_t stride() const override { return encoder_->stride(); }

  /// Those of the image encoder.
  [[nodiscard]] std::vector<channel_group> channel_groups() const override {
    tensor_shapes shapes;
    for (const auto& item : named_parameters()) shapes.emplace(item.key(), item.value().sizes().vec());
    return sam_channel_groups(kind_, shapes);
  }

 private:
  [[nodiscard]] sam_masks answer(const at::Tensor& embedding, const sam_prompts& prompts, bool several) const {
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

  /// A file's tensors, and those that say how weights were rounded.
  static std::array<std::map<std::string, at::Tensor>, 2> parted(const std::map<std::string, at::Tensor>& tensors) {
    std::array<std::map<std::string, at::Tensor>, 2> parts;
    for (const auto& item : tensors) parts[item.first.ends_with(".weight_scale") || item.first.ends_with(".input_range") ? 1 : 0].insert(item);
    return parts;
  }

  recognised_sam kind_;
  bool recompute_ = false;
  std::optional<sam_image_encoder> encoder_;
  std::optional<sam_prompt_encoder> prompt_encoder_;
  std::optional<sam_mask_decoder> decoder_;
  std::vector<at::Tensor> answering_;  ///< the weights of both
};

/// Reads the SAM of a file of weights (`read_weights` says which).
[[nodiscard]] inline std::shared_ptr<sam_network> read_sam(const std::filesystem::path& path) {
  return std::make_shared<sam_network>(read_weights(path), "'" + path.string() + "'");
}

}  // namespace axonzoo
