#pragma once

#include <string_view>

#include <ATen/Context.h>
#include <c10/core/DeviceType.h>
#include <c10/core/ScalarType.h>

#include <axonzoo/core/concepts.hpp>
#include <axonzoo/core/error.hpp>
#include <axonzoo/fwd.hpp>

namespace axonzoo {

/// fp32 whose products keep 10 bits of the mantissa, on the tensor cores of NVIDIA GPUs from Ampere on.
struct tf32 {
  using axis = axes::precision;
  static constexpr std::string_view name = "tf32";
  static constexpr c10::ScalarType compute_type = c10::ScalarType::Float;
  static constexpr double tolerance = 2e-3;

  /// Throws `error` on a device without it.
  class scope {
   public:
    explicit scope(c10::DeviceType device) : products_(at::globalContext().allowTF32CuBLAS()), convolutions_(at::globalContext().allowTF32CuDNN()) {
      if (device != c10::DeviceType::CUDA) throw error("cannot compute in tf32 on this device", "only NVIDIA GPUs have it", "give --device cuda, or take the program of fp32 or bf16");
      at::globalContext().setAllowTF32CuBLAS(true);
      at::globalContext().setAllowTF32CuDNN(true);
    }
    ~scope() {
      at::globalContext().setAllowTF32CuBLAS(products_);
      at::globalContext().setAllowTF32CuDNN(convolutions_);
    }
    scope(const scope&) = delete;
    scope& operator=(const scope&) = delete;

   private:
    bool products_, convolutions_;
  };
};

}  // namespace axonzoo
