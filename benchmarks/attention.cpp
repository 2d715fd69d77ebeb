// The fused attention against LibTorch's scaled_dot_product_attention with the biases as a mask, and against the way of
// segment-anything (scores in full, both tables added), interleaved, at the shapes of SAM's encoders and decoder.
//
//   attention [--precision fp32|bf16] [--threads 1] [--repeats 9] [--backward] [--only vit_b] [--json FILE]
//
// One thread is timed by its processor time, which other programs on the machine do not add to; more are timed by the clock.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <exception>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/softmax.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <axonzoo/core/allocator.hpp>
#include <axonzoo/core/threads.hpp>
#include <axonzoo/io/replace_file.hpp>
#include <axonzoo/nn/attention.hpp>

#include "measured_peak.hpp"

namespace {

struct problem {
  const char* name;
  std::int64_t images, heads, height, width, dims;
  std::int64_t keys = 0;    ///< other than the pixels: without relative positions
  std::int64_t layers = 0;  ///< of ViT-B's pass that are such
};

constexpr problem problems[] = {{"vit_b windows", 25, 12, 14, 14, 64, 0, 8},
                                {"vit_b global", 1, 12, 64, 64, 64, 0, 4},
                                {"vit_h windows", 25, 16, 14, 14, 80},
                                {"vit_h global", 1, 16, 64, 64, 80},
                                {"tiny_vit windows 7", 100, 4, 7, 7, 32},
                                {"tiny_vit windows 14", 25, 5, 14, 14, 32},
                                {"decoder, tokens to image", 64, 8, 1, 7, 16, 4096},
                                {"decoder, image to tokens", 64, 8, 64, 64, 16, 7}};

class inputs {
 public:
  inputs(const problem& p, c10::ScalarType type, bool training) : p_(p), scale_(1 / std::sqrt(static_cast<double>(p.dims))) {
    const std::int64_t pixels = p.height * p.width;
    const auto make = [&](at::IntArrayRef sizes) { return at::randn(sizes).to(type).requires_grad_(training); };
    if (p.keys > 0) {
      leaves_ = {make({p.images, p.heads, pixels, p.dims}), make({p.images, p.heads, p.keys, p.dims}),
                 make({p.images, p.heads, p.keys, p.dims})};
      heads_ = leaves_;
    } else {
      leaves_ = {make({p.images, pixels, 3, p.heads, p.dims}), make({p.images, p.heads, pixels, p.height}),
                 make({p.images, p.heads, pixels, p.width})};
      heads_ = leaves_[0].permute({2, 0, 3, 1, 4}).unbind(0);
      rel_h_ = leaves_[1];
      rel_w_ = leaves_[2];
    }
    gradient_ = at::randn({p.images, pixels, p.heads * p.dims}).to(type);
  }

  [[nodiscard]] double flops() const {
    return 4.0 * static_cast<double>(p_.images * p_.heads * p_.height * p_.width * heads_[1].size(2) * p_.dims);
  }

  [[nodiscard]] at::Tensor ours() const {
    if (!rel_h_.defined()) return axonzoo::attention(heads_[0], heads_[1], heads_[2], scale_);
    return axonzoo::attention_with_relative_positions(heads_[0], heads_[1], heads_[2], rel_h_, rel_w_, p_.height, p_.width,
                                                      scale_);
  }
  [[nodiscard]] at::Tensor masked() const {
    std::optional<at::Tensor> mask;
    if (rel_h_.defined()) mask = rel_h_.unsqueeze(-1).add(rel_w_.unsqueeze(-2)).flatten(3);
    return together(at::scaled_dot_product_attention(heads_[0], heads_[1], heads_[2], mask, 0.0, false, scale_));
  }
  [[nodiscard]] at::Tensor in_full() const {
    at::Tensor scores = at::matmul(heads_[0].mul(scale_), heads_[1].transpose(2, 3));
    if (rel_h_.defined()) {
      scores = scores.unflatten(3, {p_.height, p_.width}).add(rel_h_.unsqueeze(-1)).add(rel_w_.unsqueeze(-2)).flatten(3);
    }
    return together(at::matmul(at::softmax(scores, -1), heads_[2]));
  }
  void backward(const at::Tensor& y) const {
    y.backward(gradient_, true);
    for (const auto& leaf : leaves_) leaf.mutable_grad().reset();
  }

 private:
  static at::Tensor together(const at::Tensor& x) { return x.transpose(1, 2).flatten(2).contiguous(); }

