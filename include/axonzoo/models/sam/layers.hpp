#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/rsqrt.h>
#include <c10/core/GradMode.h>

#include <axonzoo/models/sam/block_names.hpp>
#include <axonzoo/nn/channel_split.hpp>
#include <axonzoo/nn/convolution.hpp>
#include <axonzoo/nn/split_linear.hpp>

namespace axonzoo {

/// Parameters and buffers by segment-anything's names.
using named_weights = std::map<std::string, at::Tensor>;

/// How an image encoder is run.
struct encoder_pass {
  bool training = false;                      ///< batch norms take the batch's own statistics
  bool recompute = false;                     ///< blocks keep their input alone for the backward pass (nn/recompute.hpp), unless `training`, which moves statistics
  std::vector<at::Tensor>* stages = nullptr;  ///< where to put what each stage of a TinyViT but the last gives, [B, C, H, W]
};

/// The layers that SAM's networks are made of. They hold tensors, never a width; all have segment-anything's names.
namespace sam_layers {

/// Those of a block: all whose names begin with `name` and a dot.
inline std::vector<at::Tensor> weights_under(const named_weights& from, const std::string& name) {
  std::vector<at::Tensor> found;
  for (auto at = from.lower_bound(name + "."); at != from.end() && at->first.starts_with(name + "."); ++at) found.push_back(at->second);
  return found;
}

struct linear {
  at::Tensor weight, bias;  ///< [K, C], [K]

  linear(const named_weights& from, const std::string& name) : weight(from.at(name + ".weight")), bias(from.at(name + ".bias")) {}
  [[nodiscard]] at::Tensor operator()(const at::Tensor& x) const { return axonzoo::linear(x, weight, bias); }

  /// As nn/split_linear.hpp says.
  [[nodiscard]] at::Tensor to_units(const at::Tensor& x, std::int64_t units, std::int64_t stretches = 1) const { return linear_to_units(x, weight, bias, units, stretches); }
  [[nodiscard]] at::Tensor from_units(const at::Tensor& own, std::int64_t units) const { return linear_from_units(own, weight, bias, units); }
};

/// Layer norm over the last dimension; x of any type, statistics in float32, result of type `to`.
struct layer_norm {
  at::Tensor weight, bias;  ///< [C]
  double epsilon;

  layer_norm(const named_weights& from, const std::string& name, double e)
      : weight(from.at(name + ".weight")), bias(from.at(name + ".bias")), epsilon(e) {}
  [[nodiscard]] at::Tensor operator()(const at::Tensor& x, c10::ScalarType to) const {
    return at::layer_norm(x.to(weight.scalar_type()), {x.size(-1)}, weight, bias, epsilon).to(to);
  }
  [[nodiscard]] at::Tensor operator()(const at::Tensor& x) const { return (*this)(x, x.scalar_type()); }
};

/// Exact GELU; of a temporary without gradients in its own memory.
[[nodiscard]] inline at::Tensor gelu(at::Tensor&& x) { return c10::GradMode::is_enabled() ? at::gelu(x) : at::gelu_(x); }

/// segment-anything's LayerNorm2d: over the channels of [B, C, H, W]; fast where the channels are last in memory.
struct channel_norm {
  layer_norm norm;

  channel_norm(const named_weights& from, const std::string& name) : norm(from, name, 1e-6) {}
  [[nodiscard]] at::Tensor operator()(const at::Tensor& x) const { return norm(x.permute({0, 2, 3, 1})).permute({0, 3, 1, 2}); }
};

/// Convolution without bias and batch norm. The norm is folded into the weights but when it trains.
struct conv_norm {
  at::Tensor weight, scale, shift, mean, variance;
  std::int64_t stride;

  conv_norm(const named_weights& from, const std::string& name, std::int64_t s = 1)
      : weight(from.at(name + ".c.weight")),
        scale(from.at(name + ".bn.weight")),
        shift(from.at(name + ".bn.bias")),
        mean(from.at(name + ".bn.running_mean")),
        variance(from.at(name + ".bn.running_var")),
        stride(s) {}

  /// Filters and bias of the convolution that both are when nothing trains.
  [[nodiscard]] std::pair<at::Tensor, at::Tensor> folded() const {
    const at::Tensor gain = gain_of(scale);
    return {weight * gain.view({-1, 1, 1, 1}), shift - mean * gain};
  }

