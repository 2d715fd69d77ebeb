#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/gelu.h>

namespace axonzoo {

/// Exact GELU, x Phi(x) (Hendrycks and Gimpel 2016), of any shape and type, as x; within 2e-7 |x| of the definition. Outside of autograd it is written over an x that is
/// moved in and that nobody else holds. On CPUs with AVX-512 or AVX2 by an own kernel, elsewhere by ATen.
at::Tensor gelu(at::Tensor x);

namespace reference {

inline at::Tensor gelu(const at::Tensor& x) { return at::gelu(x); }

}  // namespace reference
}  // namespace axonzoo

#ifndef AXONZOO_SEPARATE_KERNELS
#include <axonzoo/nn/functions/gelu.hpp>
#endif
