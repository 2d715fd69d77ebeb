#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <vector>

#include <axonzoo/nn/kernels/in_turns.hpp>
#include <axonzoo/nn/kernels/pixels.hpp>
#include <axonzoo/nn/kernels/scratch.hpp>
#include <axonzoo/nn/kernels/tile.hpp>
#include <axonzoo/nn/kernels/vector.hpp>
#include <axonzoo/nn/kernels/winograd.hpp>
#include <axonzoo/nn/kernels/winograd_filters.hpp>

#if defined(AXONZOO_VECTORS)

namespace axonzoo::kernels::winograd {

/// What `convolve` does, for 3x3 taps at stride 1. Runs of tiles are transformed together, multiplied component by component and block by
/// block of output channels, and transformed back.
template <class T, class Out = T>
void convolve(const std::vector<pixels<const T>>& inputs, const window& taps, const transformed_filters<factor<T>>& filters, const float* bias,
              const std::vector<pixels<Out>>& outputs, const float* scale = nullptr) {
  using F = factor<T>;
  const pixels<Out>& output = outputs.front();
  const std::int64_t pitch = filters.pitch(), units = pitch / elements_per_unit<F>;
  std::int64_t channels = 0;
  for (const auto& input : inputs) channels += input.channels;
  // A quarter of the second-level cache for transformed pixels; their products with one block of channels take the like.
  const std::int64_t most = std::clamp<std::int64_t>((256 << 10) / (components * units * 4), 16, 128);
  const tile_grid grid(output.images, output.height, output.width, most);
  const std::int64_t runs_together = std::max<std::int64_t>(1, most / grid.longest());

  const auto work = [&](std::int64_t first, std::int64_t last) {
    const std::int64_t tiles = (last - first) * grid.longest();
    const std::int64_t component_stride = component_stride_for<F>(tiles * pitch);
    const scratch<F> transformed(components * component_stride);
    const scratch<float> products(components * component_stride_for<float>(tiles * 48) + lanes::width);
    std::int64_t count = 0;
    for (std::int64_t r = first; r < last; ++r) {
      const tile_run run = grid[r];
      F* target = transformed.data() + count * pitch;
      for (const auto& input : inputs) {
        transform_input(input, run, taps.top, taps.left, target, component_stride, pitch);
        target += input.channels;
      }
      if (channels < pitch) {
        for (std::int64_t i = 0; i < components * run.count; ++i) target[i / run.count * component_stride + i % run.count * pitch] = F(0);
      }
      count += run.count;
    }
    std::size_t target = 0;
    std::int64_t first_channel = 0;
    for (const filter_block& block : filters.blocks()) {
      while (block.channel >= first_channel + outputs[target].channels) first_channel += outputs[target++].channels;
      const std::int64_t width = block.halves * 8, product_stride = component_stride_for<float>(tiles * width);
      const direct::tile_strides strides{1, units, pitch * static_cast<std::int64_t>(sizeof(F)), 0, width, static_cast<int>(width)};
      for (std::int64_t component = 0; component < components; ++component) {
        direct::tile_row<F>(strides, block.halves, count, reinterpret_cast<const char*>(transformed.data() + component * component_stride),
                            filters.data(block) + component * units * width, {}, products.data() + component * product_stride);
      }
      const float* const start = bias == nullptr ? nullptr : bias + block.channel;
      std::int64_t tile = 0;
      for (std::int64_t r = first; r < last; ++r) {
        const tile_run run = grid[r];
        if constexpr (std::is_same_v<T, std::int16_t>) {
          transform_whole_output(reinterpret_cast<const std::int32_t*>(products.data() + tile * width), product_stride, width, scale + block.channel, start,
                                 outputs[target], block.channel - first_channel, block.lanes, run);
        } else {
          transform_output(products.data() + tile * width, product_stride, width, start, outputs[target], block.channel - first_channel, block.lanes, run);
        }
        tile += run.count;
      }
    }
  };
  in_turns(grid.runs(), runs_together, work);
}

}  // namespace axonzoo::kernels::winograd

#endif
