#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include <axonzoo/nn/gpu/elements.hpp>
#include <axonzoo/nn/gpu/runtime_kernel.hpp>

namespace axonzoo::gpu {

/// Instance norm and leaky ReLU of images whose channels are last in memory: x [N, pixels, C]. A block has `rows` pixels at a time, and of each all channels, WIDTH
/// of them a thread. Sums are of chunks of pixels, then over the chunks in their order: the same in every run.
inline const std::string instance_norm_source = elements_source + R"(
// statistics [3, N, C]: mean, 1 / deviation, scale
struct affine {
  float mean[WIDTH], inverse[WIDTH], scale[WIDTH], shift[WIDTH];
  __device__ affine(const float* statistics, const float* bias, int images, int channels, int image, int c) {
    const long all = (long)images * channels, at = (long)image * channels + c;
    for (int i = 0; i < WIDTH; ++i) {
      mean[i] = statistics[at + i];
      inverse[i] = statistics[all + at + i];
      scale[i] = statistics[2 * all + at + i];
      shift[i] = bias[c + i];
    }
  }
  // the mean goes first: the shift less the scaled mean would cancel where levels hardly vary
  __device__ float operator()(float level, int i) const { return (level - mean[i]) * scale[i] + shift[i]; }
};

// sums over the block's rows of a and b; partial [N, chunks, 2, C]
__device__ void write_sums(const float* a, const float* b, float* partial, int channels) {
  extern __shared__ float shared[];
  float* const own = shared + (long)threadIdx.y * 2 * channels;
  const int c = threadIdx.x * WIDTH;
  for (int i = 0; i < WIDTH; ++i) {
    own[c + i] = a[i];
    own[channels + c + i] = b[i];
  }
  __syncthreads();
  for (int k = threadIdx.y * blockDim.x + threadIdx.x; k < 2 * channels; k += blockDim.x * blockDim.y) {
    float sum = 0;
    for (int row = 0; row < blockDim.y; ++row) sum += shared[(long)row * 2 * channels + k];
    partial[((long)blockIdx.y * gridDim.x + blockIdx.x) * 2 * channels + k] = sum;
  }
}

// of a channel, over an image's chunks in their order
struct chunk_totals {
  double first = 0, second = 0;
  __device__ chunk_totals(const float* partial, int image, int channels, int chunks, int c) {
    for (int k = 0; k < chunks; ++k) {
      const float* const from = partial + ((long)image * chunks + k) * 2 * channels + c;
      first += from[0];
      second += from[channels];
    }
  }
};

extern "C" __global__ void sums_of_levels(const element* x, float* partial, long pixels, int channels, long chunk) {
  const element* const image = x + (long)blockIdx.y * pixels * channels;
  const int c = threadIdx.x * WIDTH;
  const several first = *(const several*)(image + c);
  float base[WIDTH], sum[WIDTH] = {}, square[WIDTH] = {};
  for (int i = 0; i < WIDTH; ++i) base[i] = wide(first.of[i]);
  const long end = min(pixels, ((long)blockIdx.x + 1) * chunk);
  for (long p = (long)blockIdx.x * chunk + threadIdx.y; p < end; p += blockDim.y) {
    const several level = *(const several*)(image + p * channels + c);
    for (int i = 0; i < WIDTH; ++i) {
      const float about = wide(level.of[i]) - base[i];
      sum[i] += about;
      square[i] += about * about;
    }
  }
  write_sums(sum, square, partial, channels);
}

extern "C" __global__ void statistics_of_sums(const element* x, const float* partial, const float* weight, float* statistics, long pixels, int images, int channels,
                                              int chunks, float epsilon) {
  const int c = blockIdx.x * blockDim.x + threadIdx.x, image = blockIdx.y;
  if (c >= channels) return;
  const chunk_totals of(partial, image, channels, chunks, c);
  const double about = of.first / pixels, variance = max(0.0, of.second / pixels - about * about);
  const float mean = (float)(wide(x[(long)image * pixels * channels + c]) + about), inverse = (float)(1 / sqrt(variance + epsilon));
  const long all = (long)images * channels, at = (long)image * channels + c;
  statistics[at] = mean;
  statistics[all + at] = inverse;
  statistics[2 * all + at] = weight[c] * inverse;
}

extern "C" __global__ void activate(const element* x, element* y, const float* statistics, const float* bias, long pixels, int images, int channels, long chunk, float slope) {
  const int c = threadIdx.x * WIDTH;
  const affine of(statistics, bias, images, channels, blockIdx.y, c);
  const long begin = (long)blockIdx.y * pixels, end = min(pixels, ((long)blockIdx.x + 1) * chunk);
  for (long p = (long)blockIdx.x * chunk + threadIdx.y; p < end; p += blockDim.y) {
    several level = *(const several*)(x + (begin + p) * channels + c);
    for (int i = 0; i < WIDTH; ++i) {
      const float z = of(wide(level.of[i]), i);
      level.of[i] = narrow(z > 0 ? z : slope * z);
    }
    *(several*)(y + (begin + p) * channels + c) = level;
  }
}

extern "C" __global__ void sums_of_gradients(const element* x, const element* dy, const float* statistics, const float* bias, float* partial, long pixels, int images, int channels, long chunk, float slope) {
  const int c = threadIdx.x * WIDTH;
  const affine of(statistics, bias, images, channels, blockIdx.y, c);
  float plain[WIDTH] = {}, along[WIDTH] = {};
  const long begin = (long)blockIdx.y * pixels, end = min(pixels, ((long)blockIdx.x + 1) * chunk);
  for (long p = (long)blockIdx.x * chunk + threadIdx.y; p < end; p += blockDim.y) {
    const several level = *(const several*)(x + (begin + p) * channels + c), gradient = *(const several*)(dy + (begin + p) * channels + c);
    for (int i = 0; i < WIDTH; ++i) {
      const float value = wide(level.of[i]), dz = wide(gradient.of[i]) * (of(value, i) > 0 ? 1.f : slope);
      plain[i] += dz;
      along[i] += dz * (value - of.mean[i]) * of.inverse[i];
    }
  }
  write_sums(plain, along, partial, channels);
}

// totals [2, N, C]: of dz, and of dz times the normalised level
extern "C" __global__ void totals_of_sums(const float* partial, float* totals, int images, int channels, int chunks) {
  const int c = blockIdx.x * blockDim.x + threadIdx.x, image = blockIdx.y;
  if (c >= channels) return;
  const chunk_totals of(partial, image, channels, chunks, c);
  totals[(long)image * channels + c] = (float)of.first;
  totals[((long)images + image) * channels + c] = (float)of.second;
}

extern "C" __global__ void gradient(const element* x, const element* dy, element* dx, const float* statistics, const float* bias, const float* totals, long pixels, int images, int channels, long chunk,
                                    float slope) {
  const int c = threadIdx.x * WIDTH;
  const affine of(statistics, bias, images, channels, blockIdx.y, c);
  float plain[WIDTH], along[WIDTH];
  for (int i = 0; i < WIDTH; ++i) {
    plain[i] = totals[(long)blockIdx.y * channels + c + i] / pixels;
    along[i] = totals[((long)images + blockIdx.y) * channels + c + i] / pixels;
  }
  const long begin = (long)blockIdx.y * pixels, end = min(pixels, ((long)blockIdx.x + 1) * chunk);
  for (long p = (long)blockIdx.x * chunk + threadIdx.y; p < end; p += blockDim.y) {
    const several level = *(const several*)(x + (begin + p) * channels + c);
    several result = *(const several*)(dy + (begin + p) * channels + c);
    for (int i = 0; i < WIDTH; ++i) {
      const float value = wide(level.of[i]), dz = wide(result.of[i]) * (of(value, i) > 0 ? 1.f : slope);
      result.of[i] = narrow(of.scale[i] * (dz - plain[i] - (value - of.mean[i]) * of.inverse[i] * along[i]));
    }
    *(several*)(dx + (begin + p) * channels + c) = result;
  }
}
)";

