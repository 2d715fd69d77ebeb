#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <axonzoo/core/concepts.hpp>
#include <axonzoo/nn/layers.hpp>

namespace axonzoo {

/// A model of somebody else's: 3x3 convolutions one after another at full resolution.
class plain_network : public network {
 public:
  plain_network(std::int64_t channels, std::int64_t classes) {
    for (int i = 0; i < 3; ++i) {
      const auto in = i == 0 ? channels : width;
      blocks_.push_back(register_module(block_name(i), std::make_shared<conv_block>(in, width, norm_kind::instance_leaky)));
    }
    head_ = register_module("head", std::make_shared<conv_layer>(width, classes, 1));
  }

  std::vector<at::Tensor> forward(const at::Tensor& images) override {
    auto x = images;
    for (const auto& block : blocks_) x = block->forward(x);
    return {head_->forward(x)};
  }

  [[nodiscard]] std::int64_t stride() const override { return 1; }

  [[nodiscard]] std::vector<channel_group> channel_groups() const override {
    std::vector<channel_group> groups;
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      auto& group = groups.emplace_back(channel_group{block_name(i), 0, {}});
      blocks_[i]->add_output_axes(group, block_name(i));
      group.axes.push_back({i + 1 < blocks_.size() ? block_name(i + 1) + ".conv.weight" : std::string("head.weight"), 1, 0});
    }
    return groups;
  }

 private:
  static constexpr std::int64_t width = 16;
  static std::string block_name(std::size_t i) { return "block" + std::to_string(i); }

  std::vector<std::shared_ptr<conv_block>> blocks_;
  std::shared_ptr<conv_layer> head_;
};

struct plain_net {
  using axis = axes::model;
  static constexpr std::string_view name = "plain_net";

  [[nodiscard]] std::shared_ptr<network> make(std::int64_t channels, std::int64_t classes) const {
    return std::make_shared<plain_network>(channels, classes);
  }
};

}  // namespace axonzoo
