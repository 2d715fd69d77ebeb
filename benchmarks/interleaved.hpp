#pragma once

// One step of ours, one of the peer's, and so on, so that whatever else the machine does meets both alike.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/randn.h>
#include <nlohmann/json.hpp>

#include <axonzoo/core/device.hpp>
#include <axonzoo/core/error.hpp>

#include "measured_peak.hpp"
#include "peer_process.hpp"
#include "step_settings.hpp"

namespace benchmarks {

/// Operations a second that the device has for the precision; on a GPU those of a large matrix product, the best of ten.
inline double peak_rate(const step_settings& settings, c10::Device device) {
  if (device.is_cpu()) {
    const auto found = measure_peak(settings.threads, 0.03);
    return settings.precision == "bf16" ? found.bf16 : settings.precision == "int8" ? found.int8 : found.fp32;
  }
  const at::NoGradGuard no_gradients;
  const auto scope = settings.enter_precision();
  constexpr std::int64_t side = 8192;
  const auto options = at::device(device).dtype(settings.compute_type());
  const auto a = at::randn({side, side}, options), b = at::randn({side, side}, options);
  double least = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 10; ++i) {
    const auto begin = time_on(device);
    const auto product = at::matmul(a, b);
    least = std::min(least, seconds_since(begin, device));
  }
  return 2.0 * side * side * side / least;
}

/// Runs `settings.repeats` pairs after two that do not count, prints both times, their ratio pair by pair, and shares of the
/// peak, and returns the same. `step` does one step of ours and gives its value; `macs` are those of a step. Throws
/// `axonzoo::error` where the first values of the two differ by more than the precision explains.
inline nlohmann::json compare(const step_settings& settings, const workload& work, const std::string& task, double macs,
                              const std::function<peer_process::result()>& step) {
  std::unique_ptr<peer_process> peer;
  if (!settings.python.empty()) peer = std::make_unique<peer_process>(settings, work, task);
  const auto device = work.images.device();
  const double before = peak_rate(settings, device);
  std::vector<double> ours, theirs, ratios;
  for (int i = -2; i < settings.repeats; ++i) {
    // threads of either side spin for some milliseconds after their work
    const auto rest = [] { std::this_thread::sleep_for(std::chrono::milliseconds(40)); };
    const auto own = step();
    rest();
    const auto other = peer ? peer->step() : peer_process::result{};
    if (peer) rest();
    if (i == -2 && peer) {
      std::printf("first values: axonzoo %.6f, PyTorch %.6f\n", own.value, other.value);
      if (!(std::abs(own.value - other.value) <= settings.tolerance() * std::abs(other.value))) {
        throw axonzoo::error("comparing with PyTorch", "the same weights and batch give another value",
                             "mend the network that is wrong");
      }
    }
    if (i < 0) continue;
    ours.push_back(own.seconds);
    theirs.push_back(other.seconds);
    ratios.push_back(other.seconds / own.seconds);
  }
  const double peak = std::max(before, peak_rate(settings, device));

  nlohmann::json found = {{"task", task},
                          {"model", settings.model},
                          {"device", settings.device},
                          {"precision", settings.precision},
                          {"batch", settings.batch},
                          {"patch", settings.patch},
                          {"threads", settings.threads},
                          {"pairs", settings.repeats},
                          {"gflop", 2 * macs / 1e9},
                          {"peak_gflops", peak / 1e9}};
  if (device.is_cuda()) found["gpu"] = axonzoo::this_gpu().name;
  std::printf("%s, %s, %s on %s: batch %ld of %ld px, %d threads, %.1f GFLOP, peak %.0f GFLOP/s, %d pairs\n", task.c_str(),
              settings.model.c_str(), settings.precision.c_str(), settings.device.c_str(), static_cast<long>(settings.batch), static_cast<long>(settings.patch),
              settings.threads, 2 * macs / 1e9, peak / 1e9, settings.repeats);
  std::printf("%-24s %9s  %-21s %9s  %s\n", "", "ms", "(quartiles)", "images/s", "share of peak");
  const auto row = [&](const std::string& name, const char* key, const std::vector<double>& seconds) {
    const spread s(seconds);
    const double images = static_cast<double>(settings.batch) / s.median, rate = 2 * macs / s.median;
    char quartiles[48];
    std::snprintf(quartiles, sizeof quartiles, "(%.2f to %.2f)", s.low * 1e3, s.high * 1e3);
    std::printf("%-24s %9.2f  %-21s %9.2f  %s\n", name.c_str(), s.median * 1e3, quartiles, images, percent(rate, peak).c_str());
    found[key] = {{"ms", s.median * 1e3},
                  {"ms_low", s.low * 1e3},
                  {"ms_high", s.high * 1e3},
                  {"images_per_second", images},
                  {"share_of_peak", peak > 0 ? rate / peak : 0}};
  };
  row("axonzoo", "axonzoo", ours);
  if (peer) {
    row("PyTorch " + peer->facts().at("torch").get<std::string>(), "pytorch", theirs);
    const spread r(ratios);
    std::printf("%-24s %8.2fx  (%.2f to %.2f)\n", "ratio", r.median, r.low, r.high);
    found["ratio"] = {{"median", r.median}, {"low", r.low}, {"high", r.high}};
    found["peer"] = peer->facts();
    found["peer"]["keeps_memory"] = settings.peer_keeps_memory;
  }
  return found;
}

}  // namespace benchmarks
