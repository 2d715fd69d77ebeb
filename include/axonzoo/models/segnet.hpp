#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <axonzoo/core/concepts.hpp>
#include <axonzoo/core/error.hpp>
#include <axonzoo/fwd.hpp>
#include <axonzoo/nn/layers.hpp>
#include <axonzoo/nn/max_pool.hpp>

namespace axonzoo {

/// SegNet (Badrinarayanan et al. 2017): the 13 convolutions of VGG16 with batch norm, mirrored, and unpooling by the argmax indices
/// of the encoder's pooling. The last of the mirrored convolutions gives the classes and has no norm.
class segnet_network : public network {
 public:
  segnet_network(std::int64_t channels, std::int64_t classes, const std::vector<std::int64_t>& widths) {
    std::int64_t in = channels;
    for (std::size_t stage = 0; stage < widths.size(); ++stage) {
      auto& blocks = down_.emplace_back();
      for (std::size_t i = 0; i < depth(stage); ++i, in = widths[stage]) {
        blocks.push_back(register_module(block_name("down", stage, i), std::make_shared<conv_block>(in, widths[stage], kind)));
      }
    }
    for (auto stage = widths.size(); stage-- > 0;) {
      auto& blocks = up_.emplace_back();
      for (std::size_t i = 0; i < depth(stage) - (stage == 0 ? 1 : 0); ++i) {
        const bool last = i + 1 == depth(stage);
        const auto out = last ? widths[stage - 1] : widths[stage];
        blocks.push_back(register_module(block_name("up", stage, i), std::make_shared<conv_block>(widths[stage], out, kind)));
      }
    }
    head_ = register_module("head", std::make_shared<conv_layer>(widths.front(), classes, 3));
  }

  std::vector<at::Tensor> forward(const at::Tensor& images) override {
    struct pooling {
      at::Tensor indices;
      std::int64_t height, width;
    };
    std::vector<pooling> poolings;
    auto x = images;
    for (const auto& blocks : down_) {
      for (const auto& block : blocks) x = block->forward(x);
      const auto height = x.size(2), width = x.size(3);
      auto [pooled, indices] = max_pool_2x2(x);
      poolings.push_back({indices, height, width});
      x = pooled;
    }
    for (const auto& blocks : up_) {
      const auto& pool = poolings.back();
      x = max_unpool_2x2(x, pool.indices, pool.height, pool.width);
      poolings.pop_back();
      for (const auto& block : blocks) x = block->forward(x);
    }
    return {head_->forward(x)};
  }

  [[nodiscard]] std::int64_t stride() const override { return std::int64_t{1} << down_.size(); }

  /// Unpooling puts each decoder channel where the encoder's channel of the same number had its maximum, so the channels that meet
  /// in an unpooling are one group.
  [[nodiscard]] std::vector<channel_group> channel_groups() const override {
    std::vector<channel_group> groups;
    const auto stages = down_.size();
    const auto up_of = [&](std::size_t stage) -> const std::vector<std::shared_ptr<conv_block>>& { return up_[stages - 1 - stage]; };
    const auto first_after_unpool = [&](std::size_t stage) {
      return up_of(stage).empty() ? std::string("head.weight") : block_name("up", stage, 0) + ".conv.weight";
    };
    for (std::size_t stage = 0; stage < stages; ++stage) {
      for (std::size_t i = 0; i < down_[stage].size(); ++i) {
        const auto name = block_name("down", stage, i);
        auto& group = groups.emplace_back(channel_group{name, 0, {}});
        down_[stage][i]->add_output_axes(group, name);
        if (i + 1 < down_[stage].size()) {
          group.axes.push_back({block_name("down", stage, i + 1) + ".conv.weight", 1, 0});
          group.bottleneck = true;
          continue;
        }
        group.axes.push_back({first_after_unpool(stage), 1, 0});
        if (stage + 1 < stages) {
          group.axes.push_back({block_name("down", stage + 1, 0) + ".conv.weight", 1, 0});
          const auto last = up_of(stage + 1).size() - 1;
          up_of(stage + 1)[last]->add_output_axes(group, block_name("up", stage + 1, last));
        }
      }
    }
    for (auto stage = stages; stage-- > 0;) {
      const auto& blocks = up_of(stage);
      for (std::size_t i = 0; i < blocks.size(); ++i) {
        const bool meets_unpooling = stage > 0 && i + 1 == blocks.size();
        if (meets_unpooling) continue;
        const auto name = block_name("up", stage, i);
        auto& group = groups.emplace_back(channel_group{name, 0, {}});
        blocks[i]->add_output_axes(group, name);
        group.bottleneck = i + 1 < blocks.size();
        group.axes.push_back({group.bottleneck ? block_name("up", stage, i + 1) + ".conv.weight" : std::string("head.weight"), 1, 0});
      }
    }
    return groups;
  }

 private:
  static constexpr auto kind = norm_kind::batch_relu;

  static std::size_t depth(std::size_t stage) { return stage < 2 ? 2 : 3; }
  static std::string block_name(const char* side, std::size_t stage, std::size_t i) {
    return side + std::to_string(stage) + static_cast<char>('a' + i);
  }

  std::vector<std::vector<std::shared_ptr<conv_block>>> down_;
  std::vector<std::vector<std::shared_ptr<conv_block>>> up_;  // deepest stage first
  std::shared_ptr<conv_layer> head_;
};

struct segnet {
  using axis = axes::model;
  static constexpr std::string_view name = "segnet";

  double width = 64;  ///< channels of the finest stage; the five stages have 1, 2, 4, 8 and 8 times as many

  template <class Visitor>
  void options(Visitor&& visit) {
    visit("width", width, "channels of SegNet's finest stage; the published network has 64");
  }

  /// Throws `error` where a number is out of its range.
  void check() const {
    if (!(width >= 1 && width <= 1024)) throw error("cannot make a SegNet of --width " + std::to_string(width), "it is not in 1 to 1024", "give a width such as 64");
  }

  [[nodiscard]] std::shared_ptr<network> make(std::int64_t channels, std::int64_t classes) const {
    const auto w = static_cast<std::int64_t>(width);
    return std::make_shared<segnet_network>(channels, classes, std::vector<std::int64_t>{w, 2 * w, 4 * w, 8 * w, 8 * w});
  }
};

}  // namespace axonzoo
