#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <axonzoo/io/replace_file.hpp>

namespace axonzoo {

namespace detail {

/// A message in protobuf's wire format, as far as ONNX needs it.
class protobuf_message {
 public:
  void number(unsigned field, std::uint64_t value) {
    varint(field << 3);
    varint(value);
  }
  void real(unsigned field, float value) {
    varint(field << 3 | 5);
    char raw[sizeof value];
    std::memcpy(raw, &value, sizeof value);
    bytes_.append(raw, sizeof value);
  }
  void text(unsigned field, std::string_view value) {
    varint(field << 3 | 2);
    varint(value.size());
    bytes_.append(value);
  }
  void message(unsigned field, const protobuf_message& value) { text(field, value.bytes_); }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  void varint(std::uint64_t value) {
    for (; value >= 128; value >>= 7) bytes_ += static_cast<char>(value | 128);
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

}  // namespace detail

/// A network as an ONNX graph (operator set 13), written node by node; fields are those of onnx.proto.
class onnx_graph {
 public:
  using integers = std::vector<std::int64_t>;

  /// A tensor of weights, fp32.
  void weights(const std::string& name, const integers& shape, const float* values, std::size_t count) {
    detail::protobuf_message tensor;
    for (const auto side : shape) tensor.number(1, static_cast<std::uint64_t>(side));
    tensor.number(2, 1);  // FLOAT
    tensor.text(8, name);
    tensor.text(9, {reinterpret_cast<const char*>(values), count * sizeof(float)});
    graph_.message(5, tensor);
  }

  /// A node with whole and real attributes.
  void node(const std::string& kind, const std::vector<std::string>& from, const std::vector<std::string>& to, const std::vector<std::pair<std::string, integers>>& whole = {},
            const std::vector<std::pair<std::string, float>>& real = {}) {
    detail::protobuf_message made;
    for (const auto& name : from) made.text(1, name);
    for (const auto& name : to) made.text(2, name);
    made.text(3, to.front());
    made.text(4, kind);
    for (const auto& [name, values] : whole) {
      detail::protobuf_message attribute;
      attribute.text(1, name);
      const bool one = name == "axis";
      for (const auto value : values) attribute.number(one ? 3 : 8, static_cast<std::uint64_t>(value));
      attribute.number(20, one ? 2 : 7);  // INT, INTS
      made.message(5, attribute);
    }
    for (const auto& [name, value] : real) {
      detail::protobuf_message attribute;
      attribute.text(1, name);
      attribute.real(2, value);
      attribute.number(20, 1);  // FLOAT
      made.message(5, attribute);
    }
    graph_.message(1, made);
  }

  /// Writes the model [N, channels, H, W] -> [N, classes, H, W] with free N, H and W. Throws `error` when writing fails.
  void write(const std::filesystem::path& path, const std::string& input, std::int64_t channels, const std::string& output, std::int64_t classes,
             const std::map<std::string, std::string>& metadata) {
    graph_.text(2, "axonzoo");
    graph_.message(11, value(input, channels));
    graph_.message(12, value(output, classes));
    detail::protobuf_message model, set;
    model.number(1, 7);
    model.text(2, "axonzoo");
    model.message(7, graph_);
    set.text(1, "");
    set.number(2, 13);
    model.message(8, set);
    for (const auto& [key, text] : metadata) {
      detail::protobuf_message entry;
      entry.text(1, key);
      entry.text(2, text);
      model.message(14, entry);
    }
    replace_file(path, model.bytes());
  }

 private:
  static detail::protobuf_message value(const std::string& name, std::int64_t channels) {
    detail::protobuf_message shape, tensor, type, made;
    for (const char* side : {"n", "", "height", "width"}) {
      detail::protobuf_message dimension;
      if (*side == '\0') dimension.number(1, static_cast<std::uint64_t>(channels));
      else dimension.text(2, side);
      shape.message(1, dimension);
    }
    tensor.number(1, 1);
    tensor.message(2, shape);
    type.message(1, tensor);
    made.text(1, name);
    made.message(2, type);
    return made;
  }

  detail::protobuf_message graph_;
};

}  // namespace axonzoo
