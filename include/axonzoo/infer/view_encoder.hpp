#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>

#include <axonzoo/core/digest.hpp>
#include <axonzoo/data/crop.hpp>
#include <axonzoo/data/read.hpp>
#include <axonzoo/data/views.hpp>
#include <axonzoo/infer/embedding_cache.hpp>
#include <axonzoo/models/sam/prepare.hpp>
#include <axonzoo/models/sam/sam.hpp>
#include <axonzoo/nn/channel_split.hpp>
#include <axonzoo/nn/channels.hpp>

namespace axonzoo {

/// The grey levels that a SAM's encoder was trained on.
enum class sam_levels {
  unit,     ///< 0 ... 1 by the image's own extremes: MedSAM, LiteMedSAM
  natural,  ///< 0 ... 255 less segment-anything's mean, over its deviation
};

/// Those of the weights a run starts from, unless its encoder trains and gets used to others.
inline sam_levels levels_of(const recognised_sam& kind, bool encoder_trains) {
  return encoder_trains || !takes_natural_images(kind) ? sam_levels::unit : sam_levels::natural;
}

/// Turns views into what a SAM's encoder takes, and into embeddings, which come from a cache where there is one.
class view_encoder {
 public:
  view_encoder(std::int64_t side, sam_levels levels, c10::ScalarType type, c10::Device device) : side_(side), levels_(levels), type_(type), device_(device) {}

  /// Keeps embeddings; `weights` is the fingerprint of the encoder that `embed` will be given. Only for one that does not train.
  void keep_in(std::shared_ptr<embedding_cache> cache, std::string weights) {
    cache_ = std::move(cache);
    weights_ = std::move(weights);
  }

  [[nodiscard]] std::int64_t side() const { return side_; }
  [[nodiscard]] c10::ScalarType type() const { return type_; }

  /// [1, 3, side, side] float32 on the CPU.
  [[nodiscard]] at::Tensor pixels(const image& prepared, const view& where, quarter_turn turn = 0) const {
    const image part = view_pixels(with_channels(prepared, 3), where, side_);
    at::Tensor made = at::empty({1, 3, side_, side_}, at::kFloat);
    float* to = made.mutable_data_ptr<float>();
    for (std::size_t c = 0; c < 3; ++c) {
      for (std::int64_t y = 0; y < side_; ++y) {
        for (std::int64_t x = 0; x < side_; ++x, ++to) {
          std::int64_t row = (turn & 4U) != 0 ? x : y, column = (turn & 4U) != 0 ? y : x;
          if ((turn & 1U) != 0) row = side_ - 1 - row;
          if ((turn & 2U) != 0) column = side_ - 1 - column;
          const float level = part.data()[(row * side_ + column) * 3 + static_cast<std::int64_t>(c)];
          *to = levels_ == sam_levels::unit ? level : (255 * level - natural_mean[c]) / natural_deviation[c];
        }
      }
    }
    return made;
  }

  /// [1, C, h, w] of the computing type, channels last, without a graph. `known`, where the caller keeps one for each view, spares it the fingerprint after the first time.
  [[nodiscard]] at::Tensor embed(const sam_network& net, const image& prepared, const view& where, quarter_turn turn = 0, std::string* known = nullptr) const {
    const at::NoGradGuard no_gradients;
    at::Tensor input;
    const auto compute = [&] {
      if (!input.defined()) input = pixels(prepared, where, turn);
      return net.encode(input.to(device_, type_).contiguous(at::MemoryFormat::ChannelsLast)).to(type_);
    };
    if (!cache_) return compute();
    std::string own;
    auto& key = known != nullptr ? *known : own;
    if (key.empty()) {
      input = pixels(prepared, where, turn);
      digest of_all;
      of_all.add(weights_);
      of_all.add(std::string(c10::toString(type_)) + ", channels last");
      of_all.add(input.const_data_ptr(), input.nbytes());
      key = of_all.hex();
    }
    const auto found = cache_->find(key);
    // ranks that share the encoder's layers compute together or not at all
    if (!channel_split::any(!found.defined())) return found.to(device_).permute({0, 3, 1, 2});
    const auto made = compute().contiguous(at::MemoryFormat::ChannelsLast);
    if (!found.defined()) cache_->keep(key, made.permute({0, 2, 3, 1}));
    return made;
  }

  /// A box of the prepared image in the px of the turned view.
  [[nodiscard]] pixel_box in_view(const pixel_box& box, const view& where, quarter_turn turn = 0) const {
    const double scale = static_cast<double>(side_) / static_cast<double>(where.side), last = static_cast<double>(side_ - 1);
    const auto x = [&](double column) { return (column - static_cast<double>(where.left)) * scale; };
    const auto y = [&](double row) { return (row - static_cast<double>(where.top)) * scale; };
    pixel_box made{x(box.left), y(box.top), x(box.right), y(box.bottom)};
    if ((turn & 1U) != 0) made = {made.left, last - made.bottom, made.right, last - made.top};
    if ((turn & 2U) != 0) made = {last - made.right, made.top, last - made.left, made.bottom};
    if ((turn & 4U) != 0) made = {made.top, made.left, made.bottom, made.right};
    return made;
  }

 private:
  std::int64_t side_;
  sam_levels levels_;
  c10::ScalarType type_;
  c10::Device device_;
  std::shared_ptr<embedding_cache> cache_;
  std::string weights_;
};

/// Boxes as prompts: [P, 4].
inline sam_prompts box_prompts(const std::vector<pixel_box>& boxes, c10::Device device) {
  sam_prompts made;
  made.boxes = at::empty({static_cast<std::int64_t>(boxes.size()), 4}, at::kFloat);
  float* to = made.boxes.mutable_data_ptr<float>();
  for (const auto& box : boxes) {
    for (const double side : {box.left, box.top, box.right, box.bottom}) *to++ = static_cast<float>(side);
  }
  made.boxes = made.boxes.to(device);
  return made;
}

/// Fingerprint of the tensors whose names begin so.
inline std::string weights_digest(const network& net, const std::string& prefix) { return tensors_digest(named_tensors(net), prefix); }

}  // namespace axonzoo
