#pragma once

#include <cstdint>
#include <string>

#include <axonzoo/infer/onnx/layers.hpp>
#include <axonzoo/models/sam/block_names.hpp>

namespace axonzoo::detail {

/// Applies `attend` to windows [n rows columns, window window, C], by their name, of tokens [n, side, side, C]; zeros are what lies beyond the right and lower edges.
template <class Attend>
std::string add_in_windows(onnx_layers& layers, const std::string& tokens, std::int64_t side, std::int64_t channels, std::int64_t window, const Attend& attend) {
  const auto count = (side + window - 1) / window, padded = count * window;
  const auto whole = layers.graph().node("Pad", {tokens, layers.graph().list({0, 0, 0, 0, 0, padded - side, padded - side, 0})});
  const auto cut = layers.transposed(layers.reshaped(whole, {-1, count, window, count, window, channels}), {0, 1, 3, 2, 4, 5});
  const auto windows = layers.reshaped(attend(layers.reshaped(cut, {-1, window * window, channels})), {-1, count, count, window, window, channels});
  const auto together = layers.reshaped(layers.transposed(windows, {0, 1, 3, 2, 4, 5}), {-1, padded, padded, channels});
  return layers.sliced(layers.sliced(together, 1, 0, side), 2, 0, side);
}

/// `sam_layers::block_layers::perceptron`.
inline std::string add_perceptron(onnx_layers& layers, const sam_block_names& name, const std::string& tokens, double epsilon) {
  return layers.linear(name.narrow, layers.gelu(layers.linear(name.widen, layers.layer_norm(name.middle, tokens, epsilon))));
}

/// `sam_layers::neck`.
inline std::string add_neck(onnx_layers& layers, const std::string& x) {
  const std::string name = "image_encoder.neck.";
  const auto narrowed = layers.channel_norm(name + "1", layers.convolution(name + "0", x, {}));
  return layers.channel_norm(name + "3", layers.convolution(name + "2", narrowed, {.padding = 1}));
}

}  // namespace axonzoo::detail
