#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/stack.h>

#include <axonzoo/core/image.hpp>
#include <axonzoo/infer/checkpoint.hpp>
#include <axonzoo/infer/tiles.hpp>
#include <axonzoo/models/registry.hpp>
#include <axonzoo/nn/calibration.hpp>
#include <axonzoo/nn/channels.hpp>
#include <axonzoo/nn/kernels/vector.hpp>
#include <axonzoo/nn/network.hpp>
#include <axonzoo/precision/quantise.hpp>

namespace axonzoo {

/// Whether networks are faster on the CPU in 8 bits than as they are: where there are kernels for it.
inline constexpr bool rounding_pays = kernels::available<float>;

/// Rows of a prepared image of `height` rows whose activations an image's own rounding is measured on: {first, count}, those of one row of tiles in its middle.
[[nodiscard]] inline std::pair<std::size_t, std::size_t> calibration_rows(std::size_t height, std::size_t side) {
  const auto count = std::min(height, side);
  return {(height - count) / 2, count};
}

/// Up to `most` tiles [N, C, S, S] that are spread over these rows, [n, W, C].
[[nodiscard]] inline at::Tensor calibration_tiles(const image& rows, std::int64_t side, std::int64_t most = 3) {
  const auto height = static_cast<std::int64_t>(rows.shape(0)), width = static_cast<std::int64_t>(rows.shape(1)), channels = static_cast<std::int64_t>(rows.shape(2));
  auto pixels = at::from_blob(const_cast<float*>(rows.data()), {1, height, width, channels}, at::kFloat).permute({0, 3, 1, 2});
  pixels = detail::padded_to(pixels, std::max(height, side), std::max(width, side))[0];
  const auto room = pixels.size(2) - side, count = std::clamp<std::int64_t>(1 + room / side, 1, most);
  std::vector<at::Tensor> tiles;
  for (std::int64_t i = 0; i < count; ++i) tiles.push_back(pixels.narrow(1, 0, side).narrow(2, count == 1 ? room / 2 : room * i / (count - 1), side));
  return at::stack(tiles);
}

/// A copy of a trained network that is rounded to 8 bits (quantise.hpp); what comes into its layers is measured on `tiles` [N, C, S, S]. `make` makes networks of its
/// kind.
[[nodiscard]] inline std::shared_ptr<network> rounded_copy(const network& net, const network_maker& make, std::int64_t classes, const at::Tensor& tiles) {
  auto copy = make(tiles.size(1), classes);
  load_tensors(*copy, named_tensors(net), "the network that is rounded");
  calibration from;
  from.each_batch = [&tiles](std::int64_t, const std::function<void(const calibration::batch&)>& visit) {
    visit({tiles.contiguous(at::MemoryFormat::ChannelsLast), at::Tensor(), 0});
  };
  quantise(*copy, from, 1);
  return copy;
}

}  // namespace axonzoo
