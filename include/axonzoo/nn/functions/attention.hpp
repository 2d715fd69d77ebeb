#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/nn/attention.hpp>
#include <axonzoo/nn/kernels/attention.hpp>
#include <axonzoo/nn/kernels/attention_gradient.hpp>
#include <axonzoo/nn/kernels/vector.hpp>

namespace axonzoo {

namespace detail {

/// What is added to the scores: nothing, decomposed relative positions, or a bias in full.
struct attention_bias {
  at::Tensor rel_h, rel_w, all;

  /// Of queries begin ... end - 1, to be broadcast to [B, heads, n, M].
  [[nodiscard]] std::optional<at::Tensor> piece(std::int64_t begin, std::int64_t end) const {
    if (rel_h.defined()) return relative_bias(rel_h, rel_w, begin, end);
    if (all.defined()) return all.slice(1, begin, end).unsqueeze(0);
    return std::nullopt;
  }
};

#if defined(AXONZOO_VECTORS)

template <class Work>
void with_attention_element([[maybe_unused]] const at::Tensor& q, const Work& work) {
  if constexpr (kernels::available<c10::BFloat16>) {
    if (q.scalar_type() == at::kBFloat16) return work(c10::BFloat16{});
  }
  work(float{});
}

template <class T>
kernels::head_matrices<const T> heads_of(const at::Tensor& x) {
  if (!x.defined()) return {};
  return {x.const_data_ptr<T>(), x.stride(0), x.stride(1), x.stride(2), x.size(2), x.size(3)};
}

template <class T>
kernels::head_matrices<T> writable_heads_of(const at::Tensor& x) {
  return {x.mutable_data_ptr<T>(), x.stride(0), x.stride(1), x.stride(2), x.size(2), x.size(3)};
}

/// [B, N, heads d] as [B, heads, N, d].
inline at::Tensor heads_apart(const at::Tensor& x, std::int64_t heads) { return x.unflatten(2, {heads, -1}).transpose(1, 2); }

/// x with its last dimension side by side in memory.
inline at::Tensor rows_together(const at::Tensor& x) { return x.stride(-1) == 1 || x.size(-1) == 1 ? x : x.contiguous(); }

template <class T>
kernels::attention_problem<T> attention_problem_of(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                                   const attention_bias& bias, double scale) {
  kernels::attention_problem<T> problem;
  problem.images = q.size(0);
  problem.heads = q.size(1);
  problem.scale = static_cast<float>(scale);
  problem.q = heads_of<T>(q);
  problem.k = heads_of<T>(k);
  problem.v = heads_of<T>(v);
  problem.height = heads_of<T>(bias.rel_h);
  problem.width = heads_of<T>(bias.rel_w);
  problem.columns = problem.width.size;
  if (bias.all.defined()) problem.all = heads_of<float>(bias.all.unsqueeze(0).expand({q.size(0), -1, -1, -1}));
  return problem;
}

struct attention_function : torch::autograd::Function<attention_function> {
  using optional_tensor = std::optional<at::Tensor>;

  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& q, const at::Tensor& k,
                            const at::Tensor& v, const optional_tensor& rel_h, const optional_tensor& rel_w,
                            const optional_tensor& all, double scale) {
    const attention_bias bias{rel_h.value_or(at::Tensor()), rel_w.value_or(at::Tensor()), all.value_or(at::Tensor())};
    const at::Tensor out = at::empty({q.size(0), q.size(2), q.size(1) * v.size(3)}, q.options());
    const at::Tensor log_sums = at::empty({q.size(0), q.size(1), q.size(2)}, q.options().dtype(at::kFloat));
    with_attention_element(q, [&](auto element) {
      using T = decltype(element);
      kernels::attend<T>(attention_problem_of<T>(q, k, v, bias, scale), writable_heads_of<T>(heads_apart(out, q.size(1))),
                         log_sums.mutable_data_ptr<float>());
    });
    context->save_for_backward({q, k, v, bias.rel_h, bias.rel_w, bias.all, out, log_sums});
    context->saved_data["scale"] = scale;
    return out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &q = saved[0], &k = saved[1], &v = saved[2], &out = saved[6], &log_sums = saved[7];
    const attention_bias bias{saved[3], saved[4], saved[5]};
    const double scale = context->saved_data["scale"].toDouble();
    const std::int64_t images = q.size(0), heads = q.size(1), queries = q.size(2), keys = k.size(2);
    const at::Tensor of_out = gradients.front().to(q.scalar_type()).contiguous();
    const at::Tensor of_k = at::empty({images, keys, heads, k.size(3)}, k.options()).transpose(1, 2);
    const at::Tensor of_v = at::empty({images, keys, heads, v.size(3)}, v.options()).transpose(1, 2);
    const auto wide = q.options().dtype(at::kFloat);
    const std::int64_t parts = (keys + 1023) / 1024, shares = std::min<std::int64_t>(images, 8);
    const at::Tensor of_q = at::empty({parts, images, heads, (queries + 3) / 4 * 4, (q.size(3) + 15) / 16 * 16}, wide);
    at::Tensor of_height, of_width, of_all;
    if (bias.rel_h.defined()) {
      of_height = at::zeros({parts, images, heads, queries, bias.rel_h.size(3)}, wide);
      of_width = at::zeros({parts, images, heads, queries, bias.rel_w.size(3)}, wide);
    }
    if (bias.all.defined()) of_all = at::zeros({shares, heads, queries, keys}, wide);
    with_attention_element(q, [&](auto element) {
      using T = decltype(element);
      kernels::attention_gradients<T> to;
      to.out = heads_of<T>(heads_apart(out, heads));
      to.of_out = heads_of<T>(heads_apart(of_out, heads));
      to.log_sums = log_sums.const_data_ptr<float>();
      to.k = writable_heads_of<T>(of_k);
      to.v = writable_heads_of<T>(of_v);
      to.parts = parts;
      to.part_keys = (keys + parts - 1) / parts;
      to.query_rows = of_q.size(3);
      to.query_lanes = of_q.size(4);
      to.q = of_q.mutable_data_ptr<float>();
      to.height = of_height.defined() ? of_height.mutable_data_ptr<float>() : nullptr;
      to.width = of_width.defined() ? of_width.mutable_data_ptr<float>() : nullptr;
      to.shares = shares;
      to.all = of_all.defined() ? of_all.mutable_data_ptr<float>() : nullptr;
      kernels::attend_backward<T>(attention_problem_of<T>(q, k, v, bias, scale), to);
    });
    const auto together = [&](const at::Tensor& x) { return !x.defined() ? x : x.size(0) == 1 ? x.select(0, 0) : x.sum(0); };
    const auto narrowed = [&](const at::Tensor& x) { return x.defined() ? x.to(q.scalar_type()) : x; };
    const at::Tensor result = at::empty({images, queries, heads, q.size(3)}, q.options()).transpose(1, 2);
    result.copy_(together(of_q).slice(2, 0, queries).slice(3, 0, q.size(3)).mul(scale));
    return {result, of_k, of_v, narrowed(together(of_height)), narrowed(together(of_width)), together(of_all), {}};
  }
};

#endif

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

/// On GPUs in half precision: decomposed positions as further features, q = [scale q, rel_h, rel_w] and k = [k, one of its row, one of its column], whose product is
/// the biased score. So no bias of N x N numbers is made or read, which takes longer than the rest.
inline at::Tensor attention_by_features(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& rel_h, const at::Tensor& rel_w, double scale) {
  const auto height = rel_h.size(3), width = rel_w.size(3), keys = k.size(2);
  const at::Tensor place = at::arange(keys, k.options().dtype(at::kLong));
  const auto one_of = [&](const at::Tensor& index, std::int64_t size) { return index.unsqueeze(1).eq(at::arange(size, place.options())); };
  const at::Tensor ones = at::cat({one_of(place.floor_divide(width), height), one_of(place.remainder(width), width)}, 1).to(k.scalar_type());
  std::vector<at::Tensor> queries{q.mul(scale), rel_h.to(q.scalar_type()), rel_w.to(q.scalar_type())}, positions{k, ones.expand({k.size(0), k.size(1), -1, -1})};
  if (const auto rest = (8 - (q.size(3) + height + width) % 8) % 8; rest > 0) {  // kernels want multiples of eight
    const at::Tensor zeros = at::zeros({1}, q.options()).expand({q.size(0), q.size(1), keys, rest});
    queries.push_back(zeros);
    positions.push_back(zeros);
  }
  const at::Tensor wide_q = at::cat(queries, 3), wide_k = at::cat(positions, 3);
  if (!c10::GradMode::is_enabled()) return heads_together(at::scaled_dot_product_attention(wide_q, wide_k, v, std::nullopt, 0.0, false, 1.0));
  const std::int64_t beside[] = {0, wide_q.size(3) - v.size(3)};  // backward kernels want values as wide as keys
  return heads_together(at::scaled_dot_product_attention(wide_q, wide_k, at::constant_pad_nd(v, beside), std::nullopt, 0.0, false, 1.0).slice(3, 0, v.size(3)));
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
  if (q.is_cpu() && q.scalar_type() == at::kHalf) {
    const auto wide = [](const at::Tensor& x) { return x.defined() ? x.to(at::kFloat) : x; };
    return attend(wide(q), wide(k), wide(v), {wide(bias.rel_h), wide(bias.rel_w), wide(bias.all)}, scale).to(at::kHalf);
  }
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
  const bool half = q.scalar_type() == at::kBFloat16 || q.scalar_type() == at::kHalf;
  constexpr std::int64_t many_keys = 1024;  // with fewer, copying the features costs more than a bias does
  if (q.is_cuda() && half && bias.rel_h.defined() && k.size(2) >= many_keys && q.size(3) + bias.rel_h.size(3) + bias.rel_w.size(3) <= 256) {
    return attention_by_features(q, k, v, bias.rel_h, bias.rel_w, scale);
  }
  // LibTorch's fused kernels take up to ten times as long in the backward pass of float32 as the definition, longer yet where they are to sum in one order (docs/results.md)
  if (q.is_cuda() && q.scalar_type() == at::kFloat && c10::GradMode::is_enabled()) return reference::attention_with_bias(q, k, v, bias.piece(0, q.size(2)).value_or(at::Tensor()), scale);
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
