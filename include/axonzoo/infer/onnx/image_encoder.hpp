#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <axonzoo/infer/onnx/layers.hpp>
#include <axonzoo/infer/onnx/tiny_vit.hpp>
#include <axonzoo/infer/onnx/vit.hpp>
#include <axonzoo/models/sam/recognise.hpp>

namespace axonzoo::detail {

/// What a SAM's image encoder gives: [n, C, image / stride, image / stride], and [n, C, H, W] of each stage of a TinyViT but the last.
struct encoded_value {
  std::string embedding;
  std::vector<std::string> stages;
};

/// `sam_image_encoder::forward` of images [n, 3, image, image].
inline encoded_value add_image_encoder(onnx_layers& layers, const recognised_sam& sam, const std::string& images, std::int64_t image) {
  encoded_value made;
  made.embedding = sam.depths.size() > 1 ? add_tiny_vit(layers, sam, images, image, made.stages) : add_vit(layers, sam, images, image);
  return made;
}

}  // namespace axonzoo::detail
