#pragma once

#include <cstdint>
#include <utility>

#include <ATen/core/Tensor.h>

#include <axonzoo/nn/convolution.hpp>
#include <axonzoo/nn/linear.hpp>
#include <axonzoo/nn/macs.hpp>
#include <axonzoo/nn/quantisable.hpp>

namespace axonzoo {

/// A weight that its owner multiplies with, in 8 bits once it is rounded: a matrix [K, C], which is a 1x1 convolution of rows then, or filters [K, C, h, w].
class product_layer : public quantisable {
 public:
  explicit product_layer(at::Tensor weight) : quantisable(std::move(weight), 0) {}

  [[nodiscard]] const at::Tensor& weight() const { return weight_; }

  /// Its owner may read the weight beside it.
  [[nodiscard]] bool gathers() const override { return false; }

  /// What `axonzoo::linear` does. `observed` as the layer's input, where its activations are looked at.
  [[nodiscard]] at::Tensor linear(const at::Tensor& x, const at::Tensor& bias, bool observed = true) {
    if (observed) activation_observer::look(this, x, {});
    if (!quantised()) return axonzoo::linear(x, weight_, bias);
    auto image = x;
    if (x.dim() != 4) {
      const std::int64_t rows = x.numel() / x.size(-1);
      std::int64_t width = rows < 64 ? rows : 64;  // what comes in pieces is shared by threads
      while (rows % width != 0) --width;
      image = image.reshape({1, rows / width, width, x.size(-1)});
    }
    const auto y = filters().convolved(image.permute({0, 3, 1, 2}), {}, bias, 1, 0).permute({0, 2, 3, 1});
    mac_counter::add(y.numel() * weight_.size(1));
    auto sizes = x.sizes().vec();
    sizes.back() = weight_.size(0);
    return y.reshape(sizes);
  }

  /// The convolution of x with the weight, each output channel of which is multiplied with `gain` [K] (undefined: 1), and padding that keeps the size at stride 1.
  /// Once the weight is rounded the gain must stay what it is.
  [[nodiscard]] at::Tensor convolved(const at::Tensor& x, const at::Tensor& gain, const at::Tensor& bias, std::int64_t stride) {
    activation_observer::look(this, x, {});
    const std::int64_t padding = weight_.size(2) / 2;
    if (quantised()) return filters(gain).convolved(x, {}, bias, stride, padding);
    const auto whole = gain.defined() ? weight_ * gain.view({-1, 1, 1, 1}) : weight_;
    return convolution(x, whole.contiguous(at::MemoryFormat::ChannelsLast), bias, stride, padding);
  }
};

}  // namespace axonzoo
