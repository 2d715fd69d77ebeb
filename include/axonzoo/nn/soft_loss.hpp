#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/one_hot.h>

namespace axonzoo {

/// Mean over the images of a batch of: cross entropy (mean over pixels) + 1 - soft Dice (mean over the foreground classes), with
/// Dice of class k = (2 sum p g + e) / (sum p + sum g + e), e = 1, sums over the pixels of one image. Logits are [N, K, H, W] of
/// any float type, class 0 is background; labels are uint8 [N, H, W]. Dice is per image, not per batch, so that ranks which share
/// a batch average to the loss of one rank. Accumulated in fp32.
inline at::Tensor dice_cross_entropy(const at::Tensor& logits, const at::Tensor& labels) {
  constexpr double smooth = 1.0;
  const at::Tensor log_p = at::log_softmax(logits.to(at::kFloat), 1);
  const at::Tensor truth = at::one_hot(labels.to(at::kLong), logits.size(1)).permute({0, 3, 1, 2}).to(at::kFloat);
  const at::Tensor p = log_p.exp();
  const at::Tensor entropy = log_p.mul(truth).sum(1).mean().neg();
  const at::Tensor both = p.mul(truth).sum({2, 3}).mul(2).add(smooth);
  const at::Tensor either = p.add(truth).sum({2, 3}).add(smooth);
  return entropy.add(1).sub(both.div(either).slice(1, 1).mean());
}

/// Labels [N, H, W] at 1/factor of their size, nearest neighbour: pixel (i, j) is (factor i, factor j) of the original, the
/// pixel that a strided convolution of that factor is centred on. Returns a contiguous tensor.
inline at::Tensor labels_at(const at::Tensor& labels, std::int64_t factor) {
  return labels.slice(1, 0, labels.size(1), factor).slice(2, 0, labels.size(2), factor).contiguous();
}

}  // namespace axonzoo
