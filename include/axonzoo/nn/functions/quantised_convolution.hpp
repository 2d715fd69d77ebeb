#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/sum.h>

#include <axonzoo/nn/functions/convolution.hpp>
#include <axonzoo/nn/kernels/band.hpp>
#include <axonzoo/nn/kernels/convolution.hpp>
#include <axonzoo/nn/kernels/in_turns.hpp>
#include <axonzoo/nn/kernels/rounding.hpp>
#include <axonzoo/nn/quantised_convolution.hpp>

namespace axonzoo {

#if defined(AXONZOO_VECTORS)

namespace detail {

/// Sums must fit 32 bits: Winograd's transforms make products up to 1020 * 1143 of inputs and weights up to 255 * 127.
inline constexpr std::int64_t most_channels_winograd = 1800, most_taps_direct = 66000;

inline kernels::weight_view view_of(const at::Tensor& w) {
  return {w.const_data_ptr<float>(), w.size(0), w.size(1), w.size(2), w.size(3), w.stride(0), w.stride(1), w.stride(2), w.stride(3)};
}

struct whole_image {
  kernels::scratch<std::int16_t> memory;
  kernels::pixels<const std::int16_t> view;
};

/// The channels of all inputs side by side as whole numbers; one of zeros after an odd number.
inline whole_image rounded(const std::vector<kernels::pixels<const float>>& inputs, const kernels::rounding& how) {
  std::int64_t channels = 0;
  for (const auto& input : inputs) channels += input.channels;
  const std::int64_t pitch = (channels + 1) / 2 * 2, images = inputs[0].images, height = inputs[0].height, width = inputs[0].width;
  whole_image made{kernels::scratch<std::int16_t>(images * height * width * pitch), {}};
  made.view = {made.memory.data(), images, height, width, pitch, height * width * pitch, width * pitch, pitch};
  kernels::in_shares(images * height, 1 + (1 << 14) / (width * pitch), [&](std::int64_t from, std::int64_t until) {
    for (std::int64_t row = from; row < until; ++row) {
      kernels::copy_row(inputs, row / height, row % height, 0, width, pitch, made.memory.data() + row * width * pitch, how);
    }
  });
  return made;
}

/// What sums of products with numbers that count from `lowest` begin with, for weights [K, ...], so that they become those of the numbers themselves.
inline std::vector<std::int32_t> sums_of_lowest(const at::Tensor& weights, int lowest) {
  const auto sums = weights.flatten(1).sum(1, false, at::kInt).mul(lowest);
  std::vector<std::int32_t> padded(static_cast<std::size_t>(sums.numel()) + 64);
  std::copy_n(sums.const_data_ptr<std::int32_t>(), sums.numel(), padded.begin());
  return padded;
}

/// Filters that multiply numbers of one type, and what their sums begin with (empty: 0).
template <class Whole>
struct whole_filters {
  kernels::packed_filters<Whole> filters;
  std::vector<std::int32_t> start;

