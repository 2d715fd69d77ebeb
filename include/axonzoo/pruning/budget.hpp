#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/nn/calibration.hpp>
#include <axonzoo/nn/channels.hpp>
#include <axonzoo/nn/macs.hpp>
#include <axonzoo/nn/network.hpp>

namespace axonzoo {
namespace detail {

inline double parameters_of(const network& net) {
  double count = 0;
  for (const auto& parameter : net.parameters()) count += static_cast<double>(parameter.numel());
  return count;
}

/// What an inference of one image costs, by `of(net)`, which computes it.
template <class Cost>
double in_inference(network& net, Cost&& of) {
  const at::NoGradGuard no_gradients;
  const bool training = net.is_training();
  net.eval();
  const double cost = of();
  net.train(training);
  return cost;
}

inline double macs_of(network& net, const at::Tensor& image) {
  return in_inference(net, [&] {
    const mac_counter counter;
    net.forward(image);
    return static_cast<double>(counter.count());
  });
}

/// Seconds, the least of five after one that is not counted. Of many ranks the mean, so that all decide alike.
inline double latency_of(network& net, const at::Tensor& image, const calibration& data) {
  const double own = in_inference(net, [&] {
    double least = std::numeric_limits<double>::infinity();
    for (int i = 0; i < 6; ++i) {
      const auto begin = std::chrono::steady_clock::now();
      net.forward(image).front().flatten()[0].item<float>();  // waits for a device that computes on its own
      const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      if (i > 0) least = std::min(least, seconds);
    }
    return least;
  });
  if (data.world_size <= 1) return own;
  at::Tensor sum = at::full({1}, own, at::kDouble);
  data.sum(sum);
  return sum.item<double>() / data.world_size;
}

}  // namespace detail

/// What a share is of.
enum class pruning_budget { channels, parameters, macs, latency };

/// The largest share of channels with which the network has at most `share` of its parameters, or of its multiply-accumulates or its measured seconds on one
/// calibration image. `keep(share)` says which channels stay, for each of the network's groups, and keeps more where the share is larger. The network itself
/// is asked, by trying; it is left as it was. Seconds are as the machine is at that moment. Throws `error` where one channel a group is still too much.
inline double channel_share(network& net, const calibration& data, double share, pruning_budget budget,
                            const std::function<std::vector<at::Tensor>(double)>& keep) {
  const auto search = [&](const std::function<double()>& cost, const std::string& of_what) {
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
      throw error("cannot prune to " + std::to_string(share) + " of the " + of_what,
                  "with one channel in every layer the network still has " + std::to_string(least / before), "give a larger --keep");
    }
    if (share >= 1) return 1.0;
    for (int halving = 0; halving < 12; ++halving) {
      const double middle = (low + high) / 2;
      (cost_with(middle) <= target ? low : high) = middle;
    }
    return low;
  };
  if (budget == pruning_budget::parameters) return search([&] { return detail::parameters_of(net); }, "parameters");
  double found = -1;
  if (data.each_batch) {
    // while a batch is visited the network computes in the precision of the run
    data.each_batch(1, [&](const calibration::batch& batch) {
      if (found >= 0) return;
      const auto image = batch.images.narrow(0, 0, 1);
      found = budget == pruning_budget::macs ? search([&] { return detail::macs_of(net, image); }, "multiply-accumulates")
                                             : search([&] { return detail::latency_of(net, image, data); }, "seconds of an inference");
    });
  }
  if (found < 0) throw error("cannot prune to a budget of multiply-accumulates or seconds", "the calibration set has no image", "give training images, or --budget parameters");
  return found;
}

}  // namespace axonzoo
