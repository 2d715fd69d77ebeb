#pragma once

#include <string>

namespace axonzoo::detail {

/// Where a transformer block of a SAM's image encoder has its weights: the norm before its attention, the attention ("qkv" and "proj" are in it), the norm
/// before its MLP, the MLP and its two linear layers.
struct sam_block_names {
  std::string before, attention, middle, mlp, widen, narrow;
};

inline sam_block_names vit_block_names(const std::string& block) {
  return {block + ".norm1", block + ".attn", block + ".norm2", block + ".mlp", block + ".mlp.lin1", block + ".mlp.lin2"};
}

inline sam_block_names tiny_vit_block_names(const std::string& block) {
  return {block + ".attn.norm", block + ".attn", block + ".mlp.norm", block + ".mlp", block + ".mlp.fc1", block + ".mlp.fc2"};
}

}  // namespace axonzoo::detail
