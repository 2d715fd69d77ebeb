#pragma once

#include <dlfcn.h>

#include <array>
#include <cstdlib>
#include <string>

#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>
#include <c10/core/Device.h>

#include <axonzoo/core/error.hpp>

namespace axonzoo {

/// Makes "cpu" or "cuda" usable by this process, the `local_rank`-th of its machine, and returns it: each process takes one GPU, and where there are more
/// processes than GPUs they share. The default build does not link LibTorch's CUDA library, since loading it costs each start a second; it is loaded here, before
/// anything else of LibTorch asks for a GPU. From here on fp32 is fp32, where LibTorch would compute convolutions in tf32, and what runs on a GPU sums in one order, so that
/// the same seed gives the same losses: cuDNN takes algorithms by their shapes, not those that are fastest this time, and functions of LibTorch that have no such way throw.
/// Throws `error` where there is no GPU.
inline c10::Device use_device(const std::string& device, int local_rank = 0) {
  if (device != "cuda") return c10::Device(device);
  if (::dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    throw error("cannot use --device cuda", std::string("LibTorch's CUDA library does not load: ") + ::dlerror(), "install the wheel with its CUDA packages, or use --device cpu");
  }
  if (!at::hasCUDA()) throw error("cannot use --device cuda", "no GPU was found", "check the driver with nvidia-smi, or use --device cpu");
  const auto index = static_cast<c10::DeviceIndex>(local_rank % at::accelerator::deviceCount());
  at::accelerator::setDeviceIndex(index);
  auto& context = at::globalContext();
  context.setAllowTF32CuBLAS(false);
  context.setAllowTF32CuDNN(false);
  context.setBenchmarkCuDNN(false);
  context.setDeterministicCuDNN(true);
  ::setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);  // which cuBLAS asks for to sum in one order
  context.setDeterministicAlgorithms(true, /*warn_only=*/false);
  context.setDeterministicFillUninitializedMemory(false);
  return {c10::kCUDA, index};
}

/// Waits until a GPU has done what it was asked for, as a clock must before it is read; of no effect on a CPU.
inline void wait_for(c10::Device device) {
  if (device.is_cuda()) at::accelerator::synchronizeDevice(device.has_index() ? device.index() : at::accelerator::getDeviceIndex());
}

/// The most bytes that tensors have held on this process's GPU; 0 on a CPU.
inline std::int64_t peak_gpu_bytes(c10::Device device) {
  if (!device.is_cuda()) return 0;
  return at::accelerator::getDeviceStats(at::accelerator::getDeviceIndex()).allocated_bytes[0].peak;
}

/// What the driver says of this process's GPU.
struct gpu_facts {
  std::string name;      ///< "NVIDIA H100 80GB HBM3"; empty where the driver does not say
  std::string identity;  ///< 16 bytes that no other GPU has
};

inline gpu_facts this_gpu() {
  gpu_facts found;
  void* const driver = ::dlopen("libcuda.so.1", RTLD_NOW);
  if (driver == nullptr) return found;
  const auto function = [driver]<class Function>(const char* name, Function*& to) { to = reinterpret_cast<Function*>(::dlsym(driver, name)); };
  int (*get)(int*, int) = nullptr;
  int (*name_of)(char*, int, int) = nullptr;
  int (*identity_of)(char*, int) = nullptr;
  function("cuDeviceGet", get);
  function("cuDeviceGetName", name_of);
  function("cuDeviceGetUuid", identity_of);
  int gpu = 0;
  std::array<char, 256> text{};
  if (get == nullptr || name_of == nullptr || identity_of == nullptr || get(&gpu, at::accelerator::getDeviceIndex()) != 0) return found;
  if (name_of(text.data(), static_cast<int>(text.size()), gpu) == 0) found.name = text.data();
  if (identity_of(text.data(), gpu) == 0) found.identity.assign(text.data(), 16);
  return found;
}

}  // namespace axonzoo