/// Instance norm and leaky ReLU of one tensor's shape and type.
class instance_norm_launcher {
 public:
  explicit instance_norm_launcher(const at::Tensor& x)
      : images_(static_cast<int>(x.size(0))), channels_(static_cast<int>(x.size(1))), pixels_(x.size(2) * x.size(3)) {
    const elements of(x);
    definitions_ = of.definitions();
    block_.x = static_cast<unsigned>(channels_ / of.width);
    block_.y = std::max(1u, 256 / block_.x);
    constexpr std::int64_t wanted_blocks = 2048, least_turns = 4;
    const std::int64_t most = std::max<std::int64_t>(1, pixels_ / (least_turns * block_.y));
    chunks_ = static_cast<int>(std::clamp<std::int64_t>(wanted_blocks / images_, 1, most));
    chunk_ = (pixels_ + chunks_ - 1) / chunks_;
    chunks_ = static_cast<int>((pixels_ + chunk_ - 1) / chunk_);
  }

  static bool takes(const at::Tensor& x, const at::Tensor& weight) {
    return elements::take(x) && weight.scalar_type() == at::kFloat && x.size(0) < 65536 && x.size(1) / elements(x).width <= 512;
  }

  /// Statistics [3, N, C]: mean, 1 / deviation, and weight / deviation.
  [[nodiscard]] at::Tensor statistics(const at::Tensor& x, const at::Tensor& weight, double epsilon) const {
    const at::Tensor sums = partial(x), found = at::empty({3, images_, channels_}, sums.options()), gain = weight.contiguous();
    const void *from = x.const_data_ptr(), *parts = sums.mutable_data_ptr(), *w = gain.const_data_ptr(), *to = found.mutable_data_ptr();
    const auto tiny = static_cast<float>(epsilon);
    launch("sums_of_levels", per_chunk(), block_, shared_bytes(), {&from, &parts, &pixels_, &channels_, &chunk_});
    launch("statistics_of_sums", per_channel(), {128, 1, 1}, 0, {&from, &parts, &w, &to, &pixels_, &images_, &channels_, &chunks_, &tiny});
    return found;
  }

