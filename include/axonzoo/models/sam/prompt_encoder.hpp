#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string>
#include <utility>

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/models/sam/layers.hpp>

namespace axonzoo {

/// Prompts for P masks, all in pixels of the network's input. What is undefined is not given.
struct sam_prompts {
  at::Tensor points;  ///< [P, N, 2] x and y; ragged numbers are filled up with points of label -1
  at::Tensor labels;  ///< [P, N] 1 in the object, 0 outside, -1 not a point
  at::Tensor boxes;   ///< [P, 4] left, top, right, bottom
  at::Tensor masks;   ///< [P, 1, 4 h, 4 w] logits of an earlier answer, for an embedding of h x w

  /// P. Throws `error` where shapes do not go together or nothing is given.
  [[nodiscard]] std::int64_t count() const {
    const auto refuse = [](const char* wrong, const char* mend) { throw error("reading prompts", wrong, mend); };
    if (points.defined() != labels.defined()) refuse("points and labels are not both given", "give a label for each point");
    if (points.defined() && (points.dim() != 3 || points.size(2) != 2 || labels.dim() != 2 || labels.size(0) != points.size(0) ||
                             labels.size(1) != points.size(1)))
      refuse("points and labels do not go together", "give [P, N, 2] and [P, N]");
    if (boxes.defined() && (boxes.dim() != 2 || boxes.size(1) != 4)) refuse("boxes are of another shape", "give [P, 4]");
    if (masks.defined() && (masks.dim() != 4 || masks.size(1) != 1)) refuse("masks are of another shape", "give [P, 1, H, W]");
    std::int64_t found = -1;
    for (const at::Tensor* each : {&points, &boxes, &masks}) {
      if (!each->defined()) continue;
      if (found >= 0 && each->size(0) != found) refuse("points, boxes and masks are of different numbers", "give P of each");
      found = each->size(0);
    }
    if (found < 0) refuse("none is given", "give points, boxes or masks");
    return found;
  }

  /// Prompts begin ... end - 1.
  [[nodiscard]] sam_prompts slice(std::int64_t begin, std::int64_t end) const {
    const auto part = [&](const at::Tensor& x) { return x.defined() ? x.slice(0, begin, end) : x; };
    return {part(points), part(labels), part(boxes), part(masks)};
  }
};

/// SAM's prompt encoder: random Fourier features of positions (Tancik et al. 2020) and learnt vectors of what they are.
class sam_prompt_encoder {
 public:
  explicit sam_prompt_encoder(const named_weights& from)
      : frequencies_(from.at("prompt_encoder.pe_layer.positional_encoding_gaussian_matrix")),
        not_a_point_(from.at("prompt_encoder.not_a_point_embed.weight")),
        no_mask_(from.at("prompt_encoder.no_mask_embed.weight")),
        halve_(convolution_of(from, "0")),
        quarter_(convolution_of(from, "3")),
        widen_(convolution_of(from, "6")),
        first_(from, "prompt_encoder.mask_downscaling.1"),
        second_(from, "prompt_encoder.mask_downscaling.4") {
    for (std::size_t i = 0; i < kinds_.size(); ++i) kinds_[i] = from.at("prompt_encoder.point_embeddings." + std::to_string(i) + ".weight");
  }

  /// Tokens [P, T, C] float32 of points and boxes for an input of height x width; T is 0 where only masks are given. Points
  /// without a box get one token "not a point", as in training.
  [[nodiscard]] at::Tensor tokens(const sam_prompts& prompts, std::int64_t height, std::int64_t width) const {
    const std::int64_t count = prompts.count();
    at::Tensor found = at::empty({count, 0, no_mask_.size(1)}, frequencies_.options());
    if (prompts.points.defined()) {
      at::Tensor points = prompts.points.to(frequencies_.options()) + 0.5, labels = prompts.labels.to(frequencies_.options());
      if (!prompts.boxes.defined()) {
        points = at::cat({points, at::zeros({count, 1, 2}, points.options())}, 1);
        labels = at::cat({labels, at::zeros({count, 1}, labels.options()) - 1}, 1);
      }
      const auto where = [&](double label) { return (labels == label).unsqueeze(-1); };
      at::Tensor vectors = at::where(where(-1), not_a_point_, encode(points, height, width));
      vectors = at::where(where(0), vectors + kinds_[0], vectors);
      found = at::cat({found, at::where(where(1), vectors + kinds_[1], vectors)}, 1);
    }
    if (prompts.boxes.defined()) {
      const at::Tensor corners = prompts.boxes.to(frequencies_.options()).view({count, 2, 2}) + 0.5;
      found = at::cat({found, encode(corners, height, width) + at::cat({kinds_[2], kinds_[3]}, 0)}, 1);
    }
    return found;
  }

  /// Of mask prompts [P, 1, 4 h, 4 w]: [P, C, h, w] of their type.
  [[nodiscard]] at::Tensor dense(const at::Tensor& masks) const {
    at::Tensor x = convolution(masks.contiguous(at::MemoryFormat::ChannelsLast), halve_.first, halve_.second, 2, 0);
    x = convolution(axonzoo::gelu(first_(x)), quarter_.first, quarter_.second, 2, 0);
    return convolution(axonzoo::gelu(second_(x)), widen_.first, widen_.second, 1, 0);
  }

  /// What stands for an absent mask, [1, C].
  [[nodiscard]] const at::Tensor& no_mask() const { return no_mask_; }

  /// Of the centres of an embedding's h x w places, [h w, C] float32.
  [[nodiscard]] at::Tensor places(std::int64_t h, std::int64_t w) const {
    const auto centres = [&](std::int64_t n) { return at::arange(n, frequencies_.options()) + 0.5; };
    const at::Tensor x = centres(w).unsqueeze(0).expand({h, w}), y = centres(h).unsqueeze(1).expand({h, w});
    return encode(at::stack({x, y}, -1), h, w).flatten(0, 1);
  }

 private:
  using filters = std::pair<at::Tensor, at::Tensor>;

  static filters convolution_of(const named_weights& from, const std::string& number) {
    const std::string name = "prompt_encoder.mask_downscaling." + number;
    return {from.at(name + ".weight"), from.at(name + ".bias")};
  }

  // no matrix product: autocast would round the positions to bfloat16
  [[nodiscard]] at::Tensor encode(const at::Tensor& points, std::int64_t height, std::int64_t width) const {
    const auto centred = [&](std::int64_t axis, std::int64_t size) {
      return points.select(-1, axis).unsqueeze(-1).mul(2.0 / static_cast<double>(size)).sub(1);
    };
    const at::Tensor phase =
        (centred(0, width) * frequencies_.select(0, 0) + centred(1, height) * frequencies_.select(0, 1)) * (2 * std::numbers::pi);
    return at::cat({phase.sin(), phase.cos()}, -1);
  }

  at::Tensor frequencies_, not_a_point_, no_mask_;
  filters halve_, quarter_, widen_;
  sam_layers::channel_norm first_, second_;
  std::array<at::Tensor, 4> kinds_;  // outside, inside, upper left corner, lower right corner
};

}  // namespace axonzoo
