#pragma once

#include <cstdint>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/upsample_bicubic2d.h>
#include <ATen/ops/upsample_linear1d.h>

#include <axonzoo/nn/linear.hpp>

namespace axonzoo::sam_layers {

/// Weights [from, to] of an interpolation along one axis, float32: as products stretched tables have gradients that a GPU sums in one order, which LibTorch's own have not.
inline at::Tensor linear_stretch(std::int64_t from, std::int64_t to, const at::TensorOptions& options) {
  return at::upsample_linear1d(at::eye(from, options).unsqueeze(0), {to}, /*align_corners=*/false).squeeze(0);
}
inline at::Tensor bicubic_stretch(std::int64_t from, std::int64_t to, const at::TensorOptions& options) {
  return at::upsample_bicubic2d(at::eye(from, options).view({1, from, from, 1}), {to, 1}, /*align_corners=*/false).view({from, to});
}

/// Absolute positions [1, h, w, C] of an image of h x w tokens, float32; a table of other sides is stretched.
inline at::Tensor positions(const at::Tensor& table, std::int64_t h, std::int64_t w) {
  const at::Tensor wide = table.to(at::kFloat);
  if (table.size(1) == h && table.size(2) == w) return wide;
  const at::Tensor rows = product(bicubic_stretch(table.size(1), h, wide.options()).t(), wide.reshape({table.size(1), -1})).view({h, table.size(2), -1});
  return product(bicubic_stretch(table.size(2), w, wide.options()).t(), rows).unsqueeze(0);
}

/// TinyViT's bias of a query and a key in a window, which is of their distances in rows and columns: [heads, side side, side side] of `table`
/// [heads, side side], whose entry dy side + dx is of distances dy and dx; float32, for its gradient sums many.
inline at::Tensor distance_bias(const at::Tensor& table, std::int64_t side) {
  const at::Tensor place = at::arange(side, table.options().dtype(at::kLong));
  const at::Tensor apart = (place.unsqueeze(1) - place.unsqueeze(0)).abs();
  const at::Tensor index = (apart.view({side, 1, side, 1}) * side + apart.view({1, side, 1, side})).flatten();
  return table.to(at::kFloat).index_select(1, index).view({table.size(0), side * side, side * side});
}

/// The row of `table` [2 side - 1, d] for each pair of positions on one axis, [side, side, d] float32; a table of another side is stretched.
inline at::Tensor relative_table(const at::Tensor& table, std::int64_t side) {
  at::Tensor fitting = table.to(at::kFloat);
  if (table.size(0) != 2 * side - 1) fitting = product(linear_stretch(table.size(0), 2 * side - 1, fitting.options()).t(), fitting);
  const at::Tensor place = at::arange(side, table.options().dtype(at::kLong));
  const at::Tensor index = (place.unsqueeze(1) - place.unsqueeze(0)).add(side - 1);
  return fitting.index_select(0, index.flatten()).view({side, side, -1});
}

/// Products of the queries [B, heads, height width, d] with the table of the vertical axis, [B, heads, height width, height].
inline at::Tensor relative_rows(const at::Tensor& q, const at::Tensor& table, std::int64_t height, std::int64_t width) {
  const std::int64_t b = q.size(0), heads = q.size(1), d = q.size(3);
  const at::Tensor by_row = q.unflatten(2, {height, width}).permute({2, 0, 1, 3, 4}).reshape({height, b * heads * width, d});
  const at::Tensor of_keys = relative_table(table, height).to(q.scalar_type()).transpose(1, 2);
  return product(by_row, of_keys).view({height, b, heads, width, height}).permute({1, 2, 0, 3, 4}).reshape({b, heads, height * width, height});
}

/// The same of the horizontal axis, [B, heads, height width, width].
inline at::Tensor relative_columns(const at::Tensor& q, const at::Tensor& table, std::int64_t height, std::int64_t width) {
  const std::int64_t b = q.size(0), heads = q.size(1), d = q.size(3);
  const at::Tensor by_column = q.unflatten(2, {height, width}).permute({3, 0, 1, 2, 4}).reshape({width, b * heads * height, d});
  const at::Tensor of_keys = relative_table(table, width).to(q.scalar_type()).transpose(1, 2);
  return product(by_column, of_keys).view({width, b, heads, height, width}).permute({1, 2, 3, 0, 4}).reshape({b, heads, height * width, width});
}

}  // namespace axonzoo::sam_layers
