#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <ATen/core/Tensor.h>

#include <axonzoo/models/sam/layers.hpp>
#include <axonzoo/models/sam/recognise.hpp>
#include <axonzoo/models/sam/tiny_vit.hpp>
#include <axonzoo/models/sam/vit.hpp>

namespace axonzoo {

/// MobileSAM's file still has the layers that its encoder's training on ImageNet ended with.
[[nodiscard]] inline bool is_for_imagenet(const std::string& name) {
  return name.starts_with("image_encoder.norm_head.") || name.starts_with("image_encoder.head.");
}

/// A SAM's image encoder, whichever it is.
class sam_image_encoder {
 public:
  sam_image_encoder(const named_weights& from, const recognised_sam& sam) : stride_(embedding_stride(sam)) {
    if (sam.depths.size() > 1) {
      tiny_vit_.emplace(from, sam);
    } else {
      vit_.emplace(from, sam);
    }
  }

  /// The embedding [B, C, H / s, W / s] of prepared images [B, 3, H, W], as these float32, bfloat16 or float16 and channels last; s is `stride()`.
  [[nodiscard]] at::Tensor forward(const at::Tensor& images, const encoder_pass& how = {}) const {
    return vit_ ? vit_->forward(images, how) : tiny_vit_->forward(images, how);
  }

  /// Side in pixels of what one place of the embedding covers.
  [[nodiscard]] std::int64_t stride() const { return stride_; }

 private:
  std::int64_t stride_;
  std::optional<vit_encoder> vit_;
  std::optional<tiny_vit_encoder> tiny_vit_;
};

}  // namespace axonzoo
