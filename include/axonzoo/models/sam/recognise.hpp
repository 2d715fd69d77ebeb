#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/io/tensor_shapes.hpp>

namespace axonzoo {

enum class sam_family { vit_b, vit_l, vit_h, other_vit, slim_sam, mobile_sam, lite_medsam };

/// What a checkpoint's names and shapes say of its SAM. A ViT is one stage; a TinyViT has four, of which the first is
/// convolutions (0 heads, window 0).
struct recognised_sam {
  sam_family family = sam_family::vit_b;
  std::string name;    ///< "SAM ViT-B, wrapped as model_state"
  std::string prefix;  ///< before the names of segment-anything: "sam.", mostly empty
  std::vector<std::int64_t> widths, depths, heads,
      windows;                              ///< a stage: channels, blocks, heads, px of a window's side in tokens
  std::vector<std::int64_t> global_blocks;  ///< of a ViT: blocks whose window is the image
  std::int64_t patch = 16;                  ///< side of the (first) patch convolution's kernel
  std::int64_t image = 1024;                ///< longest side of the input, px
};

namespace detail {

/// Looks shapes up under a prefix; what is missing is a sentence.
struct sam_shapes {
  const tensor_shapes& shapes;
  std::string prefix, origin;

  [[nodiscard]] bool has(const std::string& name) const { return shapes.contains(prefix + name); }
  [[nodiscard]] std::int64_t side(const std::string& name, std::size_t axis, std::size_t rank) const {
    const auto found = shapes.find(prefix + name);
    if (found == shapes.end()) refuse("it lacks " + prefix + name);
    if (found->second.size() != rank)
      refuse(prefix + name + " is " + shape_text(found->second) + " and should have " + std::to_string(rank) + " sides");
    if (found->second[axis] < 1) refuse(prefix + name + " is empty");
    return found->second[axis];
  }
  [[noreturn]] void refuse(const std::string& wrong) const {
    throw error("cannot recognise " + origin + " as a SAM", wrong,
                "give a checkpoint of segment-anything, MedSAM, micro-sam, MobileSAM, LiteMedSAM or SlimSAM");
  }
};

inline recognised_sam recognise_vit(const sam_shapes& of) {
  recognised_sam sam;
  sam.prefix = of.prefix;
  const std::string encoder = "image_encoder.";
  sam.patch = of.side(encoder + "patch_embed.proj.weight", 2, 4);
  const std::int64_t width = of.side(encoder + "patch_embed.proj.weight", 0, 4), tokens = of.side(encoder + "pos_embed", 1, 4);
  sam.image = tokens * sam.patch;
  std::int64_t depth = 0, heads = 0, window = 0;
  bool narrowed = false;
  for (;; ++depth) {
    const std::string block = encoder + "blocks." + std::to_string(depth) + ".";
    if (!of.has(block + "norm1.weight")) break;
    if (of.has(block + "attn.q.weight")) of.refuse("queries, keys and values are apart, as while it is pruned");
    const std::int64_t size = of.side(block + "attn.rel_pos_h", 1, 2), reach = of.side(block + "attn.rel_pos_h", 0, 2);
    const std::int64_t rows = of.side(block + "attn.qkv.weight", 0, 2), its_heads = rows / (3 * size);
    if (rows != 3 * size * its_heads || (depth > 0 && its_heads != heads))
      of.refuse(of.prefix + block + "attn does not fit into heads");
    heads = its_heads;
    if (reach == 2 * tokens - 1) {
      sam.global_blocks.push_back(depth);
    } else {
      window = (reach + 1) / 2;
    }
    narrowed = narrowed || size * heads != width || of.side(block + "mlp.lin1.weight", 0, 2) != 4 * width;
  }
  if (depth == 0) of.refuse("it lacks " + of.prefix + encoder + "blocks.0.norm1.weight");
  sam.widths = {width};
  sam.depths = {depth};
  sam.heads = {heads};
  sam.windows = {window};

  struct known {
    sam_family family;
    const char* name;
    std::int64_t width, depth, heads;
  };
  sam.family = sam_family::other_vit;
  sam.name = "SAM with a ViT of width " + std::to_string(width) + " and " + std::to_string(depth) + " blocks";
  for (const known& each : {known{sam_family::vit_b, "ViT-B", 768, 12, 12}, known{sam_family::vit_l, "ViT-L", 1024, 24, 16},
                            known{sam_family::vit_h, "ViT-H", 1280, 32, 16}}) {
    if (depth != each.depth || heads != each.heads || width > each.width) continue;
    const bool is_slim = narrowed || width < each.width;
    sam.family = is_slim ? sam_family::slim_sam : each.family;
    sam.name = is_slim ? std::string("SlimSAM (") + each.name + " narrowed to " + std::to_string(width) + ")"
                       : std::string("SAM ") + each.name;
  }
  return sam;
}

inline recognised_sam recognise_tiny_vit(const sam_shapes& of) {
  recognised_sam sam;
  sam.prefix = of.prefix;
  const std::string encoder = "image_encoder.";
  sam.patch = of.side(encoder + "patch_embed.seq.0.c.weight", 2, 4);
  const bool is_lite = sam.patch == 1;  // keeps each pixel of 256, where MobileSAM takes each fourth of 1024
  sam.family = is_lite ? sam_family::lite_medsam : sam_family::mobile_sam;
  sam.name = is_lite ? "LiteMedSAM" : "MobileSAM";
  sam.image = is_lite ? 256 : 1024;
  for (int stage = 0;; ++stage) {
    const std::string layer = encoder + "layers." + std::to_string(stage) + ".";
    const auto first = [&](std::int64_t block) { return layer + "blocks." + std::to_string(block) + "."; };
    std::int64_t depth = 0;
    if (of.has(first(0) + "conv1.c.weight")) {
      while (of.has(first(depth) + "conv1.c.weight")) ++depth;
      sam.widths.push_back(of.side(first(0) + "conv1.c.weight", 1, 4));
      sam.heads.push_back(0);
      sam.windows.push_back(0);
    } else if (of.has(first(0) + "attn.qkv.weight")) {
      while (of.has(first(depth) + "attn.qkv.weight")) ++depth;
      const std::int64_t area = of.side(first(0) + "attn.attention_biases", 1, 2);
      sam.widths.push_back(of.side(first(0) + "attn.qkv.weight", 1, 2));
      sam.heads.push_back(of.side(first(0) + "attn.attention_biases", 0, 2));
      sam.windows.push_back(std::llround(std::sqrt(static_cast<double>(area))));
      if (sam.windows.back() * sam.windows.back() != area)
        of.refuse(of.prefix + first(0) + "attn.attention_biases is not of a square window");
    } else {
      break;
    }
    sam.depths.push_back(depth);
  }
  if (sam.depths.empty()) of.refuse("it lacks " + of.prefix + encoder + "layers.0");
  return sam;
}

}  // namespace detail

/// Tells which SAM a checkpoint is. `origin` ("'a.pth'") is for the sentence; `wrapper` and `parts` are what the file said
/// ("pth.wrapper" and "pth.parts" of `read_pth`). MedSAM, micro-sam's exports and SAM's ViT of the same size have the same names
/// and shapes: only a wrapper tells micro-sam ("model_state", and "decoder_state" beside it) from them. Throws `error` where no
/// SAM is found.
[[nodiscard]] inline recognised_sam recognise_sam(const tensor_shapes& shapes, const std::string& origin,
                                                  const std::string& wrapper = "", const std::string& parts = "") {
  const auto prefix_of = [&](const std::string& name) -> std::optional<std::string> {
    for (const auto& [key, shape] : shapes) {
      if (key.ends_with(name) && (key.size() == name.size() || key[key.size() - name.size() - 1] == '.'))
        return key.substr(0, key.size() - name.size());
    }
    return std::nullopt;
  };
  recognised_sam sam;
  if (const auto vit = prefix_of("image_encoder.patch_embed.proj.weight")) {
    sam = detail::recognise_vit({shapes, *vit, origin});
  } else if (const auto tiny = prefix_of("image_encoder.patch_embed.seq.0.c.weight")) {
    sam = detail::recognise_tiny_vit({shapes, *tiny, origin});
  } else {
    detail::sam_shapes{shapes, "", origin}.refuse("it lacks image_encoder.patch_embed");
  }
  if (!wrapper.empty()) sam.name += ", wrapped as " + wrapper;
  if (wrapper == "model_state") sam.name += " as micro-sam's";
  if (("," + parts + ",").find(",decoder_state,") != std::string::npos) sam.name += ", with a segmentation decoder beside it";
  return sam;
}

/// Side in pixels of what one place of the embedding covers.
[[nodiscard]] inline std::int64_t embedding_stride(const recognised_sam& sam) { return sam.depths.size() > 1 ? sam.image / 64 : sam.patch; }

/// The tensors (or shapes) under a prefix, by their names without it: what `require_shapes` and a module take.
template <class Value>
[[nodiscard]] std::map<std::string, Value> without_prefix(const std::map<std::string, Value>& tensors,
                                                          const std::string& prefix) {
  std::map<std::string, Value> bare;
  for (const auto& [name, value] : tensors) {
    if (name.starts_with(prefix)) bare.emplace(name.substr(prefix.size()), value);
  }
  return bare;
}

}  // namespace axonzoo
