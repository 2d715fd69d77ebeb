// What a rank holds, and what a step takes, when ranks share out nothing, the optimiser's state, or the parameters too.
//
//   sharding [--ranks 2] [--model unet|segnet] [--batch 2] [--patch 256] [--repeats 15] [--threads 1]
//
// The three train networks of their own, a step of each by turns, on all ranks, which begin together. See benchmarks/README.md.

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/ops/zeros.h>
#include <CLI/CLI.hpp>

#include <axonzoo/core/allocator.hpp>
#include <axonzoo/core/threads.hpp>
#include <axonzoo/nn/channels.hpp>
#include <axonzoo/nn/soft_loss.hpp>
#include <axonzoo/parallel/launch.hpp>
#include <axonzoo/parallel/sharded.hpp>
#include <axonzoo/parallel/shards.hpp>
#include <axonzoo/train/adamw.hpp>
#include <axonzoo/train/weight_average.hpp>

#include "step_settings.hpp"

namespace {

using benchmarks::seconds_since;

/// A network in training, as the trainer has it.
class training {
 public:
  training(const benchmarks::step_settings& settings, std::unique_ptr<axonzoo::communicator> ranks) : work_(settings, true), ranks_(std::move(ranks)) {
    std::vector<std::pair<std::string, at::Tensor>> parameters;
    for (const auto& item : work_.net->named_parameters()) parameters.emplace_back(item.key(), item.value());
    shards_ = axonzoo::shards(parameters, *ranks_);
    optimizer_ = std::make_unique<axonzoo::adamw>(std::move(parameters), axonzoo::adamw_options(), axonzoo::optimizer::part{shards_.owned(), [this](double value) { return shards_.sum(value); }});
    ranks_->attach(*work_.net);
    average_.start(shards_.held(axonzoo::trained_tensors(*work_.net)));
  }

  /// Seconds.
  double step() {
    auto together = at::zeros({1});
    ranks_->sum(together);
    const auto begin = std::chrono::steady_clock::now();
    const auto scope = ranks_->split_layers();
    optimizer_->clear_gradients();
    const auto loss = axonzoo::supervised_loss(work_.net->forward(work_.images), work_.labels);
    ranks_->before_backward(loss);
    loss.backward();
    ranks_->after_backward(*work_.net);
    optimizer_->step(1e-3, 12);
    shards_.exchange();
    average_.update(shards_.held(axonzoo::trained_tensors(*work_.net)));
    return seconds_since(begin);
  }

  [[nodiscard]] std::int64_t parameter_bytes() const {
    std::int64_t sum = 0;
    for (const auto& parameter : work_.net->parameters()) sum += static_cast<std::int64_t>(parameter.storage().nbytes());
    return sum;
  }
  [[nodiscard]] std::int64_t average_bytes() const {
    std::int64_t sum = 0;
    for (const auto& [name, tensor] : average_.tensors()) sum += static_cast<std::int64_t>(tensor.nbytes());
    return sum;
  }
  [[nodiscard]] std::int64_t moment_bytes() const { return optimizer_->bytes(); }

 private:
  benchmarks::workload work_;
  std::unique_ptr<axonzoo::communicator> ranks_;
  axonzoo::shards shards_;
  std::unique_ptr<axonzoo::optimizer> optimizer_;
  axonzoo::weight_average average_{0.999};
};

void measure(const benchmarks::step_settings& chosen) {
  at::set_num_threads(chosen.threads);
  auto place = axonzoo::place_from_environment();
  axonzoo::sharded optimiser, parameters;
  parameters.shard_parameters = 1;
  const std::array names{"ddp", "sharded", "sharded, parameters too"};
  std::vector<std::unique_ptr<training>> ways;
  std::vector<std::int64_t> between, most;  // bytes of tensors
  for (std::size_t way = 0; way < names.size(); ++way, ++place.port) {
    const auto before = axonzoo::tensor_memory().in_use;
    ways.push_back(std::make_unique<training>(chosen, way == 0 ? axonzoo::ddp{}.connect(place, c10::kCPU) : (way == 1 ? optimiser : parameters).connect(place, c10::kCPU)));
    for (int warming = 0; warming < 2; ++warming) ways.back()->step();
    between.push_back(axonzoo::tensor_memory().in_use - before);
    axonzoo::forget_peak_tensor_memory();
    ways.back()->step();
    most.push_back(axonzoo::tensor_memory().peak - before);
  }
  std::vector<std::vector<double>> seconds(ways.size());
  for (int i = 0; i < chosen.repeats; ++i) {
    for (std::size_t way = 0; way < ways.size(); ++way) seconds[way].push_back(ways[way]->step());
  }
  if (place.rank != 0) return;
  std::printf("%s, %d ranks, %d threads each, %ld patches of %ld px each; MB of rank 0, ms a step: median (quartiles) of %d\n", chosen.model.c_str(), place.world_size, chosen.threads,
              static_cast<long>(chosen.batch), static_cast<long>(chosen.patch), chosen.repeats);
  std::printf("%-24s %10s %10s %10s %14s %10s\n", "", "parameters", "average", "moments", "all between", "most");
  for (std::size_t way = 0; way < ways.size(); ++way) {
    const auto megabytes = [](std::int64_t bytes) { return 1e-6 * static_cast<double>(bytes); };
    const benchmarks::spread times(seconds[way]);
    std::printf("%-24s %10.1f %10.1f %10.1f %14.1f %10.1f   %.0f (%.0f to %.0f) ms\n", names[way], megabytes(ways[way]->parameter_bytes()), megabytes(ways[way]->average_bytes()),
                megabytes(ways[way]->moment_bytes()), megabytes(between[way]), megabytes(most[way]), 1e3 * times.median, 1e3 * times.low, 1e3 * times.high);
  }
}

}  // namespace

int main(int argc, char** argv) {
  axonzoo::use_caching_allocator();
  axonzoo::let_idle_threads_sleep();
  benchmarks::step_settings chosen;
  chosen.batch = 2;
  chosen.repeats = 15;
  chosen.threads = 1;
  int ranks = 2;
  CLI::App app{"Measures what ranks hold, and how long a step takes, by what they share out"};
  app.add_option("--ranks", ranks, "on this machine")->check(CLI::Range(2, 1024))->capture_default_str();
  app.add_option("--model", chosen.model, "unet or segnet")->check(CLI::IsMember({"unet", "segnet"}))->capture_default_str();
  app.add_option("--batch", chosen.batch, "patches of each rank")->check(CLI::Range(1, 4096))->capture_default_str();
  app.add_option("--patch", chosen.patch, "px of a side, a multiple of 32")->check(CLI::Range(32, 8192))->capture_default_str();
  app.add_option("--repeats", chosen.repeats, "steps of each")->check(CLI::Range(1, 100000))->capture_default_str();
  app.add_option("--threads", chosen.threads, "of each rank")->check(CLI::Range(1, 4096))->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    if (std::getenv("RANK") == nullptr) return axonzoo::launch_ranks(ranks, 0, argv);
    measure(chosen);
  } catch (const std::exception& failure) {
    std::cerr << "sharding: " << failure.what() << '\n';
    return 1;
  }
}
