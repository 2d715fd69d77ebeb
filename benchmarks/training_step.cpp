// A whole training step (forward, loss with deep supervision, backward, clipping, AdamW) against PyTorch eager, interleaved.
//
//   training_step --python PYTHON [--model unet|segnet] [--device cpu|cuda] [--precision fp32|tf32|bf16|fp16] [--batch 4]
//   [--patch 256] [--repeats 20] [--layers]
//
// PYTHON has torch of the version this program is built with, and numpy. See benchmarks/README.md.

#include <cmath>
#include <cstdio>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <axonzoo/core/allocator.hpp>
#include <axonzoo/core/threads.hpp>
#include <axonzoo/io/replace_file.hpp>
#include <axonzoo/nn/soft_loss.hpp>
#include <axonzoo/precision/fp16.hpp>
#include <axonzoo/precision/loss_scale.hpp>
#include <axonzoo/train/adamw.hpp>

#include "interleaved.hpp"
#include "layer_times.hpp"
#include "step_settings.hpp"

namespace {

/// What axonzoo's trainer does with a batch, and when each part of it was done.
class training {
 public:
  training(const benchmarks::step_settings& settings, benchmarks::workload& work) : settings_(settings), work_(work) {
    axonzoo::optimizer::named_tensors parameters;
    for (const auto& item : work.net->named_parameters()) parameters.emplace_back(item.key(), item.value());
    if (settings.precision == axonzoo::fp16::name) scale_ = axonzoo::fp16().scaling();
    optimizer_ = std::make_unique<axonzoo::adamw>(std::move(parameters));
  }

  benchmarks::peer_process::result step() {
    const auto device = work_.images.device();
    const auto begin = benchmarks::time_on(device);
    const auto scope = settings_.enter_precision();
    const auto logits = work_.net->forward(work_.images.to(settings_.compute_type()));
    const double forward = benchmarks::seconds_since(begin);
    const auto loss = axonzoo::supervised_loss(logits, work_.labels);
    const double value = loss.item<double>();
    const double until_loss = benchmarks::seconds_since(begin);
    optimizer_->clear_gradients();
    (scale_.active() ? loss * scale_.value() : loss).backward();
    const double backward = benchmarks::seconds_since(begin);
    if (unscale()) optimizer_->step(1e-4, 5.0);
    const double all = benchmarks::seconds_since(begin, device);
    parts_[0].push_back(forward);
    parts_[1].push_back(until_loss - forward);
    parts_[2].push_back(backward - until_loss);
    parts_[3].push_back(all - backward);
    return {all, value};
  }

  /// A GPU is waited for at the end of a step alone: of its parts nothing is known.
  void print_parts() const {
    if (!work_.images.is_cpu()) return;
    const auto ms = [&](int part) { return benchmarks::spread(parts_[part]).median * 1e3; };
    std::printf("axonzoo's step: forward %.1f, loss %.2f, backward %.1f, update %.2f ms\n", ms(0), ms(1), ms(2), ms(3));
  }

 private:
  /// As the trainer does: false where a gradient overflowed.
  bool unscale() {
    if (!scale_.active()) return true;
    optimizer_->scale_gradients(1 / scale_.value());
    const bool finite = std::isfinite(optimizer_->gradient_norm());
    scale_.update(finite);
    return finite;
  }

  const benchmarks::step_settings& settings_;
  benchmarks::workload& work_;
  std::unique_ptr<axonzoo::adamw> optimizer_;
  axonzoo::loss_scale scale_;
  std::vector<double> parts_[4];
};

/// Forward once and backward twice that, but for the first layer, whose input needs no gradient.
double training_macs(const benchmarks::workload& work) {
  const auto first = work.net->parameters().front();
  const auto pixels = work.images.numel() / work.images.size(1);
  return 3 * work.macs - static_cast<double>(first.numel() * pixels);
}

}  // namespace

int main(int argc, char** argv) {
  axonzoo::use_caching_allocator();
  axonzoo::let_idle_threads_sleep();
  benchmarks::step_settings settings;
  CLI::App options("Times training steps against PyTorch eager");
  settings.add_to(options);
  CLI11_PARSE(options, argc, argv);
  try {
    at::set_num_threads(settings.threads);
    benchmarks::workload work(settings, true);
    training ours(settings, work);
    auto found = benchmarks::compare(settings, work, "train", training_macs(work), [&] { return ours.step(); });
    ours.print_parts();
    if (settings.layers) {
      const benchmarks::layer_times layers(settings, *work.net, true);
      found["layers"] = layers.print(1e9 * found["peak_gflops"].get<double>());
    }
    if (!settings.json.empty()) axonzoo::replace_file(settings.json, found.dump(1) + '\n');
  } catch (const std::exception& failure) {
    std::cerr << "training_step: " << failure.what() << '\n';
    return 1;
  }
}
