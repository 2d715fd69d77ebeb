#pragma once

// Each layer of a network by itself, at the shapes it has in the network.

#include <cctype>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/randn_like.h>
#include <nlohmann/json.hpp>

#include <axonzoo/nn/layers.hpp>
#include <axonzoo/nn/macs.hpp>
#include <axonzoo/nn/network.hpp>

#include "step_settings.hpp"

namespace benchmarks {

class layer_times {
 public:
  layer_times(const step_settings& settings, axonzoo::network& net, bool training) : settings_(settings), training_(training), device_(net.parameters().front().device()) {
    net.train(training);
    const auto scope = settings.enter_precision();
    for (const auto& item : net.named_children()) measure(item.key(), *item.value());
  }

  /// The table, with each time's share of `peak` (operations a second).
  nlohmann::json print(double peak) const {
    nlohmann::json rows = nlohmann::json::array();
    std::printf("%-8s %10s %6s %8s %17s %7s", "layer", "channels", "px", "GFLOP", "forward ms (conv)", "share");
    std::printf(training_ ? " %8s %17s %7s\n" : "\n", "GFLOP", "backward (conv)", "share");
    row total{"all", 0, 0, 0, {}, {}};
    const auto add = [](pass& sum, const pass& one) {
      sum.flop += one.flop;
      sum.seconds += one.seconds;
      sum.convolution += one.convolution;
    };
    for (const auto& r : rows_) {
      add(total.forward, r.forward);
      add(total.backward, r.backward);
      print(r, peak);
      rows.push_back({{"layer", r.name}, {"in", r.in}, {"out", r.out}, {"side", r.side}, {"forward", r.forward.json()}});
      if (training_) rows.back()["backward"] = r.backward.json();
    }
    print(total, peak);
    return rows;
  }

 private:
  struct pass {
    double flop = 0, seconds = 0, convolution = 0;
    [[nodiscard]] nlohmann::json json() const {
      return {{"gflop", flop / 1e9}, {"ms", seconds * 1e3}, {"convolution_ms", convolution * 1e3}};
    }
  };
  struct row {
    std::string name;
    std::int64_t in, out, side;
    pass forward, backward;
  };
  using call = std::function<at::Tensor(const at::Tensor&)>;

  void print(const row& r, double peak) const {
    const auto times = [&](const pass& p) {
      std::printf(" %8.2f %8.2f %8.2f %7s", p.flop / 1e9, p.seconds * 1e3, p.convolution * 1e3,
                  percent(p.flop / p.seconds, peak).c_str());
    };
    const std::string channels = r.side > 0 ? std::to_string(r.in) + ">" + std::to_string(r.out) : "";
    std::printf("%-8s %10s %6s", r.name.c_str(), channels.c_str(), r.side > 0 ? std::to_string(r.side).c_str() : "");
    times(r.forward);
    if (training_) times(r.backward);
    std::printf("\n");
  }

  void measure(const std::string& name, torch::nn::Module& module) {
    const auto digit = name.find_first_of("0123456789");
    std::int64_t level = digit == std::string::npos ? 0 : name[digit] - '0';
    row r{name, 0, 0, 0, {}, {}};
    call whole, convolution;
    if (auto* block = dynamic_cast<axonzoo::conv_block*>(&module)) {
      if (settings_.model == "unet" && name.rfind("down", 0) == 0 && name.back() == 'a' && level > 0) --level;  // has stride 2
      r.in = block->in_channels();
      whole = [block](const at::Tensor& x) { return block->forward(x); };
      auto inner = std::dynamic_pointer_cast<axonzoo::conv_layer>(block->named_children()["conv"]);
      convolution = [inner](const at::Tensor& x) { return inner->forward(x); };
    } else if (auto* layer = dynamic_cast<axonzoo::conv_layer*>(&module)) {
      r.in = layer->in_channels();
      whole = [layer](const at::Tensor& x) { return layer->forward(x); };
    } else if (auto* up = dynamic_cast<axonzoo::up_layer*>(&module)) {
      ++level;
      r.in = up->named_parameters()["weight"].size(0);
      whole = [up](const at::Tensor& x) { return up->forward(x); };
    } else {
      return;
    }
    r.side = settings_.patch >> level;
    const bool first = rows_.empty();
    const auto x = at::randn({settings_.batch, r.in, r.side, r.side})
                       .to(device_, settings_.compute_type())
                       .contiguous(at::MemoryFormat::ChannelsLast)
                       .requires_grad_(training_ && !first);
    {
      const at::NoGradGuard no_gradients;
      const axonzoo::mac_counter counter;
      r.out = whole(x).size(1);
      r.forward.flop = 2.0 * static_cast<double>(counter.count());
      r.backward.flop = (first ? 1 : 2) * r.forward.flop;
    }
    time(module, whole, x, r.forward.seconds, r.backward.seconds);
    r.forward.convolution = r.forward.seconds;
    r.backward.convolution = r.backward.seconds;
    if (convolution) time(module, convolution, x, r.forward.convolution, r.backward.convolution);
    rows_.push_back(std::move(r));
  }

  /// Medians of nine.
  void time(torch::nn::Module& module, const call& layer, const at::Tensor& x, double& forward, double& backward) const {
    const at::AutoGradMode gradients(training_);
    std::vector<double> forwards, backwards;
    at::Tensor dy;
    for (int i = -1; i < 9; ++i) {
      auto begin = time_on(device_);
      const auto y = layer(x);
      const double spent = seconds_since(begin, device_);
      if (i >= 0) forwards.push_back(spent);
      if (!training_) continue;
      if (!dy.defined()) dy = at::randn_like(y);
      x.mutable_grad() = at::Tensor();
      module.zero_grad(true);
      begin = time_on(device_);
      y.backward(dy);
      const double back = seconds_since(begin, device_);
      if (i >= 0) backwards.push_back(back);
    }
    forward = spread(forwards).median;
    backward = spread(backwards).median;
  }

  const step_settings& settings_;
  bool training_;
  c10::Device device_;
  std::vector<row> rows_;
};

}  // namespace benchmarks
