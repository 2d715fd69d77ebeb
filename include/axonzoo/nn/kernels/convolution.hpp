#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <axonzoo/nn/kept_filters.hpp>
#include <axonzoo/nn/kernels/amx.hpp>
#include <axonzoo/nn/kernels/channel_sums.hpp>
#include <axonzoo/nn/kernels/convolve.hpp>
#include <axonzoo/nn/kernels/pixels.hpp>
#include <axonzoo/nn/kernels/vector.hpp>
#include <axonzoo/nn/kernels/weight_gradient.hpp>
#include <axonzoo/nn/kernels/winograd_convolve.hpp>
#include <axonzoo/nn/kernels/winograd_gradient.hpp>

namespace axonzoo::kernels {

/// Whether this build has own kernels for x, and x is worth laying out for them.
inline bool can_convolve(const at::Tensor& x) {
  return x.device().is_cpu() && x.dim() == 4 && x.numel() > 0 && x.layout() == at::kStrided &&
         ((x.scalar_type() == at::kFloat && available<float>) || (x.scalar_type() == at::kBFloat16 && available<c10::BFloat16>));
}

/// x with its channels side by side, as it is if they are.
inline at::Tensor channels_together(const at::Tensor& x) {
  return x.size(1) == 1 || x.stride(1) == 1 ? x : x.contiguous(at::MemoryFormat::ChannelsLast);
}

/// Whether 3x3 convolutions at stride 1 may take Winograd's way.
inline std::atomic<bool>& winograd_allowed() {
  static std::atomic<bool> allowed{true};
  return allowed;
}

/// Whether whole numbers of 8 bits may be multiplied as such, not as pairs of 16.
inline std::atomic<bool>& fours_allowed() {
  static std::atomic<bool> allowed{true};
  return allowed;
}

/// Whether they are: where the processor does so.
inline bool multiplies_fours() {
#if defined(AXONZOO_AVX512_VNNI)
  return fours_allowed();
#else
  return false;
#endif
}

#if defined(AXONZOO_VECTORS)

template <class T>
pixels<const T> pixels_of(const at::Tensor& x) {
  return {x.const_data_ptr<T>(), x.size(0), x.size(2), x.size(3), x.size(1), x.stride(0), x.stride(2), x.stride(3)};
}

template <class T>
pixels<T> writable_pixels_of(const at::Tensor& x) {
  return {x.mutable_data_ptr<T>(), x.size(0), x.size(2), x.size(3), x.size(1), x.stride(0), x.stride(2), x.stride(3)};
}

inline at::Tensor empty_channels_last(at::IntArrayRef sizes, const at::Tensor& like) {
  return at::empty(sizes, like.options().memory_format(at::MemoryFormat::ChannelsLast));
}

/// Work(element) for the elements that have kernels.
template <class Work>
auto with_kernel_element([[maybe_unused]] const at::Tensor& x, const Work& work) {
  if constexpr (available<c10::BFloat16>) {
    if (x.scalar_type() == at::kBFloat16) return work(c10::BFloat16{});
  }
  return work(float{});
}

/// `copies` of the bias with zeros after, as `convolve` reads it; empty without a bias.
inline std::vector<float> padded_bias(const at::Tensor& bias, std::int64_t copies) {
  if (!bias.defined()) return {};
  const auto count = static_cast<std::size_t>(bias.numel());
  std::vector<float> values(count * static_cast<std::size_t>(copies) + 64);
  const at::Tensor single = bias.contiguous();
  for (std::int64_t c = 0; c < copies; ++c) std::copy_n(single.const_data_ptr<float>(), count, values.begin() + c * static_cast<std::int64_t>(count));
  return values;
}

template <class T>
std::vector<pixels<const T>> all_pixels_of(const std::vector<at::Tensor>& xs) {
  std::vector<pixels<const T>> views;
  for (const auto& x : xs) views.push_back(pixels_of<T>(x));
  return views;
}

/// Whether it takes clearly less time: products fall by 2.25, but the transforms cost the more the fewer channels share them.
template <class T>
bool winograd_pays(const window& taps, std::int64_t ins, std::int64_t outs, const pixels<T>& output) {
  if (amx::multiplies<factor<std::remove_const_t<T>>>()) return false;  // the transforms would take longer than the products
  const std::int64_t tiles = output.images * ((output.height + 1) / 2) * ((output.width + 1) / 2);
  return taps.rows == 3 && taps.columns == 3 && taps.stride == 1 && tiles >= 16 && std::min(ins, outs) >= 16 &&
         (sizeof(T) == 4 || ins + outs >= 64) && winograd_allowed();
}

/// Filters for T, each kind made when it is first needed.
template <class T>
struct packs {
  std::unique_ptr<packed_filters<factor<T>>> direct, second;  ///< of a transposed convolution, for the two output rows
  std::unique_ptr<winograd::transformed_filters<factor<T>>> winograd;

