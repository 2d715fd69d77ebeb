#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/mse_loss.h>

namespace axonzoo {

/// Dice with squared denominator (Milletari et al. 2016) plus binary cross entropy, of equal weight, in float32: 1 - (2 sum(p g) + 1) / (sum(p^2) + sum(g^2) + 1).
/// `logits` and `targets` (0 or 1) are [P, H, W]; the mean over the P masks.
inline at::Tensor mask_loss(const at::Tensor& logits, const at::Tensor& targets) {
  const auto given = logits.to(at::kFloat).flatten(1), truth = targets.to(at::kFloat).flatten(1);
  const auto likely = given.sigmoid();
  const auto dice = (2 * (likely * truth).sum(1) + 1) / (likely.square().sum(1) + truth.square().sum(1) + 1);
  return (1 - dice).mean() + at::binary_cross_entropy_with_logits(given, truth);
}

/// Squared error of the predicted IoU (`scores` [P]) against that of the masks `logits` > 0 with `targets`, both [P, H, W].
inline at::Tensor score_loss(const at::Tensor& scores, const at::Tensor& logits, const at::Tensor& targets) {
  const auto found = logits.detach().gt(0).flatten(1), truth = targets.to(at::kBool).flatten(1);
  const auto both = found.logical_and(truth).sum(1), either = found.logical_or(truth).sum(1);
  return at::mse_loss(scores.to(at::kFloat), both.to(at::kFloat) / either.clamp_min(1));
}

}  // namespace axonzoo