  /// y may be x itself.
  void activate(const at::Tensor& x, const at::Tensor& y, const at::Tensor& statistics, const at::Tensor& bias, double slope) const {
    const at::Tensor offset = bias.contiguous();
    const void *from = x.const_data_ptr(), *to = y.mutable_data_ptr(), *of = statistics.const_data_ptr(), *b = offset.const_data_ptr();
    const auto below = static_cast<float>(slope);
    launch("activate", per_chunk(), block_, 0, {&from, &to, &of, &b, &pixels_, &images_, &channels_, &chunk_, &below});
  }

  /// Gradients of x, and per image and channel those of the bias and of the weight, [2, N, C].
  [[nodiscard]] std::pair<at::Tensor, at::Tensor> gradients(const at::Tensor& x, const at::Tensor& of_y, const at::Tensor& statistics, const at::Tensor& bias, double slope) const {
    const at::Tensor offset = bias.contiguous(), sums = partial(x), totals = at::empty({2, images_, channels_}, sums.options()), of_x = at::empty_like(x);
    const void *from = x.const_data_ptr(), *dy = of_y.const_data_ptr(), *dx = of_x.mutable_data_ptr(), *parts = sums.mutable_data_ptr(), *to = totals.mutable_data_ptr(),
               *of = statistics.const_data_ptr(), *b = offset.const_data_ptr();
    const auto below = static_cast<float>(slope);
    launch("sums_of_gradients", per_chunk(), block_, shared_bytes(), {&from, &dy, &of, &b, &parts, &pixels_, &images_, &channels_, &chunk_, &below});
    launch("totals_of_sums", per_channel(), {128, 1, 1}, 0, {&parts, &to, &images_, &channels_, &chunks_});
    launch("gradient", per_chunk(), block_, 0, {&from, &dy, &dx, &of, &b, &to, &pixels_, &images_, &channels_, &chunk_, &below});
    return {of_x, totals};
  }

 private:
  void launch(const char* kernel, runtime_compiler::shape grid, runtime_compiler::shape block, std::size_t bytes, std::initializer_list<const void*> arguments) const {
    runtime_compiler::launch(instance_norm_source.c_str(), definitions_, kernel, grid, block, bytes, arguments);
  }
  [[nodiscard]] at::Tensor partial(const at::Tensor& x) const { return at::empty({images_, chunks_, 2, channels_}, x.options().dtype(at::kFloat).memory_format(at::MemoryFormat::Contiguous)); }
  [[nodiscard]] runtime_compiler::shape per_chunk() const { return {static_cast<unsigned>(chunks_), static_cast<unsigned>(images_), 1}; }
  [[nodiscard]] runtime_compiler::shape per_channel() const { return {static_cast<unsigned>((channels_ + 127) / 128), static_cast<unsigned>(images_), 1}; }
  [[nodiscard]] std::size_t shared_bytes() const { return sizeof(float) * 2 * static_cast<std::size_t>(channels_) * block_.y; }

  int images_, channels_, chunks_ = 1;
  std::int64_t pixels_, chunk_ = 1;
  runtime_compiler::shape block_;
  std::vector<std::string> definitions_;
};

struct instance_norm_function : torch::autograd::Function<instance_norm_function> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double epsilon, double slope) {
    const instance_norm_launcher launcher(x);
    const at::Tensor statistics = launcher.statistics(x, weight, epsilon), y = at::empty_like(x);
    launcher.activate(x, y, statistics, bias, slope);
    context->save_for_backward({x, statistics, bias});
    context->saved_data["slope"] = slope;
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor of_y = gradients.front().to(saved[0].scalar_type()).contiguous(at::MemoryFormat::ChannelsLast);
    const auto [of_x, totals] = instance_norm_launcher(saved[0]).gradients(saved[0], of_y, saved[1], saved[2], context->saved_data["slope"].toDouble());
    const at::Tensor over_images = totals.sum(1);
    return {of_x, over_images[1], over_images[0], {}, {}};
  }
};

}  // namespace axonzoo::gpu
