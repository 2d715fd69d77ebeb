#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

#include <axonzoo/core/concepts.hpp>
#include <axonzoo/core/error.hpp>
#include <axonzoo/fwd.hpp>
#include <axonzoo/nn/layers.hpp>

namespace axonzoo {

/// U-Net as nnU-Net configures it in two dimensions (Ronneberger et al. 2015; Isensee et al. 2021): two convolution blocks a
/// level, strided convolutions down, transposed convolutions up, heads at the three finest levels.
class unet_network : public network {
 public:
  unet_network(std::int64_t channels, std::int64_t classes, const std::vector<std::int64_t>& widths) {
    std::int64_t in = channels;
    for (std::size_t level = 0; level < widths.size(); ++level) {
      const auto name = "down" + std::to_string(level);
      down_.push_back(register_module(name + "a", std::make_shared<conv_block>(in, widths[level], kind, level == 0 ? 1 : 2)));
      down_.push_back(register_module(name + "b", std::make_shared<conv_block>(widths[level], widths[level], kind)));
      in = widths[level];
    }
    for (std::size_t level = 0; level + 1 < widths.size(); ++level) {
      const auto number = std::to_string(level);
      const auto width = widths[level];
      lift_.push_back(register_module("lift" + number, std::make_shared<up_layer>(widths[level + 1], width)));
      up_.push_back(register_module("up" + number + "a", std::make_shared<conv_block>(2 * width, width, kind)));
      up_.push_back(register_module("up" + number + "b", std::make_shared<conv_block>(width, width, kind)));
      if (level < heads) head_.push_back(register_module("head" + number, std::make_shared<conv_layer>(width, classes, 1)));
    }
  }

  std::vector<at::Tensor> forward(const at::Tensor& images) override { return forward_with(images, {}); }

  [[nodiscard]] std::int64_t stride() const override { return std::int64_t{1} << lift_.size(); }

  [[nodiscard]] std::vector<channel_group> channel_groups() const override {
    std::vector<channel_group> groups;
    const auto levels = lift_.size();
    for (std::size_t level = 0; level <= levels; ++level) {
      const auto name = "down" + std::to_string(level);
      auto& first = group_of(groups, *down_[2 * level], name + "a");
      first.axes.push_back({name + "b.conv.weight", 1, 0});
      first.bottleneck = true;
      auto& second = group_of(groups, *down_[2 * level + 1], name + "b");
      if (level < levels) {
        second.axes.push_back({"down" + std::to_string(level + 1) + "a.conv.weight", 1, 0});
        second.axes.push_back({"up" + std::to_string(level) + "a.conv.weight", 1, lift_[level]->out_channels()});
      } else {
        second.axes.push_back({"lift" + std::to_string(level - 1) + ".weight", 0, 0});
      }
    }
    for (std::size_t level = levels; level-- > 0;) {
      const auto number = std::to_string(level);
      groups.push_back({"lift" + number, lift_[level]->out_channels(),
                        {{"lift" + number + ".weight", 1, 0}, {"lift" + number + ".bias", 0, 0}, {"up" + number + "a.conv.weight", 1, 0}}});
      auto& first = group_of(groups, *up_[2 * level], "up" + number + "a");
      first.axes.push_back({"up" + number + "b.conv.weight", 1, 0});
      first.bottleneck = true;
      auto& second = group_of(groups, *up_[2 * level + 1], "up" + number + "b");
      if (level < head_.size()) second.axes.push_back({"head" + number + ".weight", 1, 0});
      if (level > 0) second.axes.push_back({"lift" + std::to_string(level - 1) + ".weight", 0, 0});
    }
    return groups;
  }

 protected:
  /// `added[level]` [N, width, H / 2^level, W / 2^level], where there is one, is added to what that level of the contracting path gives.
  std::vector<at::Tensor> forward_with(const at::Tensor& images, const std::vector<at::Tensor>& added) {
    std::vector<at::Tensor> skips;
    auto x = images;
    for (std::size_t block = 0; block < down_.size(); block += 2) {
      x = down_[block + 1]->forward(down_[block]->forward(x));
      if (const auto level = block / 2; level < added.size() && added[level].defined()) x = x + added[level];
      skips.push_back(x);
    }
    std::vector<at::Tensor> logits(is_training() ? head_.size() : 1);
    for (auto level = lift_.size(); level-- > 0;) {
      x = up_[2 * level + 1]->forward(up_[2 * level]->forward(lift_[level]->forward(x), skips[level]));
      if (level < logits.size()) logits[level] = head_[level]->forward(x);
    }
    return logits;
  }

 private:
  static constexpr auto kind = norm_kind::instance_leaky;
  static constexpr std::size_t heads = 3;

  static channel_group& group_of(std::vector<channel_group>& groups, const conv_block& block, const std::string& name) {
    block.add_output_axes(groups.emplace_back(channel_group{name, 0, {}}), name);
    return groups.back();
  }

  std::vector<std::shared_ptr<conv_block>> down_;
  std::vector<std::shared_ptr<up_layer>> lift_;
  std::vector<std::shared_ptr<conv_block>> up_;
  std::vector<std::shared_ptr<conv_layer>> head_;
};

struct unet {
  using axis = axes::model;
  static constexpr std::string_view name = "unet";

  double width = 24;   ///< channels of the finest level; each level down has twice as many, up to max_width
  double levels = 6;
  double max_width = 256;

  template <class Visitor>
  void options(Visitor&& visit) {
    visit("width", width, "channels of the U-Net's finest level; they double with each level, up to 256");
    visit("levels", levels, "levels of the U-Net: sides are halved levels - 1 times");
  }

  /// Throws `error` where a number is out of its range.
  void check() const {
    if (!(width >= 1 && width <= 1024)) throw error("cannot make a U-Net of --width " + std::to_string(width), "it is not in 1 to 1024", "give a width such as 24");
    if (!(levels >= 2 && levels <= 8)) throw error("cannot make a U-Net of --levels " + std::to_string(levels), "it is not in 2 to 8", "give a depth such as 6");
  }

  /// Becomes as deep as the weights of a U-Net are; stays as it is where they are of none.
  void take_depth(const std::map<std::string, at::Tensor>& weights) {
    int found = 0;
    while (weights.contains("down" + std::to_string(found) + "a.conv.weight")) ++found;
    if (found >= 2) levels = found;
  }

  /// Of each level, the finest first.
  [[nodiscard]] std::vector<std::int64_t> widths() const {
    std::vector<std::int64_t> all;
    for (int level = 0; level < static_cast<int>(levels); ++level) {
      all.push_back(static_cast<std::int64_t>(std::min(std::ldexp(std::floor(width), level), std::max(max_width, std::floor(width)))));
    }
    return all;
  }

  [[nodiscard]] std::shared_ptr<network> make(std::int64_t channels, std::int64_t classes) const { return std::make_shared<unet_network>(channels, classes, widths()); }
};

}  // namespace axonzoo
