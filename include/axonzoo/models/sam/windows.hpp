#pragma once

#include <array>
#include <cstdint>

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>

namespace axonzoo::sam_layers {

/// `into_windows` without gradients: each token is copied once.
inline at::Tensor into_windows_at_once(const at::Tensor& x, std::int64_t side, const at::Tensor& outside) {
  struct stretch {
    std::int64_t first, count, length;  ///< windows, and tokens of each that lie within the image
  };
  const auto stretches = [side](std::int64_t size) { return std::array<stretch, 2>{{{0, size / side, side}, {size / side, size % side == 0 ? 0 : 1, size % side}}}; };
  const std::int64_t b = x.size(0), c = x.size(3);
  const std::int64_t rows = (x.size(1) + side - 1) / side, columns = (x.size(2) + side - 1) / side;
  const at::Tensor windows = at::empty({b, rows, columns, side, side, c}, x.options());
  const at::Tensor fill = outside.to(x.scalar_type());
  for (const stretch& down : stretches(x.size(1))) {
    for (const stretch& along : stretches(x.size(2))) {
      if (down.count == 0 || along.count == 0) continue;
      const at::Tensor from = x.slice(1, down.first * side, down.first * side + down.count * down.length)
                                  .slice(2, along.first * side, along.first * side + along.count * along.length)
                                  .unflatten(2, {along.count, along.length})
                                  .unflatten(1, {down.count, down.length});
      const at::Tensor to = windows.slice(1, down.first, down.first + down.count).slice(2, along.first, along.first + along.count);
      to.slice(3, 0, down.length).slice(4, 0, along.length).transpose(2, 3).copy_(from);
      to.slice(3, down.length, side).copy_(fill);
      to.slice(3, 0, down.length).slice(4, along.length, side).copy_(fill);
    }
  }
  return windows.view({b * rows * columns, side, side, c});
}

/// Cuts tokens [B, H, W, C] into windows [B n, side, side, C] row by row; beyond the right and lower edges is `outside` [C].
inline at::Tensor into_windows(const at::Tensor& x, std::int64_t side, const at::Tensor& outside) {
  if (!c10::GradMode::is_enabled()) return into_windows_at_once(x, side, outside);
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
