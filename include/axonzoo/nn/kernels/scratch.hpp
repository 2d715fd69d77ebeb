#pragma once

#include <cstddef>
#include <cstdint>

#include <c10/core/CPUAllocator.h>

namespace axonzoo::kernels {

/// Uninitialised working memory from LibTorch's allocator, which keeps it between steps.
template <class Element>
class scratch {
 public:
  explicit scratch(std::int64_t count)
      : memory_(c10::GetCPUAllocator()->allocate(static_cast<std::size_t>(count) * sizeof(Element))) {}
  [[nodiscard]] Element* data() const { return static_cast<Element*>(memory_.get()); }

 private:
  c10::DataPtr memory_;
};

}  // namespace axonzoo::kernels
