#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <axonzoo/io/tensor_shapes.hpp>
#include <axonzoo/models/sam/block_names.hpp>
#include <axonzoo/models/sam/recognise.hpp>
#include <axonzoo/nn/network.hpp>

namespace axonzoo {

namespace detail {

/// Collects the coupled channels of a SAM's image encoder at the widths of `shapes`.
struct sam_group_list {
  const tensor_shapes& shapes;
  std::vector<channel_group> found;

  channel_group& start(const std::string& name, std::int64_t channels, bool bottleneck) {
    return found.emplace_back(channel_group{name, channels, {}, bottleneck});
  }
  [[nodiscard]] std::int64_t size(const std::string& name, std::size_t axis) const { return shapes.at(name).at(axis); }

  static void of_vectors(channel_group& group, const std::string& name) {
    group.axes.push_back({name + ".weight", 0, 0});
    group.axes.push_back({name + ".bias", 0, 0});
  }
  static void out_of_conv_norm(channel_group& group, const std::string& name) {
    group.axes.push_back({name + ".c.weight", 0, 0});
    for (const char* each : {"weight", "bias", "running_mean", "running_var"}) group.axes.push_back({name + ".bn." + each, 0, 0});
  }
  static void into(channel_group& group, const std::string& name) { group.axes.push_back({name + ".weight", 1, 0}); }

  /// The hidden units between two linear layers.
  void hidden(const std::string& name, const std::string& first, const std::string& second) {
    auto& group = start(name, size(first + ".weight", 0), true);
    of_vectors(group, first);
    into(group, second);
  }

  /// The same entries of all heads' queries, keys and values. Their rows are 3 `heads` stretches, in whatever order; the last comes first, because what is
  /// removed from a stretch moves those behind it.
  channel_group& head(const std::string& name, std::int64_t heads) {
    auto& group = start(name, size(name + ".qkv.weight", 0) / (3 * heads), true);
    for (std::int64_t i = 3 * heads; i-- > 0;) {
      group.axes.push_back({name + ".qkv.weight", 0, i * group.channels});
      group.axes.push_back({name + ".qkv.bias", 0, i * group.channels});
    }
    for (std::int64_t i = heads; i-- > 0;) group.axes.push_back({name + ".proj.weight", 1, i * group.channels});
    return group;
  }

  /// Attention of a block on tokens of `width`, after its norm; gives the group of its heads.
  channel_group& attention(channel_group& width, const sam_block_names& block, std::int64_t heads) {
    of_vectors(width, block.before);
    into(width, block.attention + ".qkv");
    of_vectors(width, block.attention + ".proj");
    return head(block.attention, heads);
  }

  /// The MLP of a block, after its norm.
  void perceptron(channel_group& width, const sam_block_names& block) {
    of_vectors(width, block.middle);
    into(width, block.widen);
    of_vectors(width, block.narrow);
    hidden(block.mlp, block.widen, block.narrow);
  }

  /// Three convolutions of which the second is of each channel alone.
  void inner(const std::string& name) {
    auto& group = start(name, size(name + ".conv1.c.weight", 0), true);
    out_of_conv_norm(group, name + ".conv1");
    out_of_conv_norm(group, name + ".conv2");
    into(group, name + ".conv3.c");
  }
};

inline void add_vit_groups(sam_group_list& list, const recognised_sam& sam) {
  const std::string encoder = "image_encoder.";
  channel_group width{encoder + "width", list.size(encoder + "patch_embed.proj.weight", 0), {}};
  list.of_vectors(width, encoder + "patch_embed.proj");
  width.axes.push_back({encoder + "pos_embed", 3, 0});
  for (std::int64_t i = 0; i < sam.depths.at(0); ++i) {
    const auto block = vit_block_names(encoder + "blocks." + std::to_string(i));
    auto& head = list.attention(width, block, sam.heads.at(0));
    head.axes.push_back({block.attention + ".rel_pos_h", 1, 0});
    head.axes.push_back({block.attention + ".rel_pos_w", 1, 0});
    list.perceptron(width, block);
  }
  list.into(width, encoder + "neck.0");
  list.found.push_back(width);
}

inline void add_tiny_vit_groups(sam_group_list& list, const recognised_sam& sam) {
  const std::string encoder = "image_encoder.", first = encoder + "patch_embed.seq.0", second = encoder + "patch_embed.seq.2";
  auto& start = list.start(first, list.size(first + ".c.weight", 0), true);
  list.out_of_conv_norm(start, first);
  list.into(start, second + ".c");
  std::string made_by = second;
  for (std::size_t stage = 0; stage < sam.depths.size(); ++stage) {
    const std::string layer = encoder + "layers." + std::to_string(stage) + ".";
    channel_group width{layer + "width", list.size(made_by + ".c.weight", 0), {}};
    list.out_of_conv_norm(width, made_by);
    for (std::int64_t i = 0; i < sam.depths[stage]; ++i) {
      const std::string block = layer + "blocks." + std::to_string(i);
      if (stage == 0) {
        list.into(width, block + ".conv1.c");
        list.out_of_conv_norm(width, block + ".conv3");
        list.inner(block);
        continue;
      }
      const auto names = tiny_vit_block_names(block);
      list.attention(width, names, sam.heads[stage]);
      list.out_of_conv_norm(width, block + ".local_conv");
      list.perceptron(width, names);
    }
    if (stage + 1 < sam.depths.size()) {
      list.into(width, layer + "downsample.conv1.c");
      list.inner(layer + "downsample");
      made_by = layer + "downsample.conv3";
    } else {
      list.into(width, encoder + "neck.0");
    }
    list.found.push_back(width);
  }
}

}  // namespace detail

/// What of a SAM's image encoder can leave together: the width of its tokens (of each stage of a TinyViT), the entries of heads, the same in all
/// heads of a block with the columns of its relative positions, and hidden units. The neck, the prompt encoder and the mask decoder stay (Chen et al.
/// 2023). A head that loses entries divides its scores by the root of what it has left.
[[nodiscard]] inline std::vector<channel_group> sam_channel_groups(const recognised_sam& sam, const tensor_shapes& shapes) {
  detail::sam_group_list list{shapes, {}};
  sam.depths.size() > 1 ? detail::add_tiny_vit_groups(list, sam) : detail::add_vit_groups(list, sam);
  return std::move(list.found);
}

}  // namespace axonzoo
