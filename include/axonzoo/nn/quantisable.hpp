#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/amax.h>
#include <ATen/ops/aminmax.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/ones_like.h>
#include <c10/util/StringUtil.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/nn/activation_range.hpp>
#include <axonzoo/nn/channel_split.hpp>
#include <axonzoo/nn/gathered_layer.hpp>
#include <axonzoo/nn/kept_filters.hpp>
#include <axonzoo/nn/quantised_convolution.hpp>

namespace axonzoo {

class quantisable;

/// While it lives, what layers of this thread take in is looked at: the mean over forward passes of the least and of the greatest number.
class activation_observer {
 public:
  struct seen {
    double low = 0, high = 0;  ///< sums over passes
    std::int64_t passes = 0;
  };

  activation_observer() : outer_(std::exchange(active(), this)) {}
  ~activation_observer() { active() = outer_; }
  activation_observer(const activation_observer&) = delete;
  activation_observer& operator=(const activation_observer&) = delete;

  [[nodiscard]] const std::map<const quantisable*, seen>& layers() const { return layers_; }

  static void look(const quantisable* layer, const at::Tensor& x, const at::Tensor& further) {
    if (active() == nullptr) return;
    auto [low, high] = extremes(x);
    if (further.defined()) {
      const auto [other_low, other_high] = extremes(further);
      low = std::min(low, other_low);
      high = std::max(high, other_high);
    }
    auto& sums = active()->layers_[layer];
    sums.low += low;
    sums.high += high;
    ++sums.passes;
  }

 private:
  static std::pair<double, double> extremes(const at::Tensor& x) {
    const auto [low, high] = at::aminmax(x.detach());
    return {low.item<double>(), high.item<double>()};
  }
  static activation_observer*& active() {
    thread_local activation_observer* observer = nullptr;
    return observer;
  }

  activation_observer* outer_;
  std::map<const quantisable*, seen> layers_;
};

/// A layer of filters that can be stored, and multiplied, in 8 bits. Its tensors are then "weight" in int8, "weight_scale" [K] and "input_range" [2], the scale
/// and the lowest whole number of what comes in.
class quantisable : public gathered_layer {
 public:
  [[nodiscard]] bool quantised() const { return weight_.scalar_type() == at::kChar; }

  /// Channels on the side that has fewer.
  [[nodiscard]] std::int64_t narrowest() const { return std::min(weight_.size(0), weight_.size(1)); }

  /// From now on the weight stays as it is: what kernels make of it is kept.
  void keep_filters() { kept_ = std::make_shared<kept_filters>(); }

  /// Rounds the weight, each output channel by its own largest; from now on the layer takes no gradients.
  void quantise(const activation_range& input) {
    const auto w = weight_.detach().to(at::kFloat);
    std::vector<std::int64_t> others;
    for (std::int64_t axis = 0; axis < w.dim(); ++axis) {
      if (axis != output_axis_) others.push_back(axis);
    }
    const auto largest = w.abs().amax(others), scale = at::where(largest > 0, largest / 127, at::ones_like(largest));
    std::vector<std::int64_t> shape(static_cast<std::size_t>(w.dim()), 1);
    shape[static_cast<std::size_t>(output_axis_)] = -1;
    take_rounded(w.div(scale.view(shape)).round().clamp(-127, 127).to(at::kChar), scale, at::tensor({input.scale, static_cast<float>(input.lowest)}, w.options()));
  }

  /// Takes the tensors of a layer that was rounded.
  void take_rounded(const at::Tensor& weight, const at::Tensor& weight_scale, const at::Tensor& input_range) {
    if (weight.scalar_type() != at::kChar || weight.sizes() != weight_.sizes() || weight_scale.sizes() != at::IntArrayRef{weight.size(output_axis_)} || input_range.numel() != 2) {
      throw error("cannot take a weight in 8 bits", "it has the shape " + c10::str(weight.sizes()) + " and scales of " + c10::str(weight_scale.sizes()), "give a checkpoint that is whole");
    }
    kept_ = nullptr;
    weight_.requires_grad_(false);
    weight_.mutable_grad() = at::Tensor();
    weight_.set_data(weight);
    weight_scale_ = register_buffer("weight_scale", weight_scale);
    input_range_ = register_buffer("input_range", input_range);
  }

 protected:
  /// Registers the weight; its output channels lie along `output_axis`.
  quantisable(at::Tensor weight, std::int64_t output_axis) : weight_(register_parameter("weight", std::move(weight))), output_axis_(output_axis) {}

  /// Of a layer that is quantised: its filters, packed, each output channel multiplied with `gain` [K] where one is given.
  quantised_filters& filters(const at::Tensor& gain = {}) {
    if (filters_ == nullptr || !filters_->made_of(weight_)) {
      const auto numbers = input_range_.cpu();
      const double scale = numbers[0].item<double>(), lowest = numbers[1].item<double>();
      if (!(scale > 0 && std::isfinite(scale) && lowest >= -255 && lowest <= 0)) {
        throw error("cannot convolve in 8 bits", "the range of a layer's input is " + c10::str(scale, " x ", lowest), "give a checkpoint that is whole");
      }
      const activation_range input{static_cast<float>(scale), static_cast<int>(lowest)};
      const auto weight = weight_.dim() == 2 ? weight_.detach().view({weight_.size(0), -1, 1, 1}) : weight_.detach();
      filters_ = std::make_shared<quantised_filters>(weight, gain.defined() ? weight_scale_ * gain : weight_scale_, input, output_axis_ == 1);
    }
    return *filters_;
  }

  /// Null where nothing is kept, or ranks share the layer.
  [[nodiscard]] kept_filters* kept() const { return channel_split::active() == nullptr ? kept_.get() : nullptr; }

  at::Tensor weight_;

 private:
  std::shared_ptr<kept_filters> kept_;
  std::int64_t output_axis_;
  at::Tensor weight_scale_, input_range_;
  std::shared_ptr<quantised_filters> filters_;
};

/// Of a network that does not train any more: its convolutions keep their filters as kernels read them, which takes as much memory again and spares a pass over them each time.
inline void keep_filters(torch::nn::Module& net) {
  for (const auto& module : net.modules()) {
    if (auto* layer = dynamic_cast<quantisable*>(module.get())) layer->keep_filters();
  }
}

}  // namespace axonzoo
