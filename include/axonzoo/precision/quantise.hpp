#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/nn/activation_range.hpp>
#include <axonzoo/nn/calibration.hpp>
#include <axonzoo/nn/network.hpp>
#include <axonzoo/nn/quantisable.hpp>

namespace axonzoo {

namespace detail {

inline std::vector<std::pair<std::string, quantisable*>> quantisable_layers(network& net) {
  std::vector<std::pair<std::string, quantisable*>> layers;
  for (const auto& item : net.named_modules()) {
    if (auto* layer = dynamic_cast<quantisable*>(item.value().get())) layers.emplace_back(item.key(), layer);
  }
  return layers;
}

}  // namespace detail

/// Rounds the weights of a trained network's convolutions to 8 bits, in place, for `int8`; it is left in evaluation mode. What comes into each layer is scaled by
/// the mean, over `batches` calibration batches of all ranks, of its least and of its greatest number there. Left as they are: layers with fewer than four
/// channels on a side (the first one and the heads, which cost little and whose errors nothing averages out), and those that run in training alone. Collective.
/// Throws `error` where the calibration set is empty.
inline void quantise(network& net, const calibration& from, std::int64_t batches = 8) {
  const at::NoGradGuard no_gradients;
  net.eval();
  std::map<const quantisable*, activation_observer::seen> seen;
  {
    const activation_observer observer;
    from.each_batch(batches, [&](const calibration::batch& batch) { net.forward(batch.images); });
    seen = observer.layers();
  }
  const auto layers = detail::quantisable_layers(net);
  auto sums = at::zeros({static_cast<std::int64_t>(layers.size()), 3}, at::kDouble);
  auto numbers = sums.accessor<double, 2>();
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto found = seen.find(layers[i].second);
    if (found == seen.end()) continue;
    const auto row = static_cast<std::int64_t>(i);
    numbers[row][0] = found->second.low;
    numbers[row][1] = found->second.high;
    numbers[row][2] = static_cast<double>(found->second.passes);
  }
  if (from.sum) from.sum(sums);
  if (!(sums.select(1, 2).sum().item<double>() > 0)) throw error("cannot round the network to 8 bits", "no image came to calibrate it with", "give training images");
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto row = static_cast<std::int64_t>(i);
    const double passes = numbers[row][2];
    if (passes > 0 && layers[i].second->narrowest() >= 4) layers[i].second->quantise(activation_range::reaching(numbers[row][0] / passes, numbers[row][1] / passes));
  }
}

/// Whether these are the tensors of a network that was rounded.
[[nodiscard]] inline bool are_quantised(const std::map<std::string, at::Tensor>& tensors) {
  return std::any_of(tensors.begin(), tensors.end(), [](const auto& item) { return item.first.ends_with(".input_range"); });
}

/// Before a checkpoint is loaded: gives the layers that are in 8 bits there the tensors that they then have.
inline void expect_quantised(network& net, const std::map<std::string, at::Tensor>& tensors) {
  for (const auto& [name, layer] : detail::quantisable_layers(net)) {
    if (tensors.contains(name + ".input_range")) layer->quantise({});
  }
}

}  // namespace axonzoo
