#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/where.h>

namespace axonzoo {

/// The mean over the images of a batch of
///     cross entropy (mean over pixels) + 1 - soft Dice (mean over the foreground classes),
/// with the soft Dice of class k (2 sum p g + e) / (sum p + sum g + e), e = 1, p the softmax, sums over the pixels of one image:
/// per image and not per batch, so that ranks which share a batch average to the loss of one rank. Logits are [N, K, H, W] of
/// any float type, K >= 2, class 0 is background; labels are uint8 [N, H, W] below K, else `error` is thrown (on a GPU: the result is NaN). The result is fp32,
/// accumulated in fp32 and above, in one pass forward and one backward on a CPU; the number of threads does not change it.
at::Tensor dice_cross_entropy(const at::Tensor& logits, const at::Tensor& labels);

/// Labels [N, H, W] at 1 / factor of their size, nearest neighbour, for deep supervision: pixel (i, j) is (factor i, factor j) of
/// the original, where a 3x3 convolution of stride `factor` with padding is centred. Contiguous.
inline at::Tensor labels_at(const at::Tensor& labels, std::int64_t factor) {
  return labels.slice(1, 0, labels.size(1), factor).slice(2, 0, labels.size(2), factor).contiguous();
}

namespace detail {
inline constexpr double dice_smoothing = 1.0;
}

/// What dice_cross_entropy is held to, in plain ATen.
inline at::Tensor dice_cross_entropy_reference(const at::Tensor& logits, const at::Tensor& labels) {
  const at::Tensor log_p = at::log_softmax(logits.scalar_type() == at::kDouble ? logits : logits.to(at::kFloat), 1);
  const at::Tensor classes = at::arange(logits.size(1), labels.options()).view({-1, 1, 1});
  const at::Tensor truth = labels.unsqueeze(1).eq(classes).to(log_p.scalar_type());
  const at::Tensor p = log_p.exp();
  const at::Tensor entropy = log_p.mul(truth).sum(1).mean().neg();
  const at::Tensor both = p.mul(truth).sum({2, 3}).mul(2).add(detail::dice_smoothing);
  const at::Tensor either = p.add(truth).sum({2, 3}).add(detail::dice_smoothing);
  const at::Tensor unknown = at::where(truth.sum().eq(labels.numel()), 0.0, std::numeric_limits<double>::quiet_NaN());  // asking would wait for a GPU
  return entropy.add(1).sub(both.div(either).slice(1, 1).mean()).add(unknown.to(log_p.scalar_type()));
}

/// The loss of a network's heads, finest first, against labels at the finest one's scale: each coarser head weighs half as much (nnU-Net's deep supervision).
inline at::Tensor supervised_loss(const std::vector<at::Tensor>& logits, const at::Tensor& labels) {
  at::Tensor loss;
  double weight = 1, weights = 0;
  for (const auto& level : logits) {
    const auto term = dice_cross_entropy(level, labels_at(labels, labels.size(1) / level.size(2))).mul(weight);
    loss = loss.defined() ? loss.add(term) : term;
    weights += weight;
    weight /= 2;
  }
  return loss.div(weights);
}

}  // namespace axonzoo

#ifndef AXONZOO_SEPARATE_KERNELS
#include <axonzoo/nn/functions/soft_loss.hpp>
#endif
