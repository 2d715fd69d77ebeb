#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <torch/nn/module.h>

#include <axonzoo/nn/batch_norm.hpp>
#include <axonzoo/nn/channel_split.hpp>
#include <axonzoo/nn/convolution.hpp>
#include <axonzoo/nn/gathered_layer.hpp>
#include <axonzoo/nn/instance_norm.hpp>
#include <axonzoo/nn/macs.hpp>
#include <axonzoo/nn/network.hpp>
#include <axonzoo/nn/quantisable.hpp>

namespace axonzoo {

/// He et al. 2015, for leaky ReLU of slope `a`: normal with variance 2 / ((1 + a^2) fan_in). Channels last in memory.
inline at::Tensor filter_bank(at::IntArrayRef shape, std::int64_t fan_in, double slope) {
  const double deviation = std::sqrt(2.0 / ((1 + slope * slope) * static_cast<double>(fan_in)));
  return at::empty(shape).normal_(0, deviation).contiguous(at::MemoryFormat::ChannelsLast);
}

/// Convolution [N, Cin, H, W] -> [N, Cout, H/stride, W/stride] with bias and no norm: the last layer of a network.
class conv_layer : public quantisable {
 public:
  conv_layer(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride = 1, bool bias = true)
      : quantisable(filter_bank({out, in, kernel, kernel}, in * kernel * kernel, 0.01), 0), stride_(stride) {
    if (bias) bias_ = register_parameter("bias", at::zeros({out}));
  }

  at::Tensor forward(const at::Tensor& x) {
    return with_weights([&] { return joined(share(x), weight_.size(0)); });
  }

  /// The output channels that fall to this rank, all where they are not split (channel_split).
  at::Tensor share(const at::Tensor& x) {
    activation_observer::look(this, x, {});
    if (quantised()) return counted(filters().convolved(x, {}, bias_, stride_, padding()));
    return counted(convolution(summed_backward(x, weight_.size(0)), channel_split::share(weight_, 0), channel_split::share(bias_, 0), stride_, padding(), kept()));
  }

  /// Of `a` and `b` one after the other in the channels.
  at::Tensor share(const at::Tensor& a, const at::Tensor& b) {
    activation_observer::look(this, a, b);
    if (quantised()) return counted(filters().convolved(a, b, bias_, stride_, padding()));
    return counted(convolution_of_concatenated(summed_backward(a, weight_.size(0)), summed_backward(b, weight_.size(0)), channel_split::share(weight_, 0),
                                               channel_split::share(bias_, 0), stride_, padding(), kept()));
  }

  [[nodiscard]] std::int64_t in_channels() const { return weight_.size(1); }

 private:
  [[nodiscard]] std::int64_t padding() const { return weight_.size(2) / 2; }

  at::Tensor counted(at::Tensor y) const {
    mac_counter::add(y.numel() * weight_.numel() / weight_.size(0));
    return y;
  }

  std::int64_t stride_;
  at::Tensor bias_;
};

/// Transposed convolution with kernel and stride 2: [N, Cin, H, W] -> [N, Cout, 2H, 2W]. Weight [Cin, Cout, 2, 2].
class up_layer : public quantisable {
 public:
  up_layer(std::int64_t in, std::int64_t out) : quantisable(filter_bank({in, out, 2, 2}, in, 0.01), 1), bias_(register_parameter("bias", at::zeros({out}))) {}

  at::Tensor forward(const at::Tensor& x) {
    activation_observer::look(this, x, {});
    const auto outs = weight_.size(1);
    return with_weights([&] {
      const auto y = quantised() ? filters().convolved(x, {}, bias_, 2, 0)
                                 : transposed_convolution_2x2(summed_backward(x, outs), channel_split::share(weight_, 1), channel_split::share(bias_, 0), kept());
      mac_counter::add(y.numel() * weight_.size(0));
      return joined(y, outs);
    });
  }

  [[nodiscard]] std::int64_t out_channels() const { return weight_.size(1); }

 private:
  at::Tensor bias_;
};

/// The affine part of a norm, and, for a norm over batches, its running statistics. All [C], fp32.
class norm_parameters : public torch::nn::Module {
 public:
  norm_parameters(std::int64_t channels, bool running)
      : weight(register_parameter("weight", at::ones({channels}))), bias(register_parameter("bias", at::zeros({channels}))) {
    if (running) {
      running_mean = register_buffer("running_mean", at::zeros({channels}));
      running_variance = register_buffer("running_var", at::ones({channels}));
    }
  }

  at::Tensor weight;
  at::Tensor bias;
  at::Tensor running_mean;
  at::Tensor running_variance;
};

/// What follows a convolution in a block.
enum class norm_kind {
  instance_leaky,  ///< instance norm, leaky ReLU 0.01 (nnU-Net; Isensee et al. 2021)
  batch_relu,      ///< batch norm, ReLU (VGG16 with batch norm; SegNet, Badrinarayanan et al. 2017)
};

/// Convolution of 3x3 or another odd kernel, affine norm, activation. The convolution has no bias: the norm would take it away.
class conv_block : public gathered_layer {
 public:
  conv_block(std::int64_t in, std::int64_t out, norm_kind kind, std::int64_t stride = 1, std::int64_t kernel = 3)
      : kind_(kind),
        conv_(register_module("conv", std::make_shared<conv_layer>(in, out, kernel, stride, false))),
        norm_(register_module("norm", std::make_shared<norm_parameters>(out, kind == norm_kind::batch_relu))) {}

  at::Tensor forward(const at::Tensor& x) {
    return with_weights([&] { return activated(conv_->share(x)); });
  }

  /// Of `a` and `b` one after the other in the channels: a decoder's input and its skip connection.
  at::Tensor forward(const at::Tensor& a, const at::Tensor& b) {
    return with_weights([&] { return activated(conv_->share(a, b)); });
  }

  /// Adds the axes that carry this block's output channels to `group`; `prefix` is the block's name in its network.
  void add_output_axes(channel_group& group, const std::string& prefix) const {
    group.channels = norm_->weight.size(0);
    group.axes.push_back({prefix + ".conv.weight", 0, 0});
    for (const auto& item : norm_->named_parameters()) group.axes.push_back({prefix + ".norm." + item.key(), 0, 0});
    for (const auto& item : norm_->named_buffers()) group.axes.push_back({prefix + ".norm." + item.key(), 0, 0});
  }

  [[nodiscard]] std::int64_t in_channels() const { return conv_->in_channels(); }
  [[nodiscard]] std::int64_t out_channels() const { return norm_->weight.size(0); }

 private:
  // takes a temporary, so that without gradients its memory is used again
  at::Tensor activated(at::Tensor&& x) {
    const auto outs = out_channels();
    const auto own = [](const at::Tensor& of_channels) { return channel_split::share(of_channels, 0); };
    if (kind_ == norm_kind::instance_leaky) return joined(instance_norm_leaky_relu(std::move(x), own(norm_->weight), own(norm_->bias), 1e-5, 0.01), outs);
    auto y = batch_norm_relu(std::move(x), own(norm_->weight), own(norm_->bias), own(norm_->running_mean), own(norm_->running_variance), is_training(), 0.1, 1e-5);
    if (is_training()) {
      exchange_shares(norm_->running_mean);
      exchange_shares(norm_->running_variance);
    }
    return joined(y, outs);
  }

  norm_kind kind_;
  std::shared_ptr<conv_layer> conv_;
  std::shared_ptr<norm_parameters> norm_;
};

}  // namespace axonzoo
