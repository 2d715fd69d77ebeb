#pragma once

#include <bit>
#include <cstdint>
#include <memory>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>

#include <axonzoo/nn/functions/convolution.hpp>
#include <axonzoo/nn/kernels/convolution.hpp>
#include <axonzoo/nn/quantised_convolution.hpp>

namespace axonzoo {

#if defined(AXONZOO_VECTORS)

namespace detail {

using whole = std::int16_t;  ///< 8 bits and a sign: processors multiply pairs of these

/// Sums must fit 32 bits: Winograd's transforms make products up to 1020 * 1143 of inputs and weights up to 255 * 127.
inline constexpr std::int64_t most_channels_winograd = 1800, most_taps_direct = 66000;

inline kernels::weight_view view_of(const at::Tensor& w) {
  return {w.const_data_ptr<float>(), w.size(0), w.size(1), w.size(2), w.size(3), w.stride(0), w.stride(1), w.stride(2), w.stride(3)};
}

struct whole_image {
  kernels::scratch<whole> memory;
  kernels::pixels<const whole> view;
};

/// The channels of both tensors side by side as whole numbers; one of zeros after an odd number.
inline whole_image rounded(const at::Tensor& x, const at::Tensor& further, const activation_range& range) {
  std::vector<at::Tensor> tensors{kernels::channels_together(x)};
  if (further.defined()) tensors.push_back(kernels::channels_together(further));
  std::int64_t channels = 0;
  for (const auto& tensor : tensors) channels += tensor.size(1);
  const auto inputs = kernels::all_pixels_of<float>(tensors);
  const std::int64_t pitch = (channels + 1) / 2 * 2, images = x.size(0), height = x.size(2), width = x.size(3);
  whole_image made{kernels::scratch<whole>(images * height * width * pitch), {}};
  made.view = {made.memory.data(), images, height, width, pitch, height * width * pitch, width * pitch, pitch};
  const float inverse = 1 / range.scale, low = static_cast<float>(range.lowest), high = static_cast<float>(range.highest());
  at::parallel_for(0, images * height, 1 + (1 << 14) / (width * pitch), [&](std::int64_t from, std::int64_t until) {
    for (std::int64_t row = from; row < until; ++row) {
      whole* to = made.memory.data() + row * width * pitch;
      if (channels < pitch) {
        for (std::int64_t i = 0; i < width; ++i) to[i * pitch + channels] = 0;
      }
      for (const auto& input : inputs) {
        const bool dense = input.channels == pitch && input.pixel_stride == pitch;
        const std::int64_t pieces = dense ? 1 : width, length = dense ? width * pitch : input.channels;
        for (std::int64_t i = 0; i < pieces; ++i) {
          const float* const source = input.row(row / height, row % height) + i * input.pixel_stride;
          whole* const target = to + i * pitch;
          for (std::int64_t c = 0; c < length; ++c) {
            constexpr float shift = 12582912.0F;  // 1.5 * 2^23: its last bit is worth one, so that adding it rounds
            float value = source[c] * inverse;
            value = value > low ? value : low;
            value = value < high ? value : high;
            target[c] = static_cast<whole>(std::bit_cast<std::int32_t>(value + shift) - std::bit_cast<std::int32_t>(shift));
          }
        }
        to += input.channels;
      }
    }
  });
  return made;
}

}  // namespace detail

/// The filters as the kernels read them, each made when it is first needed.
struct quantised_filters::packed {
  std::unique_ptr<kernels::packed_filters<detail::whole>> direct;
  std::unique_ptr<kernels::winograd::transformed_filters<detail::whole>> winograd;
  std::unique_ptr<kernels::packed_filters<detail::whole>> lines[2];  ///< of a transposed convolution, for each of the two output rows
};

inline at::Tensor quantised_filters::convolved_fast(const at::Tensor& x, const at::Tensor& further, const at::Tensor& bias, std::int64_t stride, std::int64_t padding) {
  using detail::whole;
  if (packed_ == nullptr) packed_ = std::make_shared<packed>();
  const auto input = detail::rounded(x, further, input_);
  const std::int64_t outs = scale_.size(0), copies = transposed_ ? 2 : 1;
  const auto scale = kernels::padded_bias(scale_, copies), start = kernels::padded_bias(bias, copies);
  const float* const offset = start.empty() ? nullptr : start.data();
  const auto as_floats = [&] { return weight_.to(at::kFloat).contiguous(at::MemoryFormat::ChannelsLast); };
  if (transposed_) {
    const std::int64_t height = x.size(2), width = x.size(3), line = 2 * width * outs;
    const auto y = kernels::empty_channels_last({x.size(0), outs, 2 * height, 2 * width}, x);
    for (std::int64_t row = 0; row < 2; ++row) {
      if (packed_->lines[row] == nullptr) {
        const auto weights = as_floats();  // [C][2][2][K]
        packed_->lines[row] = std::make_unique<kernels::packed_filters<whole>>(
            kernels::weight_view{weights.const_data_ptr<float>() + row * 2 * outs, 2 * outs, x.size(1), 1, 1, 1, 4 * outs, 0, 0}, std::vector<std::int64_t>{2 * outs});
      }
      const kernels::pixels<float> output{y.mutable_data_ptr<float>() + row * line, x.size(0), height, width, 2 * outs, 2 * height * line, 2 * line, 2 * outs};
      kernels::convolve<whole, float>({input.view}, {}, *packed_->lines[row], offset, {output}, scale.data());
    }
    return y;
  }
  const auto side = [&](std::int64_t d) { return (x.size(d) + 2 * padding - weight_.size(d)) / stride + 1; };
  const auto y = kernels::empty_channels_last({x.size(0), outs, side(2), side(3)}, x);
  const auto output = kernels::writable_pixels_of<float>(y);
  const kernels::window taps{weight_.size(2), weight_.size(3), stride, -padding, -padding};
  if (weight_.size(1) <= detail::most_channels_winograd && kernels::winograd_pays<float>(taps, weight_.size(1), outs, output)) {
    if (packed_->winograd == nullptr) {
      const auto weights = as_floats();
      packed_->winograd = std::make_unique<kernels::winograd::transformed_filters<whole>>(detail::view_of(weights), std::vector<std::int64_t>{outs});
    }
    const auto quarter = kernels::padded_bias(scale_.div(4), 1);
    kernels::winograd::convolve<whole, float>({input.view}, taps, *packed_->winograd, offset, {output}, quarter.data());
  } else {
    if (packed_->direct == nullptr) {
      const auto weights = as_floats();
      packed_->direct = std::make_unique<kernels::packed_filters<whole>>(detail::view_of(weights), std::vector<std::int64_t>{outs});
    }
    kernels::convolve<whole, float>({input.view}, taps, *packed_->direct, offset, {output}, scale.data());
  }
  return y;
}

#endif

inline at::Tensor quantised_filters::convolved(const at::Tensor& x, const at::Tensor& further, const at::Tensor& bias, std::int64_t stride, std::int64_t padding) {
  const auto channels = x.size(1) + (further.defined() ? further.size(1) : 0);
  detail::require_shapes(x.dim() == 4 && channels == weight_.size(transposed_ ? 0 : 1), "convolving in 8 bits", x, weight_);
#if defined(AXONZOO_VECTORS)
  if (kernels::can_convolve(x) && x.scalar_type() == at::kFloat && channels * weight_.size(2) * weight_.size(3) <= detail::most_taps_direct) {
    return convolved_fast(x, further, bias, stride, padding);
  }
#endif
  return convolved_reference(further.defined() ? at::cat({x, further}, 1) : x, bias, stride, padding);
}

}  // namespace axonzoo
