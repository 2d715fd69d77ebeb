#pragma once

// A device of LibTorch whose memory is the processor's and whose operators are the processor's, but whose tensors are not: it stands in for a GPU where there is none. Operators
// refuse tensors of both, as CUDA's do, so that a tensor which a policy left behind on the CPU, or took there, is found without a GPU. It has no kernels of its own, and so
// says nothing of nn/gpu/ (tests/nn/on_gpu.cpp). It takes the place of HPU, which this LibTorch was built without: modules move there as they do to
// CUDA, and to the place for private devices they do not.

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include <ATen/EmptyTensor.h>
#include <ATen/Operators.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/Tensor.h>
#include <ATen/detail/HPUHooksInterface.h>
#include <ATen/native/CPUFallback.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/set_native.h>
#include <ATen/ops/unfold_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <c10/util/Exception.h>
#include <torch/library.h>

namespace stand_in {

inline const c10::Device device(c10::DeviceType::HPU, 0);

class memory final : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) override {
    void* const data = bytes > 0 ? std::malloc(bytes) : nullptr;
    return {data, data, &std::free, device};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &std::free; }
  void copy_data(void* to, const void* from, std::size_t bytes) const override { std::memcpy(to, from, bytes); }
  static memory* instance() {
    static memory one;
    return &one;
  }
};

struct guard final : c10::impl::NoOpDeviceGuardImpl<c10::DeviceType::HPU> {
  c10::Device exchangeDevice(c10::Device) const override { return device; }
  c10::Device getDevice() const override { return device; }
  c10::Stream getStream(c10::Device) const noexcept override { return c10::Stream(c10::Stream::DEFAULT, device); }
  c10::Stream exchangeStream(c10::Stream) const noexcept override { return c10::Stream(c10::Stream::DEFAULT, device); }
};

struct hooks final : at::HPUHooksInterface {
  explicit hooks(at::HPUHooksArgs) {}
  void init() const override {}
  bool hasHPU() const override { return true; }
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
};

/// cpu_fallback makes results of no size, which the operators that it runs warn of.
struct silence final : c10::WarningHandler {
  void process(const c10::Warning&) override {}
};

/// The same memory as a tensor of the CPU.
inline at::Tensor on_cpu(const at::Tensor& x) {
  return x.is_cpu() ? x : at::from_blob(x.data_ptr(), x.sizes(), x.strides(), at::TensorOptions(x.scalar_type()));
}

inline at::Tensor empty(c10::IntArrayRef size, std::optional<c10::ScalarType> type, std::optional<c10::Layout>, std::optional<c10::Device>, std::optional<bool>,
                        std::optional<c10::MemoryFormat> layout) {
  return at::detail::empty_generic(size, memory::instance(), c10::DispatchKeySet(c10::DispatchKey::HPU), c10::dtype_or_default(type), layout);
}

inline at::Tensor empty_strided(c10::IntArrayRef size, c10::IntArrayRef stride, std::optional<c10::ScalarType> type, std::optional<c10::Layout>, std::optional<c10::Device>,
                                std::optional<bool>) {
  return at::detail::empty_strided_generic(size, stride, memory::instance(), c10::DispatchKeySet(c10::DispatchKey::HPU), c10::dtype_or_default(type));
}

inline at::Tensor copy_from(const at::Tensor& from, const at::Tensor& to, bool) {
  on_cpu(to).copy_(on_cpu(from));
  return to;
}

inline at::Tensor& set_storage(at::Tensor& x, at::Storage storage, std::int64_t offset, c10::IntArrayRef size, c10::IntArrayRef stride) {
  return at::native::set_storage_cpu_(x, std::move(storage), offset, size, stride);
}

inline const at::Tensor& resize_there(const at::Tensor& x, c10::IntArrayRef size, std::optional<c10::MemoryFormat> layout) {
  if (x.sizes() == size) return x;
  const auto made = empty(size, x.scalar_type(), {}, {}, {}, layout);
  auto changed = x;
  set_storage(changed, made.storage(), 0, made.sizes(), made.strides());
  return x;
}

inline at::Tensor copy_from_and_resize(const at::Tensor& from, const at::Tensor& to) { return copy_from(from, resize_there(to, from.sizes(), std::nullopt), false); }

inline std::optional<at::Tensor> brought(const std::optional<at::Tensor>& x) { return x && x->defined() ? std::optional(x->cpu()) : x; }