  /// weights float32 [K, C, h, w], by any strides.
  whole_filters(const at::Tensor& weights, const activation_range& input) : filters(view_of(weights), {weights.size(0)}) {
    if constexpr (std::is_same_v<Whole, std::uint8_t>) start = sums_of_lowest(weights, input.lowest);
  }
};

/// Each made when it is first needed.
template <class Whole>
struct direct_filters {
  std::unique_ptr<whole_filters<Whole>> all;
  std::unique_ptr<whole_filters<Whole>> lines[2];  ///< of a transposed convolution, for each of the two output rows
};

}  // namespace detail

/// The filters as the kernels read them.
struct quantised_filters::packed {
  detail::direct_filters<std::int16_t> pairs;
  std::unique_ptr<kernels::winograd::transformed_filters<std::int16_t>> winograd;
#if defined(AXONZOO_AVX512_VNNI)
  detail::direct_filters<std::uint8_t> fours;
#endif
};

inline at::Tensor quantised_filters::convolved_fast(const at::Tensor& x, const at::Tensor& further, const at::Tensor& bias, std::int64_t stride, std::int64_t padding) {
  if (packed_ == nullptr) packed_ = std::make_shared<packed>();
  std::vector<at::Tensor> tensors{kernels::channels_together(x)};
  if (further.defined()) tensors.push_back(kernels::channels_together(further));
  const kernels::rounding how(input_);
  const std::int64_t outs = scale_.size(0), copies = transposed_ ? 2 : 1, height = x.size(2), width = x.size(3);
  const auto scale = kernels::padded_bias(scale_, copies), start = kernels::padded_bias(bias, copies);
  const float* const offset = start.empty() ? nullptr : start.data();
  const auto as_floats = [&] { return weight_.to(at::kFloat).contiguous(at::MemoryFormat::ChannelsLast); };
  const auto side = [&](std::int64_t d) { return transposed_ ? 2 * x.size(d) : (x.size(d) + 2 * padding - weight_.size(d)) / stride + 1; };
  const auto y = kernels::empty_channels_last({x.size(0), outs, side(2), side(3)}, x);
  const kernels::window taps{weight_.size(2), weight_.size(3), stride, -padding, -padding};
  const auto convolve = [&]<class T, class Whole>(T, detail::direct_filters<Whole>& filters) {
    const auto inputs = kernels::all_pixels_of<T>(tensors);
    const auto output = kernels::writable_pixels_of<T>(y);
    const auto add = [&](std::unique_ptr<detail::whole_filters<Whole>>& made, const auto& weights, const kernels::window& window, const kernels::pixels<T>& to) {
      if (made == nullptr) made = std::make_unique<detail::whole_filters<Whole>>(weights(), input_);
      kernels::convolve<T, Whole>(inputs, window, made->filters, offset, {to}, {how, scale.data(), made->start.empty() ? nullptr : made->start.data()});
    };
    if (!transposed_) return add(filters.all, as_floats, taps, output);
    const std::int64_t line = output.row_stride;
    for (std::int64_t row = 0; row < 2; ++row) {
      // the two pixels of a row are channels side by side
      const auto weights = [&] { return as_floats().select(2, row).permute({2, 1, 0}).reshape({2 * outs, -1, 1, 1}); };
      add(filters.lines[row], weights, {}, {output.data + row * line, x.size(0), height, width, 2 * outs, output.image_stride, 2 * line, 2 * outs});
    }
  };
#if defined(AXONZOO_AVX512_VNNI)
  if (kernels::multiplies_fours()) {
    kernels::with_kernel_element(x, [&](auto element) { convolve(element, packed_->fours); });
    return y;
  }
#endif
  const auto output = kernels::writable_pixels_of<float>(y);
  if (transposed_ || weight_.size(1) > detail::most_channels_winograd || !kernels::winograd_pays<float>(taps, weight_.size(1), outs, output)) {
    convolve(float{}, packed_->pairs);
    return y;
  }
  if (packed_->winograd == nullptr) {
    const auto weights = as_floats();
    packed_->winograd = std::make_unique<kernels::winograd::transformed_filters<std::int16_t>>(detail::view_of(weights), std::vector<std::int64_t>{outs});
  }
  const auto quarter = kernels::padded_bias(scale_.div(4), 1);
  kernels::winograd::convolve<std::int16_t, float>({detail::rounded(kernels::all_pixels_of<float>(tensors), how).view}, taps, *packed_->winograd, offset, {output}, quarter.data());
  return y;
}

#endif

inline at::Tensor quantised_filters::convolved(const at::Tensor& x, const at::Tensor& further, const at::Tensor& bias, std::int64_t stride, std::int64_t padding) {
  const auto channels = x.size(1) + (further.defined() ? further.size(1) : 0);
  detail::require_shapes(x.dim() == 4 && channels == weight_.size(transposed_ ? 0 : 1), "convolving in 8 bits", x, weight_);
#if defined(AXONZOO_VECTORS)
  if (x.scalar_type() == at::kBFloat16 && !(kernels::multiplies_fours() && kernels::available<c10::BFloat16>)) {
    return convolved(x.to(at::kFloat), further.defined() ? further.to(at::kFloat) : further, bias, stride, padding).to(at::kBFloat16);
  }
  if (kernels::can_convolve(x) && channels * weight_.size(2) * weight_.size(3) <= detail::most_taps_direct) {
    return convolved_fast(x, further, bias, stride, padding);
  }
#endif
  return convolved_reference(further.defined() ? at::cat({x, further}, 1) : x, bias, stride, padding);
}

}  // namespace axonzoo