  problem p_;
  double scale_;
  std::vector<at::Tensor> leaves_, heads_;
  at::Tensor rel_h_, rel_w_, gradient_;
};

double now(int threads) {
  if (threads > 1) return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  axonzoo::use_caching_allocator();
  axonzoo::let_idle_threads_sleep();
  std::string precision = "fp32", only, json;
  int threads = 1, repeats = 9;
  bool training = false, alone = false;
  CLI::App options("Times the fused attention against LibTorch's and segment-anything's way");
  options.add_option("--precision", precision, "fp32 or bf16")->check(CLI::IsMember({"fp32", "bf16"}))->capture_default_str();
  options.add_option("--threads", threads, "of each way")->check(CLI::Range(1, 4096))->capture_default_str();
  options.add_option("--repeats", repeats, "turns of the three ways")->check(CLI::Range(1, 100000))->capture_default_str();
  options.add_option("--only", only, "shapes whose names begin so");
  options.add_flag("--backward", training, "forward and backward, 3.5 times the operations, instead of forward");
  options.add_flag("--alone", alone, "leave the other ways out");
  options.add_option("--json", json, "also write what was measured to this file");
  CLI11_PARSE(options, argc, argv);
  try {
    at::set_num_threads(threads);
    at::manual_seed(1);
    const auto before = benchmarks::measure_peak(threads, 0.03);
    const auto type = precision == "bf16" ? at::kBFloat16 : at::kFloat;
    nlohmann::json found = nlohmann::json::array();
    double peak = precision == "bf16" ? before.bf16 : before.fp32, pass[3] = {}, pass_flops = 0;
    std::printf("%s, %d threads, %d turns, %s; peak %.0f GFLOP/s\n%-26s %9s %9s %9s   %-8s %s\n", precision.c_str(), threads,
                repeats, training ? "forward and backward" : "forward", peak / 1e9, "ms", "ours", "masked", "in full", "of peak",
                "ratios");
    for (const auto& p : problems) {
      if (std::string(p.name).rfind(only, 0) != 0) continue;
      const inputs x(p, type, training);
      const at::AutoGradMode mode(training);
      const auto run = [&](const auto& way) {
        const double begin = now(threads);
        const at::Tensor y = way();
        if (training) x.backward(y);
        return now(threads) - begin;
      };
      std::vector<double> seconds[3], ratios[2];
      for (int turn = -1; turn < repeats; ++turn) {
        const double each[3] = {run([&] { return x.ours(); }), alone ? 0 : run([&] { return x.masked(); }),
                                alone ? 0 : run([&] { return x.in_full(); })};
        if (turn < 0) continue;
        for (int i = 0; i < 3; ++i) seconds[i].push_back(each[i]);
        for (int i = 0; i < 2; ++i) ratios[i].push_back(each[i + 1] / each[0]);
      }
      const double flops = x.flops() * (training ? 3.5 : 1),
                   ms[3] = {1e3 * median(seconds[0]), 1e3 * median(seconds[1]), 1e3 * median(seconds[2])};
      std::printf("%-26s %9.2f %9.2f %9.2f   %5.1f %%  %.2fx %.2fx\n", p.name, ms[0], ms[1], ms[2],
                  100 * flops / (1e-3 * ms[0]) / peak, median(ratios[0]), median(ratios[1]));
      found.push_back({{"shape", p.name},
                       {"precision", precision},
                       {"threads", threads},
                       {"backward", training},
                       {"gflop", flops / 1e9},
                       {"ms", ms[0]},
                       {"masked_ms", ms[1]},
                       {"in_full_ms", ms[2]},
                       {"share_of_peak", flops / (1e-3 * ms[0]) / peak},
                       {"ratio_masked", median(ratios[0])},
                       {"ratio_in_full", median(ratios[1])}});
      for (int i = 0; i < 3; ++i) pass[i] += static_cast<double>(p.layers) * ms[i];
      pass_flops += static_cast<double>(p.layers) * flops;
    }
    if (pass_flops > 0) {
      std::printf("%-26s %9.0f %9.0f %9.0f   %5.1f %%  of %.0f GFLOP\n", "vit_b, all twelve layers", pass[0], pass[1], pass[2],
                  100 * pass_flops / (1e-3 * pass[0]) / peak, pass_flops / 1e9);
    }
    const auto after = benchmarks::measure_peak(threads, 0.03);
    std::printf("peak after: %.0f GFLOP/s\n", (precision == "bf16" ? after.bf16 : after.fp32) / 1e9);
    if (!json.empty()) axonzoo::replace_file(json, found.dump(1) + '\n');
  } catch (const std::exception& failure) {
    std::cerr << "attention: " << failure.what() << '\n';
    return 1;
  }
}
