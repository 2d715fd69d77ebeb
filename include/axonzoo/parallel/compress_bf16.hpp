#pragma once

#include <vector>

#include <ATen/core/Tensor.h>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/comm.hpp>

namespace axonzoo {

/// Sends each bucket of gradients in bfloat16, half the bytes, and takes the mean of the rounded ones. Divided before they are summed, so that the sum is no
/// larger than the gradients are.
class compress_bf16 : public c10d::CppCommHookInterface<c10::intrusive_ptr<c10d::ProcessGroup>> {
 public:
  explicit compress_bf16(const c10::intrusive_ptr<c10d::ProcessGroup>& group) : CppCommHookInterface(group) {}

  c10::intrusive_ptr<c10::ivalue::Future> runHook(c10d::GradBucket& bucket) override {
    const at::Tensor whole = bucket.getBufferRef();
    std::vector<at::Tensor> sent{(whole / state_->getSize()).to(at::kBFloat16)};
    const auto done = state_->allreduce(sent)->getFuture();
    return done->then(
        [whole, sum = sent.front()](c10::ivalue::Future& finished) {
          if (finished.hasError()) finished.value();  // throws
          whole.copy_(sum);
          return c10::IValue(whole);
        },
        c10::TensorType::get());
  }
};

}  // namespace axonzoo
