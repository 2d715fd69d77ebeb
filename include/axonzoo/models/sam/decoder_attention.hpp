#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include <ATen/core/Tensor.h>
#include <ATen/ops/baddbmm.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/softmax.h>
#include <c10/core/GradMode.h>

#include <axonzoo/models/sam/layers.hpp>
#include <axonzoo/nn/attention.hpp>

namespace axonzoo::detail {

/// Attention of SAM's decoder: projections of width 128 or 256 and eight heads.
struct decoder_attention {
  static constexpr std::int64_t heads = 8;
  sam_layers::linear q, k, v, out;

  decoder_attention(const named_weights& from, const std::string& name)
      : q(from, name + ".q_proj"), k(from, name + ".k_proj"), v(from, name + ".v_proj"), out(from, name + ".out_proj") {}

  [[nodiscard]] at::Tensor operator()(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values) const {
    return projected(q(queries), k(keys), v(values));
  }

  /// Of what is projected already. Queries [P or 1, N, c] against keys and values [P or 1, M, c]; 1 stands for all prompts.
  [[nodiscard]] at::Tensor projected(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values) const {
    const std::int64_t count = std::max(queries.size(0), keys.size(0));
    const auto expanded = [&](const at::Tensor& x) { return apart(x).expand({count, -1, -1, -1}); };
    const at::Tensor several = expanded(queries);
    return out(attention(several, expanded(keys), expanded(values), scale()));
  }

  /// [..., N, c] as [..., heads, N, c / heads].
  [[nodiscard]] static at::Tensor apart(const at::Tensor& x) { return x.unflatten(-1, {heads, -1}).transpose(-2, -3); }

  [[nodiscard]] double scale() const { return 1 / std::sqrt(static_cast<double>(q.weight.size(0) / heads)); }
};

/// Few tokens against many pixels cost less when the projections of the pixels are moved to the tokens: (W p) . t = p . (W^T t),
/// 8 T products of width C instead of c a pixel. The pixels' places are projected once for all prompts. float32.
struct absorbed_attention {
  const decoder_attention& of;

  /// A weight [c, C] a head, [heads, c / heads, C].
  [[nodiscard]] static at::Tensor by_head(const at::Tensor& weight) { return weight.to(at::kFloat).unflatten(0, {decoder_attention::heads, -1}); }

  /// Places [M, C] by a projection of the pixels without its bias, [heads, c / heads, M].
  [[nodiscard]] static at::Tensor projected_places(const sam_layers::linear& projection, const at::Tensor& places) {
    return at::matmul(by_head(projection.weight), places.t());
  }

  /// Tokens [P, T, C] attend to pixels [P, M, C], keys with their places: [P, T, C]. The keys' bias changes no softmax, but takes part in a graph, where ranks wait
  /// for its gradient.
  [[nodiscard]] at::Tensor tokens_to_pixels(const at::Tensor& tokens, const at::Tensor& pixels, const at::Tensor& places) const {
    const std::int64_t count = tokens.size(0), rows = decoder_attention::heads * tokens.size(1);
    const at::Tensor q = decoder_attention::apart(of.q(tokens) * of.scale());
    const at::Tensor moved = at::matmul(q, by_head(of.k.weight)).reshape({count, rows, -1});
    const at::Tensor scores = with_places(q, places).baddbmm_(moved, pixels.transpose(1, 2));
    if (c10::GradMode::is_enabled()) scores.add_(by_bias(q, of.k.bias));
    const at::Tensor shares = at::softmax(scores, -1);
    const at::Tensor means = at::bmm(shares, pixels).unflatten(1, {decoder_attention::heads, -1});
    const at::Tensor values = at::matmul(means, by_head(of.v.weight).transpose(1, 2));
    return of.out(heads_together(values) + of.v.bias);
  }

  /// Pixels [P or 1, M, C] with what they take from tokens by keys and values [P, T, C] added: [P, M, C].
  [[nodiscard]] at::Tensor pixels_with_tokens(const at::Tensor& pixels, const at::Tensor& places, const at::Tensor& keys,
                                              const at::Tensor& values) const {
    const std::int64_t count = keys.size(0), rows = decoder_attention::heads * keys.size(1);
    const at::Tensor k = decoder_attention::apart(of.k(keys) * of.scale());
    const at::Tensor moved = at::matmul(k, by_head(of.q.weight)).reshape({count, rows, -1});
    const at::Tensor scores = with_places(k, places).add_(by_bias(k, of.q.bias));
    if (pixels.size(0) == 1) {
      scores.add_(at::matmul(moved.flatten(0, 1), pixels[0].t()).view(scores.sizes()));
    } else {
      scores.baddbmm_(moved, pixels.transpose(1, 2));
    }
    const at::Tensor shares = at::softmax(scores.unflatten(1, {decoder_attention::heads, -1}), 2).flatten(1, 2);
    const at::Tensor given = at::matmul(decoder_attention::apart(of.v(values)), by_head(of.out.weight.t().contiguous()));
    return at::baddbmm(pixels + of.out.bias, shares.transpose(1, 2), given.flatten(1, 2));
  }

 private:
  /// Tokens [P, heads, T, c] times a projection's bias [heads c], [P, heads T, 1].
  [[nodiscard]] static at::Tensor by_bias(const at::Tensor& x, const at::Tensor& bias) {
    return at::matmul(x, bias.view({1, decoder_attention::heads, -1, 1})).reshape({x.size(0), -1, 1});
  }

  /// Tokens [P, heads, T, c] times places [heads, c, M], [P, heads T, M].
  [[nodiscard]] static at::Tensor with_places(const at::Tensor& x, const at::Tensor& places) {
    const std::int64_t count = x.size(0), tokens = x.size(2);
    return at::bmm(x.transpose(0, 1).flatten(1, 2), places)
        .view({decoder_attention::heads, count, tokens, -1})
        .transpose(0, 1)
        .reshape({count, decoder_attention::heads * tokens, -1});
  }
};

}  // namespace axonzoo::detail