  /// Those in `kept`; null where that is.
  static packs* of(kept_filters* kept) {
    if (kept == nullptr) return nullptr;
    auto& slot = std::is_same_v<T, float> ? kept->of_float : kept->of_bfloat16;
    if (slot == nullptr) slot = std::make_shared<packs>();
    return static_cast<packs*>(slot.get());
  }
};

/// work(filters made of the weights), which stay in `kept` where there is one.
template <class Filters, class Work>
void with_filters(std::unique_ptr<Filters>* kept, const weight_view& weights, const std::vector<std::int64_t>& channels, const Work& work) {
  if (kept == nullptr) return work(Filters(weights, channels));
  if (*kept == nullptr) *kept = std::make_unique<Filters>(weights, channels);
  work(**kept);
}

/// The faster of the ways to convolve.
template <class T>
void convolve_best(const std::vector<pixels<const T>>& inputs, const window& taps, const weight_view& weights,
                   const std::vector<std::int64_t>& channels, const float* bias, const std::vector<pixels<T>>& outputs, packs<T>* kept = nullptr) {
  if (winograd_pays<T>(taps, weights.ins, weights.outs, outputs.front())) {
    with_filters(kept ? &kept->winograd : nullptr, weights, channels, [&](const auto& filters) { winograd::convolve<T>(inputs, taps, filters, bias, outputs); });
  } else {
    with_filters(kept ? &kept->direct : nullptr, weights, channels, [&](const auto& filters) { convolve<T>(inputs, taps, filters, bias, outputs); });
  }
}

/// Inputs side by side in the channels, convolved.
inline at::Tensor convolve_forward(const std::vector<at::Tensor>& xs, const at::Tensor& weight, const at::Tensor& bias,
                                   std::int64_t stride, std::int64_t padding, kept_filters* kept = nullptr) {
  const at::Tensor& x = xs.front();
  const auto side = [&](std::int64_t d) { return (x.size(d) + 2 * padding - weight.size(d)) / stride + 1; };
  const at::Tensor y = empty_channels_last({x.size(0), weight.size(0), side(2), side(3)}, x);
  const std::vector<float> start = padded_bias(bias, 1);
  with_kernel_element(x, [&](auto element) {
    using T = decltype(element);
    const weight_view weights{weight.const_data_ptr<float>(), weight.size(0), weight.size(1), weight.size(2), weight.size(3),
                              weight.stride(0), weight.stride(1), weight.stride(2), weight.stride(3)};
    convolve_best<T>(all_pixels_of<T>(xs), {weight.size(2), weight.size(3), stride, -padding, -padding}, weights, {weight.size(0)},
                     start.empty() ? nullptr : start.data(), {writable_pixels_of<T>(y)}, packs<T>::of(kept));
  });
  return y;
}

/// Gradients of the inputs, which have `channels` each. Every phase of the stride is a convolution of its own with the taps that
/// meet it, mirrored.
inline std::vector<at::Tensor> convolve_input_gradients(const at::Tensor& gradient, const at::Tensor& weight, at::IntArrayRef sizes,
                                                        const std::vector<std::int64_t>& channels, std::int64_t stride,
                                                        std::int64_t padding) {
  std::vector<at::Tensor> results;
  for (const auto count : channels) results.push_back(empty_channels_last({sizes[0], count, sizes[2], sizes[3]}, gradient));
  with_kernel_element(gradient, [&](auto element) {
    using T = decltype(element);
    for (std::int64_t phase = 0; phase < stride * stride; ++phase) {
      const std::int64_t at[2] = {phase / stride, phase % stride};
      std::int64_t first[2], taps[2], begin[2];
      for (int d = 0; d < 2; ++d) {
        first[d] = (at[d] + padding) % stride;
        taps[d] = first[d] < weight.size(2 + d) ? (weight.size(2 + d) - first[d] + stride - 1) / stride : 0;
        begin[d] = (at[d] + padding - first[d]) / stride - (taps[d] - 1);
      }
      std::vector<pixels<T>> outputs;
      for (const auto& result : results) {
        pixels<T> view = writable_pixels_of<T>(result);
        view.data += at[0] * view.row_stride + at[1] * view.pixel_stride;
        view.height = (view.height - at[0] + stride - 1) / stride;
        view.width = (view.width - at[1] + stride - 1) / stride;
        view.row_stride *= stride;
        view.pixel_stride *= stride;
        outputs.push_back(view);
      }
      if (outputs.front().height <= 0 || outputs.front().width <= 0) continue;
      if (taps[0] == 0 || taps[1] == 0) {
        for (const auto& result : results) {
          result.slice(2, at[0], result.size(2), stride).slice(3, at[1], result.size(3), stride).zero_();
        }
        continue;
      }
      const std::int64_t last_row = first[0] + (taps[0] - 1) * stride, last_column = first[1] + (taps[1] - 1) * stride;
      const weight_view weights{weight.const_data_ptr<float>() + last_row * weight.stride(2) + last_column * weight.stride(3),
                                weight.size(1), weight.size(0), taps[0], taps[1],
                                weight.stride(1), weight.stride(0), -stride * weight.stride(2), -stride * weight.stride(3)};
      convolve_best<T>({pixels_of<T>(gradient)}, {taps[0], taps[1], 1, begin[0], begin[1]}, weights, channels, nullptr, outputs);
    }
  });
  return results;
}

/// float32 gradient of the weight, laid out as it is.
inline at::Tensor convolve_weight_gradient(const std::vector<at::Tensor>& xs, const at::Tensor& gradient, const at::Tensor& weight,
                                           std::int64_t stride, std::int64_t padding) {
  const at::Tensor result = at::empty_like(weight);
  with_kernel_element(gradient, [&](auto element) {
    using T = decltype(element);
    const window taps{weight.size(2), weight.size(3), stride, -padding, -padding};
    const weight_gradient_view view{result.mutable_data_ptr<float>(), weight.size(0), weight.size(1), weight.size(2), weight.size(3),
                                    result.stride(0), result.stride(1), result.stride(2), result.stride(3)};
    const auto of_output = pixels_of<T>(gradient);
    if (winograd_pays(taps, view.ins, view.outs, of_output)) {
      winograd::weight_gradient<T>(all_pixels_of<T>(xs), taps, of_output, view);
    } else {
      weight_gradient<T>(all_pixels_of<T>(xs), taps, of_output, view);
    }
  });
  return result;
}

/// float32 gradient of a bias: the sum over all pixels.
inline at::Tensor bias_gradient(const at::Tensor& gradient) {
  const at::Tensor sums = at::empty({gradient.size(1)}, gradient.options().dtype(at::kFloat).memory_format(at::MemoryFormat::Contiguous));
  with_kernel_element(gradient, [&](auto element) {
    channel_sums<decltype(element)>(pixels_of<decltype(element)>(gradient), sums.mutable_data_ptr<float>());
  });
  return sums;
}

/// Transposed convolution, kernel 2 and stride 2: for each of the two output rows of an input row, a 1x1 convolution to twice
/// the channels, which are the two output pixels of an input pixel.
inline at::Tensor upsample_forward(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, kept_filters* kept = nullptr) {
  const std::int64_t outs = weight.size(1), height = x.size(2), width = x.size(3);
  const at::Tensor y = empty_channels_last({x.size(0), outs, 2 * height, 2 * width}, x);
  const at::Tensor rows = weight.contiguous(at::MemoryFormat::ChannelsLast);  // [C][2][2][K]
  const std::vector<float> start = padded_bias(bias, 2);
  with_kernel_element(x, [&](auto element) {
    using T = decltype(element);
    auto* const own = packs<T>::of(kept);
    for (std::int64_t row = 0; row < 2; ++row) {
      const weight_view weights{rows.const_data_ptr<float>() + row * 2 * outs, 2 * outs, x.size(1), 1, 1, 1, 4 * outs, 0, 0};
      const std::int64_t line = 2 * width * outs;
      const pixels<T> output{y.mutable_data_ptr<T>() + row * line, x.size(0), height, width, 2 * outs, 2 * height * line, 2 * line, 2 * outs};
      with_filters(own == nullptr ? nullptr : row == 0 ? &own->direct : &own->second, weights, {2 * outs},
                   [&](const auto& filters) { convolve<T>({pixels_of<T>(x)}, {}, filters, start.empty() ? nullptr : start.data(), {output}); });
    }
  });
  return y;
}

inline at::Tensor upsample_input_gradient(const at::Tensor& gradient, const at::Tensor& weight) {
  const at::Tensor result = empty_channels_last({gradient.size(0), weight.size(0), gradient.size(2) / 2, gradient.size(3) / 2}, gradient);
  with_kernel_element(gradient, [&](auto element) {
    using T = decltype(element);
    const weight_view weights{weight.const_data_ptr<float>(), weight.size(0), weight.size(1), 2, 2,
                              weight.stride(0), weight.stride(1), weight.stride(2), weight.stride(3)};
    convolve<T>({pixels_of<T>(gradient)}, {2, 2, 2, 0, 0}, packed_filters<factor<T>>(weights, {weight.size(0)}), nullptr, {writable_pixels_of<T>(result)});
  });
  return result;
}

inline at::Tensor upsample_weight_gradient(const at::Tensor& x, const at::Tensor& gradient, const at::Tensor& weight) {
  const at::Tensor result = at::empty_like(weight);
  with_kernel_element(x, [&](auto element) {
    using T = decltype(element);
    weight_gradient<T>({pixels_of<T>(gradient)}, {2, 2, 2, 0, 0}, pixels_of<T>(x),
                       {result.mutable_data_ptr<float>(), weight.size(0), weight.size(1), 2, 2,
                        result.stride(0), result.stride(1), result.stride(2), result.stride(3)});
  });
  return result;
}

#endif

}  // namespace axonzoo::kernels
