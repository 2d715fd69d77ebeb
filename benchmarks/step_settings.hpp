#pragma once

// What training_step and inference have in common: options, the network and the batch, and the statistics of interleaved runs.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <ATen/Context.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <CLI/CLI.hpp>

#include <axonzoo/core/device.hpp>
#include <axonzoo/models/registry.hpp>
#include <axonzoo/nn/macs.hpp>
#include <axonzoo/precision/quantise.hpp>
#include <axonzoo/precision/registry.hpp>

#include "device_clock.hpp"
#include "source_folder.hpp"

namespace benchmarks {

struct step_settings {
  std::string model = "unet", device = "cpu", precision = "fp32";
  std::int64_t batch = 4, patch = 256;
  int repeats = 20;
  int threads = static_cast<int>(std::thread::hardware_concurrency());
  std::string python;  ///< empty: no peer
  std::string peer = (source_folder() / "peer_torch.py").string();
  bool peer_keeps_memory = false;
  bool layers = false;
  std::string json;

  void add_to(CLI::App& app) {
    app.add_option("--model", model, "unet or segnet")->check(CLI::IsMember({"unet", "segnet"}))->capture_default_str();
    app.add_option("--device", device, "cpu or cuda")->check(CLI::IsMember({"cpu", "cuda"}))->capture_default_str();
    app.add_option("--precision", precision, "fp32, tf32 (on cuda), bf16, fp16 or, for inference, int8")
        ->check(CLI::IsMember({"fp32", "tf32", "bf16", "fp16", "int8"}))
        ->capture_default_str();
    app.add_option("--batch", batch, "patches at once")->check(CLI::Range(1, 4096))->capture_default_str();
    app.add_option("--patch", patch, "px of a side, a multiple of 32")->check(CLI::Range(32, 8192))->capture_default_str();
    app.add_option("--repeats", repeats, "pairs of steps")->check(CLI::Range(1, 100000))->capture_default_str();
    app.add_option("--threads", threads, "of each side")->check(CLI::Range(1, 4096))->capture_default_str();
    app.add_option("--python", python, "a Python with PyTorch, to compare with");
    app.add_option("--peer", peer, "the peer's program")->capture_default_str();
    app.add_flag("--peer-keeps-memory", peer_keeps_memory,
                 "run the peer with glibc's mmap and trim thresholds raised, which spares it page faults and is not its default");
    app.add_flag("--layers", layers, "time each layer by itself as well");
    app.add_option("--json", json, "also write what was measured to this file");
  }

  [[nodiscard]] c10::ScalarType compute_type() const { return axonzoo::setting_of(precision).compute_type; }
  [[nodiscard]] double tolerance() const {
    if (precision == "int8") return axonzoo::int8::tolerance;
    if (precision == "tf32") return 10 * axonzoo::tf32::tolerance;
    if (precision == "fp16") return 5 * axonzoo::fp16::tolerance;
    return precision == "bf16" ? axonzoo::bf16::tolerance : 100 * axonzoo::fp32::tolerance;
  }
  [[nodiscard]] std::shared_ptr<void> enter_precision() const { return axonzoo::setting_of(precision).enter(c10::Device(device).type()); }
};

/// A network with three classes on grey patches of noise, and labels: the time of a step does not depend on what they show.
struct workload {
  std::shared_ptr<axonzoo::network> net;
  at::Tensor images, labels;
  double macs = 0;  ///< of one forward pass of the batch, the heads of training included where `training`

  workload(const step_settings& settings, bool training) {
    const auto device = axonzoo::use_device(settings.device);
    at::manual_seed(1);
    net = axonzoo::maker_of(settings.model)(1, 3);
    if (settings.patch % net->stride() != 0) {
      throw axonzoo::error("timing patches of " + std::to_string(settings.patch) + " px",
                           "the network halves them down to 1 / " + std::to_string(net->stride()), "give a multiple of that");
    }
    images = at::randn({settings.batch, 1, settings.patch, settings.patch}).contiguous(at::MemoryFormat::ChannelsLast);
    labels = at::randint(3, {settings.batch, settings.patch, settings.patch}, at::kByte);
    net->train(training);
    if (axonzoo::setting_of(settings.precision).quantises) {
      if (training) throw axonzoo::error("timing a training step in " + settings.precision, "rounded weights take no gradients", "give --precision fp32 or bf16");
      axonzoo::calibration noise;
      noise.each_batch = [this](std::int64_t, const auto& visit) { visit({images, labels, 0}); };
      axonzoo::quantise(*net, noise);
    }
    net->to(device);
    if (!training) axonzoo::keep_filters(*net);
    images = images.to(device);
    labels = labels.to(device);
    const at::NoGradGuard no_gradients;
    const axonzoo::mac_counter counter;
    const auto scope = settings.enter_precision();
    if (training) {  // batch statistics of a first pass must not move the running ones
      std::vector<at::Tensor> kept;
      for (const auto& buffer : net->buffers()) kept.push_back(buffer.clone());
      net->forward(images.to(settings.compute_type()));
      for (std::size_t i = 0; i < kept.size(); ++i) net->buffers()[i].copy_(kept[i]);
    } else {
      net->forward(images.to(settings.compute_type()));
    }
    macs = static_cast<double>(counter.count());
  }
};

/// Median and quartiles.
struct spread {
  double low = 0, median = 0, high = 0;

  explicit spread(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const auto at = [&](double share) {
      const double place = share * static_cast<double>(values.size() - 1);
      const auto below = static_cast<std::size_t>(place);
      const auto above = std::min(below + 1, values.size() - 1);
      return values[below] + (place - static_cast<double>(below)) * (values[above] - values[below]);
    };
    if (values.empty()) return;
    low = at(0.25);
    median = at(0.5);
    high = at(0.75);
  }
};

/// "55 %", or "-" where the peak is unknown.
inline std::string percent(double rate, double peak) {
  if (!(peak > 0)) return "-";
  char text[16];
  std::snprintf(text, sizeof text, "%.0f %%", 100 * rate / peak);
  return text;
}

}  // namespace benchmarks