inline at::Tensor convolution(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias, c10::IntArrayRef stride, c10::IntArrayRef padding,
                              c10::IntArrayRef dilation, bool transposed, c10::IntArrayRef output_padding, std::int64_t groups) {
  return at::convolution(x.cpu(), weight.cpu(), brought(bias), stride, padding, dilation, transposed, output_padding, groups).to(device);
}

inline std::tuple<at::Tensor, at::Tensor, at::Tensor> convolution_backward(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& weight, c10::IntArrayRef stride,
                                                                           c10::IntArrayRef padding, c10::IntArrayRef dilation, bool transposed,
                                                                           c10::IntArrayRef output_padding, std::int64_t groups, std::array<bool, 3> wanted) {
  auto [dx, dweight, dbias] = at::convolution_backward(dy.cpu(), x.cpu(), weight.cpu(), std::vector<std::int64_t>{weight.size(transposed ? 1 : 0)}, stride, padding, dilation,
                                                       transposed, output_padding, groups, wanted);
  const auto there = [](const at::Tensor& x) { return x.defined() ? x.to(device) : x; };
  return {there(dx), there(dweight), there(dbias)};
}

/// What CUDA's kernels take from the CPU: single numbers, and indices.
inline void refuse_strangers(const c10::OperatorHandle& op, const torch::jit::Stack& stack) {
  const std::string& name = op.schema().name();
  if (name == "aten::index" || name == "aten::index_put_" || name == "aten::_index_put_impl_" || name == "aten::copy_") return;
  const auto check = [&](const at::Tensor& x) {
    if (x.defined() && x.dim() > 0 && x.device() != device) throw std::runtime_error(name + " was given a tensor of the CPU among those of the device");
  };
  for (const auto& value : torch::jit::last(stack, op.schema().arguments().size())) {
    if (value.isTensor()) check(value.toTensor());
    if (value.isTensorList()) {
      for (const at::Tensor& one : value.toTensorVector()) check(one);
    }
  }
}

inline std::atomic<std::int64_t> operators_run{0};

inline void on_the_processor(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  refuse_strangers(op, *stack);
  ++operators_run;
  at::native::cpu_fallback(op, stack);
}

}  // namespace stand_in

namespace c10::impl {
C10_REGISTER_GUARD_IMPL(HPU, ::stand_in::guard)
}  // namespace c10::impl

namespace at {
using HPUHooks = ::stand_in::hooks;  // the name that LibTorch looks for
REGISTER_HPU_HOOKS(HPUHooks)
}  // namespace at

namespace {

const bool registered = [] {
  c10::SetAllocator(c10::DeviceType::HPU, stand_in::memory::instance());
  static stand_in::silence silence;
  c10::WarningUtils::set_warning_handler(&silence);
  return true;
}();

TORCH_LIBRARY_IMPL(_, HPU, m) { m.fallback(torch::CppFunction::makeFromBoxedFunction<&stand_in::on_the_processor>()); }

TORCH_LIBRARY_IMPL(aten, HPU, m) {
  m.impl("empty.memory_format", &stand_in::empty);
  m.impl("empty_strided", &stand_in::empty_strided);
  m.impl("_copy_from", &stand_in::copy_from);
  m.impl("_copy_from_and_resize", &stand_in::copy_from_and_resize);
  m.impl("set_.source_Storage_storage_offset", &stand_in::set_storage);
  m.impl("resize_", &stand_in::resize_there);
  m.impl("as_strided", &at::native::as_strided_tensorimpl);
  m.impl("view", &at::native::view);
  m.impl("_reshape_alias", [](const at::Tensor& x, c10::IntArrayRef size, c10::IntArrayRef stride) { return at::native::as_strided_tensorimpl(x, size, stride, {}); });
  m.impl("unfold", &at::native::unfold);
  m.impl("convolution_overrideable", &stand_in::convolution);
  m.impl("convolution_backward_overrideable", &stand_in::convolution_backward);
}

TORCH_LIBRARY_IMPL(_, AutocastHPU, m) { m.fallback(torch::CppFunction::makeFallthrough()); }

#define STAND_IN_LOW(...) KERNEL(c10::DeviceType::HPU, __VA_ARGS__, lower_precision_fp)
#define STAND_IN_FULL(...) KERNEL(c10::DeviceType::HPU, __VA_ARGS__, fp32)
TORCH_LIBRARY_IMPL(aten, AutocastHPU, m) {
  AT_FORALL_LOWER_PRECISION_FP(STAND_IN_LOW)
  AT_FORALL_FP32(STAND_IN_FULL)
}
#undef STAND_IN_LOW
#undef STAND_IN_FULL

}  // namespace
