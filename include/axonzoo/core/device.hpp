#pragma once

#include <dlfcn.h>

#include <string>

#include <ATen/Context.h>

#include <axonzoo/core/error.hpp>

namespace axonzoo {

/// Makes a device usable before its first tensor. The default build does not link LibTorch's CUDA library, since loading it costs each start a
/// second; it is loaded here when it is asked for. Throws `error` where there is no GPU.
inline void use_device(const std::string& device) {
  if (device != "cuda") return;
  if (!at::hasCUDA() && ::dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    throw error("cannot use --device cuda", std::string("LibTorch's CUDA library does not load: ") + ::dlerror(), "install the wheel with its CUDA packages, or use --device cpu");
  }
  if (!at::hasCUDA()) throw error("cannot use --device cuda", "no GPU was found", "check the driver with nvidia-smi, or use --device cpu");
}

}  // namespace axonzoo
