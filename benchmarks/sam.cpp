// SAM's image encoder and mask decoder, a step for each line it reads. Started by sam_peer.py, which times segment-anything
// beside it:
//
//   sam_peer.py bin/sam [--model vit_b|vit_l|vit_h] [--device cpu|cuda] [--precision fp32|tf32|bf16|fp16|int8] [--threads 1] [--repeats 3]
//   [--batch 1] [--boxes 64]
//
// A line is "encode" or "decode COUNT"; the answer is seconds, the mean size of the result, and the peak of memory in MB: the process's
// so far, or that of the step's tensors on the GPU.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <CLI/CLI.hpp>
#include <c10/core/InferenceMode.h>
#include <sys/resource.h>
#include <xtensor/xadapt.hpp>

#include <axonzoo/core/allocator.hpp>
#include <axonzoo/core/device.hpp>
#include <axonzoo/core/threads.hpp>
#include <axonzoo/io/npy.hpp>
#include <axonzoo/models/sam/sam.hpp>
#include <axonzoo/precision/quantise.hpp>
#include <axonzoo/precision/registry.hpp>

#include "device_clock.hpp"

namespace {

at::Tensor read_images(const std::string& path) {
  auto values = axonzoo::read_npy<float>(path);
  const std::vector<std::int64_t> sizes(values.shape().begin(), values.shape().end());
  return at::from_blob(values.data(), sizes, at::kFloat).clone();
}

void write_embedding(const std::string& path, const at::Tensor& embedding) {
  const auto plain = embedding.to(at::kCPU, at::kFloat).contiguous(at::MemoryFormat::Contiguous);
  const std::vector<std::size_t> shape(plain.sizes().begin(), plain.sizes().end());
  axonzoo::write_npy(path, xt::adapt(plain.mutable_data_ptr<float>(), static_cast<std::size_t>(plain.numel()), xt::no_ownership(), shape));
}

std::int64_t peak_of_memory(c10::Device device) {
  if (device.is_cuda()) return axonzoo::peak_gpu_bytes(device) >> 20;
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss >> 10;
}

}  // namespace

int main(int argc, char** argv) {
  axonzoo::use_caching_allocator();
  axonzoo::let_idle_threads_sleep();
  std::string weights, image_file, embedding_file, device_name = "cpu", precision = "fp32";
  int threads = 1;
  CLI::App options("Steps of a SAM for sam_peer.py");
  options.add_option("--weights", weights)->required();
  options.add_option("--images", image_file, ".npy [N, 3, side, side] of what the encoder takes")->required();
  options.add_option("--embedding", embedding_file, "write that of the images to this .npy");
  options.add_option("--device", device_name)->check(CLI::IsMember({"cpu", "cuda"}));
  options.add_option("--precision", precision)->check(CLI::IsMember({"fp32", "tf32", "bf16", "fp16", "int8"}));
  options.add_option("--threads", threads);
  CLI11_PARSE(options, argc, argv);
  try {
    const auto device = axonzoo::use_device(device_name);
    at::set_num_threads(threads);
    const auto sam = axonzoo::read_sam(weights);
    sam->to(device);
    sam->eval();
    const c10::InferenceMode no_gradients;
    const auto setting = axonzoo::setting_of(precision);
    const auto scope = setting.enter(device.type());
    const std::int64_t side = sam->kind().image, places = side / sam->stride();
    const at::Tensor images = read_images(image_file).to(device, setting.compute_type);
    if (setting.quantises) {
      axonzoo::calibration from;
      from.each_batch = [&images](std::int64_t, const auto& visit) { visit({images, at::Tensor(), 0}); };
      axonzoo::quantise(*sam, from, 1);
    }
    const at::Tensor embedding = at::randn({1, 256, places, places}).to(device, setting.compute_type);
    if (!embedding_file.empty()) write_embedding(embedding_file, sam->encode(images));
    std::printf("ready %s\n", sam->kind().name.c_str());
    std::fflush(stdout);
    for (std::string word; std::cin >> word;) {
      axonzoo::sam_prompts prompts;
      if (word == "decode") {
        std::int64_t count = 0;
        std::cin >> count;
        const at::Tensor corner = at::rand({count, 2}) * static_cast<double>(side) * 0.8;
        prompts.boxes = at::cat({corner, corner + 40}, 1).to(device);
      }
      if (device.is_cuda()) at::accelerator::resetPeakStats(device.index());
      const auto begin = benchmarks::time_on(device);
      const at::Tensor made = word == "encode" ? sam->encode(images) : sam->decode(embedding, prompts, false).logits;
      const double seconds = benchmarks::seconds_since(begin, device);
      const auto peak = static_cast<long>(peak_of_memory(device));
      std::printf("%.6f %.6f %ld\n", seconds, made.to(at::kFloat).abs().mean().item<double>(), peak);
      std::fflush(stdout);
    }
    return 0;
  } catch (const std::exception& failure) {
    std::cerr << "sam: " << failure.what() << '\n';
    return 1;
  }
}
