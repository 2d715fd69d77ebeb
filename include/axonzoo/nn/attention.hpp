#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/softmax.h>

namespace axonzoo {

/// softmax(scale q k^T) v of each head (Vaswani et al. 2017). q [B, heads, N, d], k and v [B, heads, M, d] of one type and any
/// strides, as slices of a fused projection have them; the result is [B, N, heads d], contiguous. In float32 and bfloat16 (whose
/// sums are float32) on a CPU with AVX-512 or AVX2 by a tiled kernel that holds no N x M matrix and saves for its backward pass only the
/// result and a number a query; elsewhere by LibTorch. The number of threads does not change it. Throws `error` where shapes or
/// types do not go together.
at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, double scale);

/// The same with decomposed relative positions (Li et al. 2022, "MViTv2", equation 4; SAM's image encoder): queries and keys are
/// the pixels of an image `height` by `width`, N = M = height width, and key j in row y and column x has the score scale q_i k_j
/// + rel_h[i, y] + rel_w[i, x]. rel_h [B, heads, N, height] and rel_w [B, heads, N, width] are of q's products with the tables;
/// both undefined: none.
at::Tensor attention_with_relative_positions(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                             const at::Tensor& rel_h, const at::Tensor& rel_w, std::int64_t height,
                                             std::int64_t width, double scale);

/// The same with a bias [heads, N, M] that all images share (TinyViT); its gradient is as large as itself.
at::Tensor attention_with_bias(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& bias,
                               double scale);

namespace detail {

/// Biases [B, heads, n, height width] of queries begin ... begin + n - 1.
inline at::Tensor relative_bias(const at::Tensor& rel_h, const at::Tensor& rel_w, std::int64_t begin, std::int64_t end) {
  return rel_h.slice(2, begin, end).unsqueeze(-1).add(rel_w.slice(2, begin, end).unsqueeze(-2)).flatten(3);
}

inline at::Tensor heads_together(const at::Tensor& x) {
  return x.transpose(1, 2).reshape({x.size(0), x.size(2), x.size(1) * x.size(3)});
}

}  // namespace detail

/// The definitions in ATen.
namespace reference {

inline at::Tensor attention_with_bias(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& bias,
                                      double scale) {
  const auto wide = q.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  at::Tensor scores = at::matmul(q.to(wide), k.to(wide).transpose(2, 3)).mul(scale);
  if (bias.defined()) scores = scores.add(bias);
  return axonzoo::detail::heads_together(at::matmul(at::softmax(scores, -1), v.to(wide))).to(q.scalar_type());
}

inline at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, double scale) {
  return attention_with_bias(q, k, v, {}, scale);
}

inline at::Tensor attention_with_relative_positions(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                                    const at::Tensor& rel_h, const at::Tensor& rel_w, std::int64_t /*height*/,
                                                    std::int64_t /*width*/, double scale) {
  return attention_with_bias(q, k, v, rel_h.defined() ? axonzoo::detail::relative_bias(rel_h, rel_w, 0, q.size(2)) : at::Tensor(),
                             scale);
}

}  // namespace reference
}  // namespace axonzoo

#ifndef AXONZOO_SEPARATE_KERNELS
#include <axonzoo/nn/functions/attention.hpp>
#endif
