#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/softmax.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/nn/attention_function.hpp>
#include <axonzoo/nn/kernels/vector.hpp>

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

namespace detail {

/// By LibTorch's fused kernels, as many queries at once as keep the biases below 2^26 numbers.
inline at::Tensor attention_in_pieces(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const attention_bias& bias,
                                      double scale) {
  const std::int64_t row = std::max<std::int64_t>(q.size(0) * q.size(1) * k.size(2), 1), queries = q.size(2);
  const std::int64_t most =
      bias.piece(0, 0) ? std::max<std::int64_t>((std::int64_t{1} << 26) / row, 1) : std::max<std::int64_t>(queries, 1);
  std::vector<at::Tensor> pieces;
  for (std::int64_t begin = 0; begin == 0 || begin < queries; begin += most) {
    const std::int64_t end = std::min(begin + most, queries);
    auto mask = bias.piece(begin, end);
    if (mask) mask = mask->to(q.scalar_type());
    pieces.push_back(heads_together(at::scaled_dot_product_attention(q.slice(2, begin, end), k, v, mask, 0.0, false, scale)));
  }
  return pieces.size() == 1 ? pieces.front() : at::cat(pieces, 1);
}

inline at::Tensor attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const attention_bias& bias,
                         double scale) {
  const auto refuse = [&](const std::string& wrong, const char* mend) {
    throw error("attending with queries of shape " + c10::str(q.sizes()), wrong, mend);
  };
  if (q.dim() != 4 || k.dim() != 4 || v.dim() != 4 || k.size(0) != q.size(0) || k.size(1) != q.size(1) ||
      k.size(3) != q.size(3) || v.size(0) != q.size(0) || v.size(1) != q.size(1) || v.size(2) != k.size(2)) {
    refuse("keys of shape " + c10::str(k.sizes()) + " and values of shape " + c10::str(v.sizes()) + " do not go with them",
           "give [B, heads, N, d] and twice [B, heads, M, d]");
  }
  if (k.scalar_type() != q.scalar_type() || v.scalar_type() != q.scalar_type()) {
    refuse("keys and values are not of the queries' type", "convert them to one type");
  }
  if (k.size(2) == 0) refuse("there are no keys", "give at least one");
#if defined(AXONZOO_VECTORS)
  const bool own = (q.scalar_type() == at::kFloat && kernels::available<float>) ||
                   (q.scalar_type() == at::kBFloat16 && kernels::available<c10::BFloat16>);
  if (own && q.device().is_cpu() && q.layout() == at::kStrided && q.numel() > 0 && v.size(3) > 0 && scale > 0) {
    const auto given = [](const at::Tensor& x, c10::ScalarType type) {
      return x.defined() ? std::optional(rows_together(x.to(type))) : std::nullopt;
    };
    return attention_function::apply(rows_together(q), rows_together(k), rows_together(v), given(bias.rel_h, q.scalar_type()),
                                     given(bias.rel_w, q.scalar_type()), given(bias.all, at::kFloat), scale);
  }
#endif
  return attention_in_pieces(q, k, v, bias, scale);
}

}  // namespace detail

inline at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, double scale) {
  return detail::attend(q, k, v, {}, scale);
}

inline at::Tensor attention_with_relative_positions(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                                    const at::Tensor& rel_h, const at::Tensor& rel_w, std::int64_t height,
                                                    std::int64_t width, double scale) {
  const auto fits = [&](const at::Tensor& x, std::int64_t size) {
    return x.defined() && x.dim() == 4 && x.size(0) == q.size(0) && x.size(1) == q.size(1) && x.size(2) == q.size(2) &&
           x.size(3) == size;
  };
  const bool none = !rel_h.defined() && !rel_w.defined();
  if (q.dim() != 4 || q.size(2) != height * width || k.dim() != 4 || k.size(2) != q.size(2) ||
      !(none || (fits(rel_h, height) && fits(rel_w, width)))) {
    throw error("attending with queries of shape " + c10::str(q.sizes()) + " on an image of " + std::to_string(height) + " x " +
                    std::to_string(width),
                "the pixels, keys or relative positions are not as many",
                "give N = height width of each, rel_h [B, heads, N, height] and rel_w [B, heads, N, width]");
  }
  return detail::attend(q, k, v, {rel_h, rel_w, {}}, scale);
}

inline at::Tensor attention_with_bias(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& bias,
                                      double scale) {
  if (q.dim() != 4 || k.dim() != 4 || bias.dim() != 3 || bias.size(0) != q.size(1) || bias.size(1) != q.size(2) ||
      bias.size(2) != k.size(2)) {
    throw error("attending with queries of shape " + c10::str(q.sizes()),
                "a bias of shape " + c10::str(bias.sizes()) + " does not go with them", "give [heads, N, M]");
  }
  return detail::attend(q, k, v, {{}, {}, bias}, scale);
}

}  // namespace axonzoo
