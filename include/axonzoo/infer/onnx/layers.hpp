#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/scalar_tensor.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/io/onnx_graph.hpp>

namespace axonzoo {

/// The layers that networks share, as nodes of an ONNX graph. Values are names; layers are those of a network's named tensors.
class onnx_layers {
 public:
  using value = std::string;

  /// How a convolution goes over its input.
  struct steps {
    std::int64_t stride = 1, padding = 0, groups = 1;
  };

  /// `origin` ("'a.pth'") is for sentences.
  onnx_layers(const std::map<std::string, at::Tensor>& tensors, onnx_graph& graph, std::string origin) : tensors_(tensors), graph_(graph), origin_(std::move(origin)) {}

  [[nodiscard]] onnx_graph& graph() { return graph_; }
  [[nodiscard]] bool has(const std::string& name) const { return tensors_.contains(name); }

  /// Throws `error` where there is no such tensor.
  [[nodiscard]] const at::Tensor& tensor(const std::string& name) const {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) throw error("cannot export " + origin_ + " to ONNX", "it lacks " + name, "give a checkpoint that is whole");
    return found->second;
  }

  /// In float32; the name is that of no other.
  value constant(const std::string& name, const at::Tensor& given) {
    const auto values = given.detach().cpu().to(at::kFloat).contiguous();
    return graph_.weights(name, values.sizes().vec(), values.const_data_ptr<float>(), static_cast<std::size_t>(values.numel()));
  }

  value weight(const std::string& name) { return constant(name, tensor(name)); }

  value number(double given) {
    const auto [known, is_new] = numbers_.emplace(given, "number_" + std::to_string(numbers_.size()));
    return is_new ? constant(known->second, at::scalar_tensor(given)) : known->second;
  }

  value sum(const value& a, const value& b) { return graph_.node("Add", {a, b}); }
  value product(const value& a, const value& b) { return graph_.node("Mul", {a, b}); }
  value joined(const std::vector<value>& values, std::int64_t axis) { return graph_.node("Concat", values, {{"axis", axis}}); }
  value transposed(const value& x, const onnx_graph::integers& axes) { return graph_.node("Transpose", {x}, {{"perm", axes}}); }

  /// 0 keeps a side, -1 takes what is left.
  value reshaped(const value& x, const onnx_graph::integers& sizes) { return graph_.node("Reshape", {x, graph_.list(sizes)}); }

  /// Entries begin ... end - 1 of an axis.
  value sliced(const value& x, std::int64_t axis, std::int64_t begin, std::int64_t end) {
    return graph_.node("Slice", {x, graph_.list({begin}), graph_.list({end}), graph_.list({axis})});
  }

  /// `bias` may be undefined.
  value convolution(const std::string& name, const value& x, const at::Tensor& filters, const at::Tensor& bias, const steps& how) {
    std::vector<value> from = {x, constant(name + ".weight", filters)};
    if (bias.defined()) from.push_back(constant(name + ".bias", bias));
    const auto side = filters.size(2), padding = how.padding;
    return graph_.node("Conv", from, {{"kernel_shape", {side, side}}, {"pads", {padding, padding, padding, padding}}, {"strides", {how.stride, how.stride}}, {"group", how.groups}});
  }

  value convolution(const std::string& name, const value& x, const steps& how) {
    return convolution(name, x, tensor(name + ".weight"), has(name + ".bias") ? tensor(name + ".bias") : at::Tensor(), how);
  }

  /// `transposed_convolution_2x2`.
  value transposed_convolution(const std::string& name, const value& x) {
    return graph_.node("ConvTranspose", {x, weight(name + ".weight"), weight(name + ".bias")}, {{"kernel_shape", {2, 2}}, {"strides", {2, 2}}});
  }

  value linear(const std::string& name, const value& x, const at::Tensor& rows, const at::Tensor& bias) {
    return sum(graph_.node("MatMul", {x, constant(name + ".weight", rows.t())}), constant(name + ".bias", bias));
  }

  value linear(const std::string& name, const value& x) { return linear(name, x, tensor(name + ".weight"), tensor(name + ".bias")); }

  /// Over the last side. The mean is taken off first, which changes nothing but rounding: ONNX Runtime finds the variance as a difference of squares, in which few levels that
  /// are nearly alike lose all digits.
  value layer_norm(const std::string& name, const value& x, double epsilon) {
    const auto centred = graph_.node("Sub", {x, graph_.node("ReduceMean", {x}, {{"axes", onnx_graph::integers{-1}}, {"keepdims", 1}})});
    return graph_.node("LayerNormalization", {centred, weight(name + ".weight"), weight(name + ".bias")}, {{"axis", -1}, {"epsilon", epsilon}});
  }

  /// `sam_layers::channel_norm`: over the channels of [n, C, H, W].
  value channel_norm(const std::string& name, const value& x) { return transposed(layer_norm(name, transposed(x, {0, 2, 3, 1}), 1e-6), {0, 3, 1, 2}); }

  value relu(const value& x) { return graph_.node("Relu", {x}); }

  /// Exact; operator set 17 has no word for it.
  value gelu(const value& x) {
    const auto share = sum(graph_.node("Erf", {product(x, number(1 / std::numbers::sqrt2))}), number(1));
    return product(product(x, share), number(0.5));
  }

  /// [B, N, heads d] as [B, heads, N, d], or as keys are multiplied: [B, heads, d, N].
  value heads_apart(const value& x, std::int64_t heads, bool as_keys = false) {
    return transposed(reshaped(x, {0, 0, heads, -1}), as_keys ? onnx_graph::integers{0, 2, 3, 1} : onnx_graph::integers{0, 2, 1, 3});
  }

  /// scale q k^T of heads, [B, heads, N, M], for q [B, heads, N, d] and k [B, M, heads d].
  value scores(const value& q, const value& k, std::int64_t heads, double scale) {
    return graph_.node("MatMul", {product(q, number(scale)), heads_apart(k, heads, /*as_keys=*/true)});
  }

  /// softmax(scores) v, [B, N, heads d], for v [B, M, heads d].
  value attended(const value& scores, const value& v, std::int64_t heads) {
    const auto apart = graph_.node("MatMul", {graph_.node("Softmax", {scores}, {{"axis", -1}}), heads_apart(v, heads)});
    return reshaped(transposed(apart, {0, 2, 1, 3}), {0, 0, -1});
  }

 private:
  const std::map<std::string, at::Tensor>& tensors_;
  onnx_graph& graph_;
  std::string origin_;
  std::map<double, value> numbers_;
};

/// A file of an exported model.
struct onnx_part {
  std::string name;  ///< of the file, without ".onnx"
  onnx_graph graph;
  std::map<std::string, std::string> metadata;
};

}  // namespace axonzoo
