// SAM's image encoder and mask decoder, a step for each line it reads. Started by sam_peer.py, which times segment-anything
// beside it:
//
//   sam_peer.py bin/sam [--precision fp32|bf16] [--threads 1] [--repeats 3] [--boxes 64]
//
// A line is "encode" or "decode COUNT"; the answer is seconds, the mean size of the result, and the peak of memory so far in MB.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>

#include <ATen/Parallel.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <CLI/CLI.hpp>
#include <c10/core/InferenceMode.h>
#include <sys/resource.h>

#include <axonzoo/core/allocator.hpp>
#include <axonzoo/core/threads.hpp>
#include <axonzoo/models/sam/sam.hpp>

int main(int argc, char** argv) {
  axonzoo::use_caching_allocator();
  axonzoo::let_idle_threads_sleep();
  std::string weights, precision = "fp32";
  int threads = 1;
  CLI::App options("Steps of a SAM for sam_peer.py");
  options.add_option("--weights", weights)->required();
  options.add_option("--precision", precision)->check(CLI::IsMember({"fp32", "bf16"}));
  options.add_option("--threads", threads);
  CLI11_PARSE(options, argc, argv);
  try {
    at::set_num_threads(threads);
    const c10::InferenceMode no_gradients;
    const auto sam = axonzoo::read_sam(weights);
    sam->eval();
    const auto type = precision == "bf16" ? at::kBFloat16 : at::kFloat;
    const std::int64_t side = sam->kind().image, places = side / sam->stride();
    const at::Tensor image = at::randn({1, 3, side, side}).to(type), embedding = at::randn({1, 256, places, places}).to(type);
    std::printf("ready %s\n", sam->kind().name.c_str());
    std::fflush(stdout);
    for (std::string word; std::cin >> word;) {
      axonzoo::sam_prompts prompts;
      if (word == "decode") {
        std::int64_t count = 0;
        std::cin >> count;
        const at::Tensor corner = at::rand({count, 2}) * static_cast<double>(side) * 0.8;
        prompts.boxes = at::cat({corner, corner + 40}, 1);
      }
      const auto begin = std::chrono::steady_clock::now();
      const at::Tensor made = word == "encode" ? sam->encode(image) : sam->decode(embedding, prompts, false).logits;
      const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      rusage usage{};
      ::getrusage(RUSAGE_SELF, &usage);
      std::printf("%.6f %.6f %ld\n", seconds, made.to(at::kFloat).abs().mean().item<double>(), usage.ru_maxrss / 1024);
      std::fflush(stdout);
    }
    return 0;
  } catch (const std::exception& failure) {
    std::cerr << "sam: " << failure.what() << '\n';
    return 1;
  }
}
