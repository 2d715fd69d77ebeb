#pragma once

#include <functional>
#include <vector>

#include <ATen/core/Tensor.h>

namespace axonzoo {

/// A part of a network, [...] to [...], that gives the same numbers whenever it is called: no drawing of numbers, no running statistics that it moves.
using repeatable_part = std::function<at::Tensor(const at::Tensor&)>;

/// part(x), of which the forward pass keeps x alone: the backward pass computes what lies between again (Chen et al. 2016, "Training deep nets with sublinear memory
/// cost"). Values and gradients are those of part(x), bit for bit. `weights` are the parameters that it reads; it knows its types, for autocast
/// is off in it, both times. Not differentiable twice.
at::Tensor recomputed(const at::Tensor& x, const std::vector<at::Tensor>& weights, const repeatable_part& part);

}  // namespace axonzoo

#ifndef AXONZOO_SEPARATE_KERNELS
#include <axonzoo/nn/functions/recompute.hpp>
#endif
