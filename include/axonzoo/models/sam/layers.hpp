#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/rsqrt.h>
#include <c10/core/DispatchKeySet.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <axonzoo/models/sam/block_names.hpp>
#include <axonzoo/nn/channel_split.hpp>
#include <axonzoo/nn/convolution.hpp>
#include <axonzoo/nn/gelu.hpp>
#include <axonzoo/nn/layer_norm.hpp>
#include <axonzoo/nn/linear.hpp>
#include <axonzoo/nn/macs.hpp>
#include <axonzoo/nn/product_layer.hpp>
#include <axonzoo/nn/split_linear.hpp>

namespace axonzoo {

/// Parameters and buffers by segment-anything's names.
struct named_weights : std::map<std::string, at::Tensor> {
  /// Those that multiply, without ".weight", where a network has them as layers that can be rounded to 8 bits.
  std::map<std::string, std::shared_ptr<product_layer>> layers;

  /// Null where there is none.
  [[nodiscard]] std::shared_ptr<product_layer> layer(const std::string& name) const {
    const auto found = layers.find(name);
    return found == layers.end() ? nullptr : found->second;
  }
};

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

/// Whether there is one, and this rank multiplies with all of it.
inline bool is_whole(const std::shared_ptr<product_layer>& layer) { return layer != nullptr && channel_split::active() == nullptr; }

struct linear {
  at::Tensor weight, bias;  ///< [K, C], [K]
  std::shared_ptr<product_layer> layer;

  linear(const named_weights& from, const std::string& name) : weight(from.at(name + ".weight")), bias(from.at(name + ".bias")), layer(from.layer(name)) {}
  [[nodiscard]] at::Tensor operator()(const at::Tensor& x) const { return layer ? layer->linear(x, bias) : axonzoo::linear(x, weight, bias); }

  /// As nn/split_linear.hpp says. `observed` is false of a constant beside what comes in.
  [[nodiscard]] at::Tensor to_units(const at::Tensor& x, std::int64_t units, std::int64_t stretches = 1, bool observed = true) const {
    return is_whole(layer) ? layer->linear(x, bias, observed) : linear_to_units(x, weight, bias, units, stretches);
  }
  [[nodiscard]] at::Tensor from_units(const at::Tensor& own, std::int64_t units) const {
    return is_whole(layer) ? layer->linear(own, bias) : linear_from_units(own, weight, bias, units);
  }
};

/// Layer norm over the last dimension; x of any type, statistics in float32, result of type `to`.
struct layer_norm {
  at::Tensor weight, bias;  ///< [C]
  double epsilon;

  layer_norm(const named_weights& from, const std::string& name, double e)
      : weight(from.at(name + ".weight")), bias(from.at(name + ".bias")), epsilon(e) {}
  [[nodiscard]] at::Tensor operator()(const at::Tensor& x, c10::ScalarType to) const {
    return axonzoo::layer_norm(x, {}, weight, bias, epsilon, to);
  }
  [[nodiscard]] at::Tensor operator()(const at::Tensor& x) const { return (*this)(x, x.scalar_type()); }
  /// Of x + added, which may be one for all of the other.
  [[nodiscard]] at::Tensor of_sum(const at::Tensor& x, const at::Tensor& added) const {
    return x.sizes() == added.sizes() ? axonzoo::layer_norm(x, added, weight, bias, epsilon, x.scalar_type()) : (*this)(x + added);
  }
};

/// segment-anything's LayerNorm2d: over the channels of [B, C, H, W]; fast where the channels are last in memory.
struct channel_norm {
  layer_norm norm;

  channel_norm(const named_weights& from, const std::string& name) : norm(from, name, 1e-6) {}
  [[nodiscard]] at::Tensor operator()(const at::Tensor& x, after_norm after = after_norm::nothing) const {
    const at::Tensor y = axonzoo::layer_norm(x.permute({0, 2, 3, 1}), {}, norm.weight, norm.bias, norm.epsilon, x.scalar_type(), after);
    return y.permute({0, 3, 1, 2});
  }
};

/// Convolution without bias and batch norm. The norm is folded into the weights but when it trains.
struct conv_norm {
  at::Tensor weight, scale, shift, mean, variance;
  std::int64_t stride;
  std::shared_ptr<product_layer> layer;

