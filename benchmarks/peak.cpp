// This machine's measured peak: fp32 and bf16 arithmetic and memory bandwidth, over all threads.
//
//   peak [--threads N] [--seconds 0.1]     a table, and the same as one line of JSON

#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <thread>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "measured_peak.hpp"

int main(int argc, char** argv) {
  int threads = static_cast<int>(std::thread::hardware_concurrency());
  double seconds = 0.1;
  CLI::App options("Measures what this machine can do at best");
  options.add_option("--threads", threads, "threads at once")->check(CLI::Range(1, 4096))->capture_default_str();
  options.add_option("--seconds", seconds, "of each of forty measurements")
      ->check(CLI::Range(0.01, 60.0))
      ->capture_default_str();
  CLI11_PARSE(options, argc, argv);
  try {
    const auto found = benchmarks::measure_peak(threads, seconds);
    const auto row = [](const char* what, double value, const char* unit) {
      std::printf("%-34s %10s\n", what, value > 0 ? (std::to_string(value / 1e9).substr(0, 7) + unit).c_str() : "none");
    };
    std::printf("%d threads\n", threads);
    row("fp32 multiply-add", found.fp32, " GFLOP/s");
    row("bf16 dot product", found.bf16, " GFLOP/s");
    row("8-bit product", found.int8, " GOP/s");
    row("triad, three streams", found.bandwidth, " GB/s");
    std::cout << nlohmann::json{{"threads", threads},
                                {"fp32_gflops", found.fp32 / 1e9},
                                {"bf16_gflops", found.bf16 / 1e9},
                                {"int8_gops", found.int8 / 1e9},
                                {"triad_gb_per_s", found.bandwidth / 1e9}}
                     .dump()
              << '\n';
  } catch (const std::exception& failure) {
    std::cerr << "peak: " << failure.what() << '\n';
    return 1;
  }
}
