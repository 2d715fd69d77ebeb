#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/scalar_tensor.h>
#include <torch/csrc/autograd/custom_function.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/nn/kernels/elements.hpp>
#include <axonzoo/nn/kernels/soft_loss.hpp>
#include <axonzoo/nn/soft_loss.hpp>

namespace axonzoo {

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

}  // namespace axonzoo
