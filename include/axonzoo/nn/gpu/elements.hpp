#pragma once

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include <axonzoo/nn/gpu/runtime_kernel.hpp>

namespace axonzoo::gpu {

/// What kernels over images with the channels last begin with: the numbers' type, and WIDTH of them that are read and written at once.
inline const std::string elements_source = R"(
#if ELEMENT == 0
typedef float element;
__device__ float wide(element x) { return x; }
__device__ element narrow(float x) { return x; }
#elif ELEMENT == 1
typedef unsigned short element;  // bfloat16
__device__ float wide(element x) { return __uint_as_float((unsigned)x << 16); }
__device__ element narrow(float x) {
  unsigned bits = __float_as_uint(x);
  return (bits & 0x7fffffffu) > 0x7f800000u ? 0x7fff : (element)((bits + 0x7fffu + ((bits >> 16) & 1)) >> 16);
}
#else
typedef unsigned short element;  // float16
__device__ float wide(element x) { float y; asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x)); return y; }
__device__ element narrow(float x) { element y; asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y) : "f"(x)); return y; }
#endif

struct alignas(sizeof(element) * WIDTH) several { element of[WIDTH]; };
)";

/// How a kernel takes the numbers of an image batch [N, C, H, W], channels last.
struct elements {
  int type;   ///< as ELEMENT above
  int width;  ///< channels at once: 16 bytes where they divide so

  explicit elements(const at::Tensor& x) : type(x.scalar_type() == at::kFloat ? 0 : x.scalar_type() == at::kBFloat16 ? 1 : 2), width(static_cast<int>(16 / x.element_size())) {
    while (x.size(1) % width != 0) width /= 2;
  }

  [[nodiscard]] std::vector<std::string> definitions() const { return {"-DELEMENT=" + std::to_string(type), "-DWIDTH=" + std::to_string(width)}; }

  static bool take(const at::Tensor& x) {
    return x.is_cuda() && x.dim() == 4 && x.numel() > 0 && x.is_contiguous(at::MemoryFormat::ChannelsLast) &&
           (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16 || x.scalar_type() == at::kHalf) && runtime_compiler::available();
  }
};

}  // namespace axonzoo::gpu
