#pragma once

#include <cstdint>
#include <tuple>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/max.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

namespace axonzoo {

/// Maxima of the 2 x 2 windows of x [N, C, H, W], and where in its window each was found: {pooled, indices}, indices uint8 with
/// 2 row + column, both [N, C, H/2, W/2]. An odd last row or column is left out, as torch.nn.MaxPool2d(2) does. One pass where x
/// is channels_last in fp32 or bf16 on a CPU or a GPU.
std::tuple<at::Tensor, at::Tensor> max_pool_2x2(const at::Tensor& x);

/// The inverse (Badrinarayanan et al. 2017): each value of y [N, C, h, w] at the place its index names in [N, C, height, width],
/// zeros elsewhere. Throws `error` unless height / 2 is h and width / 2 is w.
at::Tensor max_unpool_2x2(const at::Tensor& y, const at::Tensor& indices, std::int64_t height, std::int64_t width);

/// What the two are held to, in plain ATen.
inline std::tuple<at::Tensor, at::Tensor> max_pool_2x2_reference(const at::Tensor& x) {
  const std::int64_t height = x.size(2) / 2 * 2, width = x.size(3) / 2 * 2;
  std::vector<at::Tensor> corners;
  for (std::int64_t row = 0; row < 2; ++row)
    for (std::int64_t column = 0; column < 2; ++column) corners.push_back(x.slice(2, row, height, 2).slice(3, column, width, 2));
  auto [pooled, indices] = at::max(at::stack(corners), 0);
  return {pooled, indices.to(at::kByte)};
}

inline at::Tensor max_unpool_2x2_reference(const at::Tensor& y, const at::Tensor& indices, std::int64_t height,
                                           std::int64_t width) {
  at::Tensor unpooled = at::zeros({y.size(0), y.size(1), height, width}, y.options());
  const at::Tensor zero = at::zeros_like(y);
  for (std::int64_t row = 0; row < 2; ++row)
    for (std::int64_t column = 0; column < 2; ++column)
      unpooled.slice(2, row, height / 2 * 2, 2)
          .slice(3, column, width / 2 * 2, 2)
          .copy_(at::where(indices.eq(2 * row + column), y, zero));
  return unpooled;
}

}  // namespace axonzoo

#ifndef AXONZOO_SEPARATE_KERNELS
#include <axonzoo/nn/functions/max_pool.hpp>
#endif