  [[nodiscard]] at::Tensor operator()(const at::Tensor& x, bool training) const {
    if (training) return normed(convolve(x, weight, {}));
    const auto [filters, bias] = folded();
    return convolve(x, filters, bias);
  }

  /// The output channels that fall to this rank, of the input of all ranks that share layers (nn/channel_split.hpp) or, where each channel is alone, of this rank's channels.
  [[nodiscard]] at::Tensor to_units(const at::Tensor& x, bool training) const {
    conv_norm own = *this;
    for (auto* each : {&own.weight, &own.scale, &own.shift, &own.mean, &own.variance}) *each = channel_split::share(*each, 0);
    const at::Tensor y = own(x, training);
    if (training) {
      exchange_shares(mean);
      exchange_shares(variance);
    }
    return y;
  }

  /// All output channels of the input channels that fall to this rank.
  [[nodiscard]] at::Tensor from_units(const at::Tensor& x, bool training) const {
    const auto units = weight.size(1);
    if (!channel_split::splits(units)) return (*this)(x, training);
    const at::Tensor filters = channel_split::share(weight, 1);
    if (training) return normed(summed(convolve(x, filters, {}), units));
    const at::Tensor gain = gain_of(channel_split::common(scale, units));
    return summed(convolve(x, filters * gain.view({-1, 1, 1, 1}), channel_split::once(shift - mean * gain, units)), units);
  }

 private:
  [[nodiscard]] at::Tensor gain_of(const at::Tensor& of_scale) const { return of_scale * at::rsqrt(variance + 1e-5); }

  [[nodiscard]] at::Tensor normed(const at::Tensor& y) const {
    return at::batch_norm(y.to(at::kFloat), scale, shift, mean, variance, true, 0.1, 1e-5, false).to(y.scalar_type());
  }

  /// One filter a channel where the weight has one input channel and x has more.
  [[nodiscard]] at::Tensor convolve(const at::Tensor& x, const at::Tensor& filters, const at::Tensor& bias) const {
    const std::int64_t padding = filters.size(2) / 2;
    const at::Tensor y = filters.size(1) == x.size(1)
                             ? convolution(x, filters.contiguous(at::MemoryFormat::ChannelsLast), bias, stride, padding)
                             : at::conv2d(x, filters.to(x.scalar_type()), bias.defined() ? bias.to(x.scalar_type()) : bias, stride, padding, 1, x.size(1));
    mac_counter::add(y.numel() * filters.numel() / filters.size(0));
    return y;
  }
};

/// What the transformer blocks of both encoders have: a norm before attention and one before the MLP, and the linear layers of both.
struct block_layers {
  layer_norm before, middle;
  linear qkv, out, widen, narrow;

  block_layers(const named_weights& from, const detail::sam_block_names& name, double epsilon)
      : before(from, name.before, epsilon),
        middle(from, name.middle, epsilon),
        qkv(from, name.attention + ".qkv"),
        out(from, name.attention + ".proj"),
        widen(from, name.widen),
        narrow(from, name.narrow) {}

  /// What the MLP adds to the tokens [..., C] float32; it is computed in `type`.
  [[nodiscard]] at::Tensor perceptron(const at::Tensor& tokens, c10::ScalarType type) const {
    const auto hidden = widen.weight.size(0);
    return narrow.from_units(gelu(widen.to_units(middle(tokens, type), hidden)), hidden);
  }
};

/// The end of both encoders: 1x1 and 3x3 convolution, each with a norm over the channels. [B, C, H, W] to [B, 256, H, W].
struct neck {
  at::Tensor narrow, mix;
  channel_norm first, second;

  neck(const named_weights& from, const std::string& name)
      : narrow(from.at(name + ".0.weight")), mix(from.at(name + ".2.weight")), first(from, name + ".1"), second(from, name + ".3") {}
  [[nodiscard]] at::Tensor operator()(const at::Tensor& x) const { return second(convolved(first(convolved(x, narrow)), mix)); }

 private:
  [[nodiscard]] static at::Tensor convolved(const at::Tensor& x, const at::Tensor& filters) {
    const auto outs = filters.size(0);
    const at::Tensor y = convolution(summed_backward(x, outs), channel_split::share(filters, 0), {}, 1, filters.size(2) / 2);
    mac_counter::add(y.numel() * filters.numel() / outs);
    return joined(y, outs);
  }
};

}  // namespace sam_layers
}  // namespace axonzoo
