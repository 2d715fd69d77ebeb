#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/nn/channels.hpp>
#include <axonzoo/nn/macs.hpp>
#include <axonzoo/nn/network.hpp>
#include <axonzoo/pruning/calibration.hpp>

namespace axonzoo {
namespace detail {

/// Shape of an image of the calibration set with one in the batch.
inline std::vector<std::int64_t> calibration_shape(const calibration& data) {
  std::vector<std::int64_t> shape;
  if (data.each_batch) {
    data.each_batch(1, [&](const calibration::batch& batch) { shape = batch.images.sizes().vec(); });
  }
  if (shape.empty()) throw error("cannot prune to a budget of multiply-accumulates", "the calibration set has no image", "give training images, or --budget parameters");
  shape.front() = 1;
  return shape;
}

inline double parameters_of(const network& net) {
  double count = 0;
  for (const auto& parameter : net.parameters()) count += static_cast<double>(parameter.numel());
  return count;
}

inline double macs_of(network& net, const at::Tensor& image) {
  const at::NoGradGuard no_gradients;
  const bool training = net.is_training();
  net.eval();
  const mac_counter counter;
  net.forward(image);
  net.train(training);
  return static_cast<double>(counter.count());
}

}  // namespace detail

/// The largest share of channels with which the network has at most `share` of its parameters, or of its multiply-accumulates on a calibration image.
/// `keep(share)` says which channels stay, for each of the network's groups, and keeps more where the share is larger. The network itself is
/// asked, by trying; it is left as it was. Throws `error` where one channel a group is still too much.
inline double channel_share(network& net, const calibration& data, double share, bool macs,
                            const std::function<std::vector<at::Tensor>(double)>& keep) {
  const auto image = macs ? at::zeros(detail::calibration_shape(data), net.parameters().front().options()).contiguous(at::MemoryFormat::ChannelsLast) : at::Tensor();
  const auto cost = [&] { return macs ? detail::macs_of(net, image) : detail::parameters_of(net); };
  std::vector<std::pair<at::Tensor, at::Tensor>> whole;
  for (auto& [name, tensor] : named_tensors(net)) whole.emplace_back(tensor, tensor.detach());
  const auto cost_with = [&](double of_channels) {
    const auto kept = keep(of_channels);
    for (std::size_t i = 0; i < kept.size(); ++i) keep_channels(net, net.channel_groups()[i], kept[i]);
    const double found = cost();
    for (auto& [tensor, contents] : whole) tensor.set_data(contents);
    return found;
  };
  const double before = cost(), target = share * before;
  double low = 0, high = 1;
  const double least = cost_with(low);
  if (least > target) {
    throw error("cannot prune to " + std::to_string(share) + (macs ? " of the multiply-accumulates" : " of the parameters"),
                "with one channel in every layer the network still has " + std::to_string(least / before), "give a larger --keep");
  }
  if (share >= 1) return 1;
  for (int halving = 0; halving < 12; ++halving) {
    const double middle = (low + high) / 2;
    (cost_with(middle) <= target ? low : high) = middle;
  }
  return low;
}

}  // namespace axonzoo
