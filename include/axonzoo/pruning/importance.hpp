#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/nn/calibration.hpp>
#include <axonzoo/nn/differentiate.hpp>
#include <axonzoo/nn/network.hpp>

namespace axonzoo {

/// How much each weight matters, by parameter name: tensors of the parameters' own shapes, none negative.
using importance = std::map<std::string, at::Tensor>;

/// Score of each channel of a group, [channels], on the CPU: mean over the group's weights of the sum of what the channel holds of each. Biases
/// and norms' statistics do not count (Fang et al. 2023).
inline at::Tensor channel_scores(const importance& weights, const channel_group& group) {
  at::Tensor sum = at::zeros({group.channels}, at::kDouble);
  std::int64_t count = 0;
  for (const auto& axis : group.axes) {
    const auto found = weights.find(axis.tensor);
    if (found == weights.end() || axis.tensor.ends_with(".bias")) continue;
    const auto channels_first = found->second.narrow(axis.axis, axis.offset, group.channels).transpose(0, axis.axis).reshape({group.channels, -1});
    sum += channels_first.sum(1, /*keepdim=*/false, at::kDouble).cpu();
    ++count;
  }
  return sum / static_cast<double>(std::max<std::int64_t>(count, 1));
}

/// Each parameter's gradient over the calibration set of all ranks, or, with `squared`, the mean of its square over single images (the diagonal of
/// the empirical Fisher). `loss(logits, batch)` is a mean over images. Weights that no gradient reaches get zeros. The network computes as
/// in inference, so that a norm's statistics stay as they are; its own gradients are cleared. What does not train is scored too.
template <class Loss>
importance calibration_gradients(network& net, const calibration& data, std::int64_t batches, bool squared, Loss&& loss) {
  importance sums;
  for (const auto& item : net.named_parameters()) sums.emplace(item.key(), at::zeros_like(item.value().detach(), at::kFloat));
  const bool training = net.is_training();
  net.eval();
  std::vector<at::Tensor> frozen;
  for (auto& parameter : net.parameters()) {
    if (!parameter.requires_grad()) frozen.push_back(parameter.requires_grad_());
  }
  std::int64_t images = 0;
  data.each_batch(batches, [&](const calibration::batch& whole) {
    const std::int64_t step = squared ? 1 : whole.images.size(0);
    for (std::int64_t first = 0; first < whole.images.size(0); first += step) {
      const calibration::batch part{whole.images.narrow(0, first, step), whole.labels.narrow(0, first, step), whole.first_sample + first};
      for (auto& parameter : net.parameters()) parameter.mutable_grad() = at::Tensor();
      differentiate(loss(net.forward(part.images).front(), part) * data.loss_scale);
      for (const auto& item : net.named_parameters()) {
        if (!item.value().grad().defined()) continue;
        const auto gradient = item.value().grad() / data.loss_scale;
        sums.at(item.key()) += squared ? gradient.square() : gradient * static_cast<double>(step);
      }
      images += step;
    }
  });
  for (auto& parameter : net.parameters()) parameter.mutable_grad() = at::Tensor();
  for (auto& parameter : frozen) parameter.requires_grad_(false);
  if (training) net.train();
  at::Tensor all_images = at::scalar_tensor(static_cast<double>(images), at::kDouble);
  if (data.world_size > 1) data.sum(all_images);
  const double all = all_images.item<double>();
  if (all == 0) throw error("cannot score channels", "the calibration set has no image", "give more --calibration batches or training images");
  for (auto& [name, sum] : sums) {
    if (data.world_size > 1) data.sum(sum);
    sum /= all;
    if (!std::isfinite(sum.sum().template item<double>())) {
      throw error("cannot score channels", "the gradient of " + name + " is not finite at the loss scale " + std::to_string(data.loss_scale), "give a lower --loss-scale or --learning-rate");
    }
  }
  return sums;
}

/// Turns gradients g into |w g|, the first-order change of the loss when w goes (Molchanov et al. 2019), or, with squares in them, w^2 E[g^2].
inline importance times_weights(const network& net, importance gradients, bool squared) {
  for (const auto& item : net.named_parameters()) {
    auto& gradient = gradients.at(item.key());
    const auto weight = item.value().detach();
    gradient = squared ? weight.square() * gradient : (weight * gradient).abs();
  }
  return gradients;
}

}  // namespace axonzoo
