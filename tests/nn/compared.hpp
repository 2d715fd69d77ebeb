#pragma once

#include <algorithm>

#include <boost/test/unit_test.hpp>

#include <ATen/core/Tensor.h>

namespace compared {

inline at::Tensor leaf(const at::Tensor& x) { return x.detach().clone().requires_grad_(); }

/// Largest difference as a share of the largest value that was expected, or of `least` where that is more: sums may cancel.
inline double apart(const at::Tensor& got, const at::Tensor& expected, double least = 1e-30) {
  BOOST_REQUIRE_EQUAL(got.sizes(), expected.sizes());
  const at::Tensor truth = expected.detach().to(at::kDouble);
  return got.detach().to(at::kDouble).sub(truth).abs().max().item<double>() / std::max(truth.abs().max().item<double>(), least);
}

}  // namespace compared
