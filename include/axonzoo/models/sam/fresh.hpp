#pragma once

#include <cmath>
#include <string>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include <axonzoo/io/safetensors.hpp>
#include <axonzoo/models/sam/shapes.hpp>

namespace axonzoo {

/// SAM with ViT-B, ViT-L or ViT-H.
[[nodiscard]] inline recognised_sam sam_with_vit(std::int64_t width, std::int64_t depth, std::int64_t heads) {
  recognised_sam sam;
  sam.widths = {width};
  sam.depths = {depth};
  sam.heads = {heads};
  sam.windows = {14};
  for (std::int64_t quarter = 1; quarter <= 4; ++quarter) sam.global_blocks.push_back(quarter * depth / 4 - 1);
  return sam;
}

/// MobileSAM, or LiteMedSAM where `image` is 256.
[[nodiscard]] inline recognised_sam sam_with_tiny_vit(std::int64_t image) {
  recognised_sam sam;
  sam.widths = {64, 128, 160, 320};
  sam.depths = {2, 2, 6, 2};
  sam.heads = {0, 4, 5, 10};
  sam.windows = {0, 7, 14, 7};
  sam.image = image;
  sam.patch = image == 256 ? 1 : 3;
  return sam;
}

/// Random weights of a SAM to train from or to measure with, by LibTorch's generator: normal with variance 1 / fan-in, positions
/// and learnt vectors 0.02, norms 1 and 0.
[[nodiscard]] inline tensor_file fresh_sam_weights(const recognised_sam& sam) {
  tensor_file made;
  for (const auto& [name, shape] : sam_shapes(sam)) {
    const bool is_gain = name.ends_with("running_var") || (shape.size() == 1 && name.ends_with(".weight"));
    const bool is_zero = shape.size() <= 1 && !is_gain;
    double fan_in = 1;
    for (std::size_t axis = 1; axis < shape.size(); ++axis) fan_in *= static_cast<double>(shape[axis]);
    const bool is_position = name.ends_with("pos_embed") || name.find("rel_pos") != std::string::npos ||
                             name.find("embed") != std::string::npos || name.find("token") != std::string::npos;
    const bool is_frequency = name.ends_with("gaussian_matrix");
    const bool is_projection = name.find("proj") != std::string::npos || name.find("patch_embed") != std::string::npos;
    const double deviation = is_frequency ? 1 : is_position && !is_projection ? 0.02 : 1 / std::sqrt(fan_in);
    made.tensors.emplace(name, is_gain ? at::ones(shape) : is_zero ? at::zeros(shape) : at::randn(shape) * deviation);
  }
  return made;
}

}  // namespace axonzoo