  conv_norm(const named_weights& from, const std::string& name, std::int64_t s = 1)
      : weight(from.at(name + ".c.weight")),
        scale(from.at(name + ".bn.weight")),
        shift(from.at(name + ".bn.bias")),
        mean(from.at(name + ".bn.running_mean")),
        variance(from.at(name + ".bn.running_var")),
        stride(s),
        layer(from.layer(name + ".c")) {}

  /// Filters and bias of the convolution that both are when nothing trains.
  [[nodiscard]] std::pair<at::Tensor, at::Tensor> folded() const {
    const auto [gain, bias] = affine();
    return {weight * gain.view({-1, 1, 1, 1}), bias};
  }

  [[nodiscard]] at::Tensor operator()(const at::Tensor& x, bool training) const {
    if (training) return normed(convolve(x, weight, {}));
    if (layer == nullptr || weight.size(1) != x.size(1)) {
      const auto [filters, bias] = folded();
      return convolve(x, filters, bias);
    }
    const auto [gain, bias] = affine();
    const at::Tensor y = layer->convolved(x, gain, bias, stride);
    mac_counter::add(y.numel() * weight.numel() / weight.size(0));
    return y;
  }

  /// The output channels that fall to this rank, of the input of all ranks that share layers (nn/channel_split.hpp) or, where each channel is alone, of this rank's channels.
  [[nodiscard]] at::Tensor to_units(const at::Tensor& x, bool training) const {
    if (!channel_split::splits(weight.size(0))) return (*this)(x, training);
    conv_norm own = *this;
    own.layer.reset();
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
  /// What the norm multiplies with and adds.
  [[nodiscard]] std::pair<at::Tensor, at::Tensor> affine() const {
    const at::Tensor gain = gain_of(scale);
    return {gain, shift - mean * gain};
  }

  [[nodiscard]] at::Tensor gain_of(const at::Tensor& of_scale) const { return of_scale * at::rsqrt(variance + 1e-5); }

  [[nodiscard]] at::Tensor normed(const at::Tensor& y) const {
    return at::batch_norm(y.to(at::kFloat), scale, shift, mean, variance, true, 0.1, 1e-5, false).to(y.scalar_type());
  }

  /// One filter a channel where the weight has one input channel and x has more.
  [[nodiscard]] at::Tensor convolve(const at::Tensor& x, const at::Tensor& filters, const at::Tensor& bias) const {
    const std::int64_t padding = filters.size(2) / 2;
    at::Tensor y;
    if (filters.size(1) == x.size(1)) {
      y = convolution(x, filters.contiguous(at::MemoryFormat::ChannelsLast), bias, stride, padding);
    } else {
      const c10::impl::ExcludeDispatchKeyGuard as_written(c10::autocast_dispatch_keyset);
      const auto type = product_type(x);
      y = at::conv2d(x.to(type), filters.to(type), bias.defined() ? bias.to(type) : bias, stride, padding, 1, x.size(1)).to(x.scalar_type());
    }
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
    return narrow.from_units(axonzoo::gelu(widen.to_units(middle(tokens, type), hidden)), hidden);
  }
};

/// Convolution without bias, padded to keep the size.
struct filters {
  at::Tensor weight;
  std::shared_ptr<product_layer> layer;

  filters(const named_weights& from, const std::string& name) : weight(from.at(name + ".weight")), layer(from.layer(name)) {}
  [[nodiscard]] at::Tensor operator()(const at::Tensor& x) const {
    const auto outs = weight.size(0);
    const at::Tensor y = is_whole(layer) ? layer->convolved(x, {}, {}, 1)
                                         : convolution(summed_backward(x, outs), channel_split::share(weight, 0), {}, 1, weight.size(2) / 2);
    mac_counter::add(y.numel() * weight.numel() / outs);
    return joined(y, outs);
  }
};

/// The end of both encoders: 1x1 and 3x3 convolution, each with a norm over the channels. [B, C, H, W] to [B, 256, H, W].
struct neck {
  filters narrow, mix;
  channel_norm first, second;

  neck(const named_weights& from, const std::string& name) : narrow(from, name + ".0"), mix(from, name + ".2"), first(from, name + ".1"), second(from, name + ".3") {}
  [[nodiscard]] at::Tensor operator()(const at::Tensor& x) const { return second(mix(first(narrow(x)))); }
};

}  // namespace sam_layers
}  // namespace axonzoo
