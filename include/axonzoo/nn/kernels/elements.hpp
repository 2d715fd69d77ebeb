#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/BFloat16.h>

namespace axonzoo::kernels {

/// Whether x is what the kernels of this folder work on: [N, C, H, W] in fp32 or bf16 on the CPU, channels last in memory.
inline bool is_channels_last(const at::Tensor& x) {
  return x.device().is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16) && x.dim() == 4 &&
         x.is_contiguous(at::MemoryFormat::ChannelsLast);
}

/// work(float{}) or work(c10::BFloat16{}), as the elements of x are.
template <class Work>
void with_element_of(const at::Tensor& x, const Work& work) {
  if (x.scalar_type() == at::kBFloat16) {
    work(c10::BFloat16{});
  } else {
    work(float{});
  }
}

}  // namespace axonzoo::kernels
