#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/reflection_pad2d.h>
#include <ATen/ops/replication_pad2d.h>
#include <ATen/ops/zeros.h>

#include <axonzoo/core/image.hpp>
#include <axonzoo/nn/network.hpp>

namespace axonzoo {

/// How a network is laid over an image that is larger than what it was trained on.
struct tile_options {
  std::int64_t side = 256;    ///< px; rounded up to the network's stride. Norms see a tile, so keep it near the training patch
  double overlap = 0.25;      ///< share of a tile's side that it shares with its neighbour, in [0, 0.9]
  int turns = 1;              ///< 1: as it is; 2, 4, 8: average over so many flips and quarter turns
  std::int64_t batch = 4;     ///< tiles at once
};

namespace detail {

/// Begin of each tile along a side; the last one ends with the image.
inline std::vector<std::int64_t> tile_origins(std::int64_t length, std::int64_t side, double overlap) {
  if (length <= side) return {0};
  const auto step = std::max<std::int64_t>(1, static_cast<std::int64_t>(static_cast<double>(side) * (1 - overlap)));
  const auto count = (length - side + step - 1) / step + 1;
  std::vector<std::int64_t> origins;
  for (std::int64_t i = 0; i < count; ++i) origins.push_back((length - side) * i / std::max<std::int64_t>(count - 1, 1));
  return origins;
}

/// Weight of a tile's pixels, [side]: falls to its rim, so that seams fade.
inline at::Tensor tile_window(std::int64_t side, double overlap) {
  const auto distance = at::arange(side, at::kFloat);
  const auto rim = at::minimum(distance, static_cast<double>(side - 1) - distance) + 1;
  return (rim / std::max(1.0, overlap * static_cast<double>(side))).clamp_max(1.0);
}

/// One of the eight flips and quarter turns of the last two axes; k in 0..7, the inverse with `back`.
inline at::Tensor turned(const at::Tensor& x, int k, bool back = false) {
  if (back) {
    const auto y = k >= 4 ? x.flip({-1}) : x;
    return k % 4 == 0 ? y : y.rot90(-(k % 4), {-2, -1});
  }
  const auto y = k % 4 == 0 ? x : x.rot90(k % 4, {-2, -1});
  return k >= 4 ? y.flip({-1}) : y;
}

/// Pads right and below to `height` and `width`; mirrored where the image is large enough, else repeated.
inline at::Tensor padded_to(const at::Tensor& x, std::int64_t height, std::int64_t width) {
  const auto below = height - x.size(-2), right = width - x.size(-1);
  if (below <= 0 && right <= 0) return x;
  const std::int64_t sides[] = {0, std::max<std::int64_t>(right, 0), 0, std::max<std::int64_t>(below, 0)};
  return below < x.size(-2) && right < x.size(-1) ? at::reflection_pad2d(x, sides) : at::replication_pad2d(x, sides);
}

}  // namespace detail

/// Class probabilities [N, K, S, S] (fp32, CPU) of tiles [N, C, S, S].
using tile_probabilities = std::function<at::Tensor(const at::Tensor& tiles)>;

/// The mean over `turns` flips and quarter turns. The network must be in evaluation mode and under its precision's scope.
inline at::Tensor mean_of_turns(network& net, const at::Tensor& tiles, c10::ScalarType compute_type, c10::Device device, int turns) {
  const at::NoGradGuard no_gradients;
  const auto batch = tiles.to(device, compute_type);
  at::Tensor mean;
  for (int k = 0; k < turns; ++k) {
    const auto view = detail::turned(batch, k).contiguous(at::MemoryFormat::ChannelsLast);
    const auto share = detail::turned(net.forward(view).front().to(at::kFloat).softmax(1), k, true);
    mean = mean.defined() ? mean + share : share;
  }
  return mean.cpu() / turns;
}

/// Class probabilities [K, H, W] (fp32, CPU) of a prepared image [H, W, C] in tiles of `side` px, blended with weights that fall to
/// their rims.
inline at::Tensor class_probabilities(const tile_probabilities& of_tiles, const image& prepared, std::int64_t side, const tile_options& options) {
  const at::NoGradGuard no_gradients;
  const auto height = static_cast<std::int64_t>(prepared.shape(0)), width = static_cast<std::int64_t>(prepared.shape(1));
  const auto channels = static_cast<std::int64_t>(prepared.shape(2));
  auto pixels = at::from_blob(const_cast<float*>(prepared.data()), {1, height, width, channels}, at::kFloat).permute({0, 3, 1, 2});
  pixels = detail::padded_to(pixels, std::max(height, side), std::max(width, side));
  const auto line = detail::tile_window(side, options.overlap);
  const auto window = line.unsqueeze(1) * line;
  at::Tensor sum, weight = at::zeros({pixels.size(2), pixels.size(3)});
  const auto columns = detail::tile_origins(pixels.size(3), side, options.overlap);
  for (const auto y : detail::tile_origins(pixels.size(2), side, options.overlap)) {
    // Tiles of one row alone make a batch, as they do where rows are all that is held (probability_rows.hpp).
    for (std::size_t begin = 0; begin < columns.size(); begin += static_cast<std::size_t>(options.batch)) {
      const auto end = std::min(columns.size(), begin + static_cast<std::size_t>(options.batch));
      std::vector<at::Tensor> tiles;
      for (auto i = begin; i < end; ++i) tiles.push_back(pixels[0].narrow(1, y, side).narrow(2, columns[i], side));
      const auto mean = of_tiles(at::stack(tiles));
      if (!sum.defined()) sum = at::zeros({mean.size(1), pixels.size(2), pixels.size(3)});
      for (auto i = begin; i < end; ++i) {
        sum.narrow(1, y, side).narrow(2, columns[i], side).add_(mean[static_cast<std::int64_t>(i - begin)] * window);
        weight.narrow(0, y, side).narrow(1, columns[i], side).add_(window);
      }
    }
  }
  return (sum / weight).narrow(1, 0, height).narrow(2, 0, width).contiguous();
}

/// The same of one network, in tiles of `options.side` rounded up to its stride.
inline at::Tensor class_probabilities(network& net, const image& prepared, c10::ScalarType compute_type, c10::Device device, const tile_options& options) {
  const auto stride = net.stride();
  return class_probabilities([&](const at::Tensor& tiles) { return mean_of_turns(net, tiles, compute_type, device, options.turns); }, prepared,
                             (options.side + stride - 1) / stride * stride, options);
}

}  // namespace axonzoo
