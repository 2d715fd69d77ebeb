#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <ATen/core/Tensor.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/upsample_bilinear2d.h>
#include <c10/core/InferenceMode.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/models/sam/prepare.hpp>
#include <axonzoo/models/sam/sam.hpp>
#include <axonzoo/precision/registry.hpp>

namespace axonzoo {

/// Masks by prompts. One image's embedding serves all its prompts.
class sam_predictor {
 public:
  /// `device` is what `use_device` gives.
  explicit sam_predictor(std::shared_ptr<sam_network> sam, const std::string& precision = "fp32", c10::Device device = c10::kCPU)
      : sam_(std::move(sam)), precision_(setting_of(precision)), device_(device) {
    sam_->to(device_);
    sam_->eval();
  }

  [[nodiscard]] const sam_network& network() const { return *sam_; }
  [[nodiscard]] const sam_input& input() const { return input_; }
  [[nodiscard]] const at::Tensor& embedding() const { return embedding_; }  ///< [1, C, h, w] in the precision's type

  /// Takes an image [H, W, 1 or 3] in the file's own levels.
  void set_image(const image& pixels) {
    const c10::InferenceMode no_gradients;
    input_ = prepare_for_sam(pixels, sam_->kind());
    const auto scope = precision_.enter(device_.type());
    embedding_ = sam_->encode(input_.pixels.to(device_, precision_.compute_type));
  }

  /// Low-resolution logits and predicted IoUs of prompts in pixels of the image; `masks` are logits of low resolution. Throws
  /// `error` for boxes or points that are NaN, boxes that are empty, reversed or outside, unknown labels.
  [[nodiscard]] sam_masks predict(const sam_prompts& prompts, bool several) const {
    const c10::InferenceMode no_gradients;
    check(prompts);
    sam_prompts scaled = prompts;
    if (prompts.points.defined()) scaled.points = to_input(prompts.points);
    if (prompts.boxes.defined()) scaled.boxes = to_input(prompts.boxes.view({-1, 2, 2})).view({-1, 4});
    const auto moved = [&](at::Tensor& x) {
      if (x.defined()) x = x.to(device_);
    };
    for (at::Tensor* each : {&scaled.points, &scaled.labels, &scaled.boxes, &scaled.masks}) moved(*each);
    const auto scope = precision_.enter(device_.type());
    sam_masks found = sam_->decode(embedding_, scaled, several);
    return {found.logits.to(at::kCPU), found.scores.to(at::kCPU)};
  }

  /// Prompts in batches whose work fits into about `bytes`; `take(begin, masks)` gets each batch in turn.
  void predict_in_batches(const sam_prompts& prompts, bool several, std::int64_t bytes,
                          const std::function<void(std::int64_t begin, const sam_masks& masks)>& take) const {
    const std::int64_t count = prompts.count(), most = batch(several, bytes);
    for (std::int64_t begin = 0; begin < count; begin += most)
      take(begin, predict(prompts.slice(begin, std::min(begin + most, count)), several));
  }

  /// Logits [P, K, H, W] at the image's own size, of low-resolution ones: first to the network's input, as segment-anything does.
  [[nodiscard]] at::Tensor at_full_size(const at::Tensor& logits) const {
    const c10::InferenceMode no_gradients;
    const std::int64_t side = sam_->kind().image;
    at::Tensor x = logits;
    if (x.size(2) != side || x.size(3) != side) x = at::upsample_bilinear2d(x, {side, side}, false);
    x = x.slice(2, 0, input_.scaled_height).slice(3, 0, input_.scaled_width);
    return at::upsample_bilinear2d(x.contiguous(), {input_.height, input_.width}, false);
  }

 private:
  [[nodiscard]] std::int64_t batch(bool several, std::int64_t bytes) const {
    const std::int64_t places = embedding_.size(2) * embedding_.size(3), channels = embedding_.size(1);
    const std::int64_t answers = several ? 3 : 1;
    // the image's tokens and their sums, both levels of upscaling, the logits at both sizes
    const std::int64_t each = 4 * (places * (6 * channels + 16 * channels / 4 + 32 * answers) + 3 * answers * input_.height * input_.width);
    return std::clamp<std::int64_t>(bytes / each, 1, 256);
  }

  /// Points [..., 2] x and y from the image's pixels to the input's.
  [[nodiscard]] at::Tensor to_input(const at::Tensor& points) const {
    const auto ratio = [](std::int64_t to, std::int64_t from) { return static_cast<double>(to) / static_cast<double>(from); };
    return at::stack({points.select(-1, 0) * ratio(input_.scaled_width, input_.width),
                      points.select(-1, 1) * ratio(input_.scaled_height, input_.height)},
                     -1);
  }

  void check(const sam_prompts& prompts) const {
    const std::string doing = "predicting masks";
    if (!embedding_.defined()) throw error(doing, "no image was given", "call set_image first");
    (void)prompts.count();
    const auto any = [](const at::Tensor& wrong) { return wrong.any().item<bool>(); };
    for (const at::Tensor* each : {&prompts.points, &prompts.labels, &prompts.boxes, &prompts.masks}) {
      if (each->defined() && any(at::isfinite(*each).logical_not())) throw error(doing, "a prompt is NaN or infinite", "leave it out");
    }
    if (prompts.labels.defined() && any((prompts.labels != 1).logical_and(prompts.labels != 0).logical_and(prompts.labels != -1)))
      throw error(doing, "a point's label is neither 1, 0 nor -1", "give 1 in the object, 0 outside, -1 for what is no point");
    if (!prompts.boxes.defined()) return;
    const auto corner = [&](std::int64_t i) { return prompts.boxes.select(1, i); };
    if (any((corner(2) <= corner(0)).logical_or(corner(3) <= corner(1))))
      throw error(doing, "a box is empty or reversed", "give left, top, right, bottom, with right > left and bottom > top");
    if (any((corner(2) < 0).logical_or(corner(3) < 0).logical_or(corner(0) >= input_.width).logical_or(corner(1) >= input_.height)))
      throw error(doing, "a box is outside the image", "give pixels of an image of " + std::to_string(input_.width) + " x " + std::to_string(input_.height));
  }

  std::shared_ptr<sam_network> sam_;
  precision_setting precision_;
  c10::Device device_;
  sam_input input_;
  at::Tensor embedding_;
};

}  // namespace axonzoo
