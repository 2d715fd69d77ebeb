#pragma once

#include <dlfcn.h>

#include <cstddef>
#include <initializer_list>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <ATen/DeviceAccelerator.h>
#include <ATen/core/Tensor.h>

#include <axonzoo/core/error.hpp>

namespace axonzoo::gpu {

/// Kernels in CUDA C++ that are compiled for the GPU at hand when they are first launched, by the NVRTC that LibTorch brings, and kept while the program runs. So the
/// library stays headers, and neither CUDA's headers nor its compiler are needed to build a program.
class runtime_compiler {
 public:
  /// Whether NVRTC and the driver are there.
  static bool available() { return instance().library_ != nullptr; }

  struct shape {
    unsigned x = 1, y = 1, z = 1;
  };

  /// Launches `kernel` of `source`, compiled with the `definitions` ("-DNAME=VALUE"), on the current stream of the current device; `arguments` point to their values.
  /// Throws `error` with the compiler's words where it does not compile or launch.
  static void launch(const char* source, const std::vector<std::string>& definitions, const char* kernel, shape grid, shape block, std::size_t shared_bytes,
                     std::initializer_list<const void*> arguments) {
    auto& self = instance();
    self.enter_context();
    void* const function = self.function(source, definitions, kernel);
    const auto stream = at::accelerator::getCurrentStream(at::accelerator::getDeviceIndex());
    std::vector<void*> pointers;
    for (const void* argument : arguments) pointers.push_back(const_cast<void*>(argument));
    self.require(self.launch_kernel_(function, grid.x, grid.y, grid.z, block.x, block.y, block.z, static_cast<unsigned>(shared_bytes), stream.native_handle(), pointers.data(), nullptr),
                 kernel);
  }

 private:
  runtime_compiler() {
    library_ = ::dlopen("libcaffe2_nvrtc.so", RTLD_NOW);  // needs both, and knows where they lie
    if (library_ == nullptr) return;
    const bool whole = load("nvrtcCreateProgram", create_) && load("nvrtcCompileProgram", compile_) && load("nvrtcDestroyProgram", destroy_) &&
                       load("nvrtcGetProgramLogSize", log_size_) && load("nvrtcGetProgramLog", log_) && load("nvrtcGetCUBINSize", code_size_) &&
                       load("nvrtcGetCUBIN", code_) && load("cuModuleLoadData", load_module_) && load("cuModuleGetFunction", get_function_) &&
                       load("cuLaunchKernel", launch_kernel_) && load("cuDeviceGet", device_) && load("cuDeviceGetAttribute", attribute_) &&
                       load("cuCtxGetCurrent", get_context_) && load("cuCtxSetCurrent", set_context_) && load("cuDevicePrimaryCtxRetain", primary_context_);
    if (!whole) library_ = nullptr;
  }

  static runtime_compiler& instance() {
    static auto* const compiler = new runtime_compiler;  // never destroyed: modules must not outlive a driver that is already gone
    return *compiler;
  }

  template <class Function>
  bool load(const char* name, Function*& to) {
    to = reinterpret_cast<Function*>(::dlsym(library_, name));
    return to != nullptr;
  }

  void require(int status, const std::string& doing) const {
    if (status != 0) throw error("running the GPU kernel " + doing, "the driver answers " + std::to_string(status), "check the driver with nvidia-smi, or use --device cpu");
  }

  /// A thread that has not yet computed on the GPU has no context.
  void enter_context() {
    void* context = nullptr;
    require(get_context_(&context), "in a context");
    if (context != nullptr) return;
    require(primary_context_(&context, device()), "in a context");
    require(set_context_(context), "in a context");
  }

  int device() {
    int found = 0;
    require(device_(&found, at::accelerator::getDeviceIndex()), "on a device");
    return found;
  }

  void* function(const char* source, const std::vector<std::string>& definitions, const char* kernel) {
    std::string key = std::to_string(at::accelerator::getDeviceIndex());
    for (const auto& definition : definitions) key += ' ' + definition;
    const std::lock_guard lock(mutex_);
    auto& module = modules_[{source, key}];
    if (module == nullptr) require(load_module_(&module, compiled(source, definitions).data()), "'s module");
    void*& found = functions_[{module, kernel}];
    if (found == nullptr) require(get_function_(&found, module, kernel), kernel);
    return found;
  }

  std::vector<char> compiled(const char* source, const std::vector<std::string>& definitions) {
    constexpr int major_attribute = 75, minor_attribute = 76;
    int major = 0, minor = 0;
    require(attribute_(&major, major_attribute, device()), "on a device");
    require(attribute_(&minor, minor_attribute, device()), "on a device");
    std::vector<std::string> options{"--std=c++17", "--gpu-architecture=sm_" + std::to_string(major) + std::to_string(minor)};
    options.insert(options.end(), definitions.begin(), definitions.end());
    std::vector<const char*> words;
    for (const auto& option : options) words.push_back(option.c_str());
    void* program = nullptr;
    require(create_(&program, source, "axonzoo.cu", 0, nullptr, nullptr), "'s source");
    const int status = compile_(program, static_cast<int>(words.size()), words.data());
    if (status != 0) {
      std::size_t size = 0;
      log_size_(program, &size);
      std::string text(size, ' ');
      log_(program, text.data());
      throw error("compiling a GPU kernel", text, "this is a defect of axonzoo; --device cpu does without");
    }
    std::size_t size = 0;
    require(code_size_(program, &size), "'s code");
    std::vector<char> code(size);
    require(code_(program, code.data()), "'s code");
    destroy_(&program);
    return code;
  }

  void* library_ = nullptr;
  int (*create_)(void**, const char*, const char*, int, const char* const*, const char* const*) = nullptr;
  int (*compile_)(void*, int, const char* const*) = nullptr;
  int (*destroy_)(void**) = nullptr;
  int (*log_size_)(void*, std::size_t*) = nullptr;
  int (*log_)(void*, char*) = nullptr;
  int (*code_size_)(void*, std::size_t*) = nullptr;
  int (*code_)(void*, char*) = nullptr;
  int (*load_module_)(void**, const void*) = nullptr;
  int (*get_function_)(void**, void*, const char*) = nullptr;
  int (*launch_kernel_)(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void*, void**, void**) = nullptr;
  int (*device_)(int*, int) = nullptr;
  int (*attribute_)(int*, int, int) = nullptr;
  int (*get_context_)(void**) = nullptr;
  int (*set_context_)(void*) = nullptr;
  int (*primary_context_)(void**, int) = nullptr;
  std::mutex mutex_;
  std::map<std::pair<const char*, std::string>, void*> modules_;
  std::map<std::pair<void*, std::string>, void*> functions_;
};

}  // namespace axonzoo::gpu
