#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>

namespace axonzoo::sam_layers {

/// Cuts tokens [B, H, W, C] into windows [B n, side, side, C] row by row; beyond the right and lower edges is `outside` [C].
inline at::Tensor into_windows(const at::Tensor& x, std::int64_t side, const at::Tensor& outside) {
  const std::int64_t b = x.size(0), c = x.size(3);
  const std::int64_t rows = (x.size(1) + side - 1) / side, columns = (x.size(2) + side - 1) / side;
  at::Tensor whole = x;
  const at::Tensor fill = outside.to(x.scalar_type());
  if (columns * side > x.size(2)) whole = at::cat({whole, fill.expand({b, x.size(1), columns * side - x.size(2), c})}, 2);
  if (rows * side > x.size(1)) whole = at::cat({whole, fill.expand({b, rows * side - x.size(1), columns * side, c})}, 1);
  return whole.reshape({b, rows, side, columns, side, c}).transpose(2, 3).reshape({b * rows * columns, side, side, c});
}

/// Puts windows [B n, side, side, C] back together as [B, height, width, C] and drops what lay outside.
inline at::Tensor out_of_windows(const at::Tensor& x, std::int64_t height, std::int64_t width) {
  const std::int64_t side = x.size(1), c = x.size(3);
  const std::int64_t rows = (height + side - 1) / side, columns = (width + side - 1) / side;
  return x.reshape({-1, rows, columns, side, side, c})
      .transpose(2, 3)
      .reshape({-1, rows * side, columns * side, c})
      .slice(1, 0, height)
      .slice(2, 0, width);
}

}  // namespace axonzoo::sam_layers
