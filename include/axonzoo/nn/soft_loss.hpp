#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/one_hot.h>
#include <ATen/ops/scalar_tensor.h>
#include <torch/csrc/autograd/custom_function.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/nn/kernels/elements.hpp>
#include <axonzoo/nn/kernels/soft_loss.hpp>

namespace axonzoo {

/// The mean over the images of a batch of
///     cross entropy (mean over pixels) + 1 - soft Dice (mean over the foreground classes),
/// with the soft Dice of class k (2 sum p g + e) / (sum p + sum g + e), e = 1, p the softmax, sums over the pixels of one image:
/// per image and not per batch, so that ranks which share a batch average to the loss of one rank. Logits are [N, K, H, W] of
/// any float type, K >= 2, class 0 is background; labels are uint8 [N, H, W] below K, else `error` is thrown. The result is fp32,
/// accumulated in fp32 and above, in one pass forward and one backward on a CPU; the number of threads does not change it.
inline at::Tensor dice_cross_entropy(const at::Tensor& logits, const at::Tensor& labels);

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
  const at::Tensor truth = at::one_hot(labels.to(at::kLong), logits.size(1)).permute({0, 3, 1, 2}).to(log_p.scalar_type());
  const at::Tensor p = log_p.exp();
  const at::Tensor entropy = log_p.mul(truth).sum(1).mean().neg();
  const at::Tensor both = p.mul(truth).sum({2, 3}).mul(2).add(detail::dice_smoothing);
  const at::Tensor either = p.add(truth).sum({2, 3}).add(detail::dice_smoothing);
  return entropy.add(1).sub(both.div(either).slice(1, 1).mean());
}

namespace detail {

inline kernels::logit_layout layout_of(const at::Tensor& logits) {
  const std::int64_t classes = logits.size(1), pixels = logits.size(2) * logits.size(3);
  const bool planes = logits.is_contiguous();
  return {logits.size(0), classes, pixels, planes ? 1 : classes, planes ? pixels : 1};
}

struct dice_cross_entropy_function : torch::autograd::Function<dice_cross_entropy_function> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& logits, const at::Tensor& labels) {
    const auto layout = layout_of(logits);
    std::vector<kernels::soft_sums> sums;
    kernels::with_element_of(logits, [&](auto element) {
      sums = kernels::soft_loss_sums(static_cast<const decltype(element)*>(logits.const_data_ptr()),
                                     labels.const_data_ptr<std::uint8_t>(), layout);
    });
    const auto images = static_cast<double>(layout.images), pixels = static_cast<double>(layout.pixels);
    const double share = 1 / (images * static_cast<double>(layout.classes - 1));
    std::vector<double> always, hit;
    double loss = 0;
    for (const auto& s : sums) {
      loss += (s.entropy / pixels + 1) / images;
      double known = 0;
      for (std::int64_t k = 0; k < layout.classes; ++k) {
        const double both = 2 * s.both[k] + dice_smoothing, either = s.predicted[k] + s.labelled[k] + dice_smoothing;
        known += s.labelled[k];
        if (k > 0) loss -= share * both / either;
        always.push_back(k > 0 ? share * both / (either * either) : 0);
        hit.push_back(k > 0 ? -2 * share / either : 0);
      }
      if (known < pixels) {
        throw error("taking the loss of " + std::to_string(layout.classes) + " classes",
                    std::to_string(static_cast<std::int64_t>(pixels - known)) + " pixels have a label that is none of them",
                    "make the network with as many classes as the labels have");
      }
    }
    context->save_for_backward({logits, labels});
    context->saved_data["always"] = always;
    context->saved_data["hit"] = hit;
    return at::scalar_tensor(loss, at::kFloat);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &logits = saved[0], &labels = saved[1];
    const auto layout = layout_of(logits);
    const double scale = gradients[0].item<double>();
    const auto scaled = [&](const char* name) {
      const auto numbers = context->saved_data[name].toDoubleVector();
      std::vector<float> results;
      for (const double number : numbers) results.push_back(static_cast<float>(scale * number));
      return results;
    };
    const double entropy = scale / static_cast<double>(layout.images * layout.pixels);
    at::Tensor gradient = at::empty_like(logits);
    kernels::with_element_of(logits, [&](auto element) {
      using type = decltype(element);
      kernels::soft_loss_backward(static_cast<const type*>(logits.const_data_ptr()), labels.const_data_ptr<std::uint8_t>(),
                                  static_cast<type*>(gradient.mutable_data_ptr()), layout, static_cast<float>(entropy),
                                  scaled("always"), scaled("hit"));
    });
    return {gradient, {}};
  }
};

}  // namespace detail

inline at::Tensor dice_cross_entropy(const at::Tensor& logits, const at::Tensor& labels) {
  if (logits.dim() != 4 || logits.size(1) < 2 || labels.dim() != 3 || labels.size(0) != logits.size(0) ||
      labels.size(1) != logits.size(2) || labels.size(2) != logits.size(3) || labels.scalar_type() != at::kByte) {
    throw error("taking the loss of logits of shape " + c10::str(logits.sizes()),
                "labels of type " + std::string(c10::toString(labels.scalar_type())) + " and shape " + c10::str(labels.sizes()) +
                    " do not go with them",
                "give uint8 labels [N, H, W] and logits [N, K, H, W] with K >= 2");
  }
  if (!logits.device().is_cpu() || (logits.scalar_type() != at::kFloat && logits.scalar_type() != at::kBFloat16)) {
    return dice_cross_entropy_reference(logits, labels);
  }
  if (!logits.is_contiguous() && !logits.is_contiguous(at::MemoryFormat::ChannelsLast)) {
    return dice_cross_entropy(logits.contiguous(), labels);
  }
  return detail::dice_cross_entropy_function::apply(logits, labels.contiguous());
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
