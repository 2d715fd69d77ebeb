// A forward pass without gradients against PyTorch eager (inference mode), interleaved.
//
//   inference --python PYTHON [--model unet|segnet] [--device cpu|cuda] [--precision fp32|tf32|bf16|fp16] [--batch 1] [--patch 256]
//   [--repeats 20] [--layers]
//
// PYTHON has torch of the version this program is built with, and numpy. See benchmarks/README.md.

#include <exception>
#include <iostream>
#include <string>

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <axonzoo/core/allocator.hpp>
#include <axonzoo/core/threads.hpp>
#include <axonzoo/io/replace_file.hpp>

#include "interleaved.hpp"
#include "layer_times.hpp"
#include "step_settings.hpp"

int main(int argc, char** argv) {
  axonzoo::use_caching_allocator();
  axonzoo::let_idle_threads_sleep();
  benchmarks::step_settings settings;
  settings.batch = 1;
  CLI::App options("Times inference against PyTorch eager");
  settings.add_to(options);
  CLI11_PARSE(options, argc, argv);
  try {
    at::set_num_threads(settings.threads);
    benchmarks::workload work(settings, false);
    auto found = benchmarks::compare(settings, work, "infer", work.macs, [&] {
      const at::NoGradGuard no_gradients;
      const auto scope = settings.enter_precision();
      const auto device = work.images.device();
      const auto begin = benchmarks::time_on(device);
      const auto logits = work.net->forward(work.images.to(settings.compute_type())).front();
      const double seconds = benchmarks::seconds_since(begin, device);
      return benchmarks::peer_process::result{seconds, logits.to(at::kFloat).abs().mean().item<double>()};
    });
    if (settings.layers) {
      const benchmarks::layer_times layers(settings, *work.net, false);
      found["layers"] = layers.print(1e9 * found["peak_gflops"].get<double>());
    }
    if (!settings.json.empty()) axonzoo::replace_file(settings.json, found.dump(1) + '\n');
  } catch (const std::exception& failure) {
    std::cerr << "inference: " << failure.what() << '\n';
    return 1;
  }
}
