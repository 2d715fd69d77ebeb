// How much of ddp's communication hides behind the backward pass.
//
//   overlap [--ranks 2] [--model unet|segnet] [--batch 2] [--patch 256] [--repeats 15] [--threads 1]
//
// Each repetition times three things on all ranks, which begin together: the backward pass alone, the exchange of all gradients alone in buckets as large as the
// reducer's, and the backward pass that exchanges. See benchmarks/README.md.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <CLI/CLI.hpp>

#include <axonzoo/core/allocator.hpp>
#include <axonzoo/core/threads.hpp>
#include <axonzoo/models/registry.hpp>
#include <axonzoo/nn/soft_loss.hpp>
#include <axonzoo/parallel/ddp.hpp>
#include <axonzoo/parallel/launch.hpp>

#include "step_settings.hpp"

namespace {

struct settings {
  int ranks = 2, threads = 1, repeats = 15;
  std::string model = "unet";
  std::int64_t batch = 2, patch = 256;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

template <class Work>
double seconds_of(axonzoo::communicator& ranks, const Work& work) {
  auto together = at::zeros({1});
  ranks.sum(together);
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void measure(const settings& chosen) {
  at::set_num_threads(chosen.threads);
  const auto place = axonzoo::place_from_environment();
  const auto ranks = axonzoo::ddp{}.connect(place, c10::kCPU);
  at::manual_seed(1);
  // The reducer hears of every backward pass of the network it is attached to, so the pass without it has another.
  const auto plain = axonzoo::maker_of(chosen.model)(1, 3), net = axonzoo::maker_of(chosen.model)(1, 3);
  plain->train();
  net->train();
  ranks->attach(*net);
  const auto images = at::randn({chosen.batch, 1, chosen.patch, chosen.patch}).contiguous(at::MemoryFormat::ChannelsLast);
  const auto labels = at::randint(3, {chosen.batch, chosen.patch, chosen.patch}, at::kByte);
  const auto forward = [&](axonzoo::network& through) { return axonzoo::supervised_loss(through.forward(images), labels); };
  std::int64_t parameters = 0;
  for (const auto& parameter : net->parameters()) parameters += parameter.numel();
  auto gradients = at::zeros({parameters});

  std::vector<double> alone, both, exchange, exposed;
  for (int i = 0; i < chosen.repeats + 2; ++i) {
    const auto first = forward(*plain);
    const double without = seconds_of(*ranks, [&] { first.backward(); });
    const double sending = seconds_of(*ranks, [&] {
      constexpr std::int64_t first_bucket = 1 << 18, bucket = 1 << 20;  // floats: 1 MB, then 4 MB
      for (std::int64_t begin = 0, size = first_bucket; begin < parameters; begin += size, size = bucket) {
        auto part = gradients.narrow(0, begin, std::min(size, parameters - begin));
        ranks->sum(part);
      }
    });
    const auto second = forward(*net);
    ranks->before_backward(second);
    const double with = seconds_of(*ranks, [&] { second.backward(); });
    if (i < 2) continue;
    alone.push_back(without);
    exchange.push_back(sending);
    both.push_back(with);
    exposed.push_back(ranks->exposed_seconds());
  }
  if (place.rank != 0) return;
  const double b = median(alone), x = median(exchange), t = median(both), e = median(exposed);
  std::printf("%s, %d ranks, %d threads each, %ld patches of %ld px each, %.1f MB of gradients, median of %d\n", chosen.model.c_str(), place.world_size, chosen.threads,
              static_cast<long>(chosen.batch), static_cast<long>(chosen.patch), 4e-6 * static_cast<double>(parameters), chosen.repeats);
  std::printf("backward alone           %8.1f ms\nexchange alone           %8.1f ms\nbackward with exchange   %8.1f ms\nafter the last gradient  %8.1f ms\n", 1e3 * b, 1e3 * x,
              1e3 * t, 1e3 * e);
  std::printf("hidden, by what the step takes longer: %.0f %%; by the wait after the last gradient: %.0f %%\n", 100 * (1 - (t - b) / x), 100 * (1 - e / x));
}

}  // namespace

int main(int argc, char** argv) {
  axonzoo::use_caching_allocator();
  axonzoo::let_idle_threads_sleep();
  settings chosen;
  CLI::App app{"Times how much of ddp's communication hides behind the backward pass"};
  app.add_option("--ranks", chosen.ranks, "on this machine")->check(CLI::Range(2, 1024))->capture_default_str();
  app.add_option("--model", chosen.model, "unet or segnet")->check(CLI::IsMember({"unet", "segnet"}))->capture_default_str();
  app.add_option("--batch", chosen.batch, "patches of each rank")->check(CLI::Range(1, 4096))->capture_default_str();
  app.add_option("--patch", chosen.patch, "px of a side, a multiple of 32")->check(CLI::Range(32, 8192))->capture_default_str();
  app.add_option("--repeats", chosen.repeats, "of each measurement")->check(CLI::Range(1, 100000))->capture_default_str();
  app.add_option("--threads", chosen.threads, "of each rank")->check(CLI::Range(1, 4096))->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    if (std::getenv("RANK") == nullptr) return axonzoo::launch_ranks(chosen.ranks, 0, argv);
    measure(chosen);
  } catch (const std::exception& failure) {
    std::cerr << "overlap: " << failure.what() << '\n';
    return 1;
  }
}
