#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <axonzoo/core/error.hpp>
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
  /// The head of a text or message of so many bytes, which follow.
  void head(unsigned field, std::size_t size) {
    varint(field << 3 | 2);
    varint(size);
  }
  void text(unsigned field, std::string_view value) {
    head(field, value.size());
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

/// A network as an ONNX graph (operator set 17, ONNX Runtime 1.12 or later), written node by node; fields are those of onnx.proto. Values are known by their names,
/// which the graph gives.
class onnx_graph {
 public:
  using integers = std::vector<std::int64_t>;

  /// A whole number, whole numbers, a real number or a word.
  class attribute {
   public:
    attribute(std::integral auto value) : value_(static_cast<std::int64_t>(value)) {}
    attribute(std::floating_point auto value) : value_(static_cast<float>(value)) {}
    attribute(std::initializer_list<std::int64_t> values) : value_(integers(values)) {}
    attribute(integers values) : value_(std::move(values)) {}
    attribute(const char* word) : value_(std::string(word)) {}

   private:
    friend class onnx_graph;
    std::variant<std::int64_t, integers, float, std::string> value_;
  };
  using attributes = std::vector<std::pair<std::string, attribute>>;

  /// A side of an input or output: so long, or of any length and known by a name.
  class side {
   public:
    side(std::integral auto length) : value_(static_cast<std::int64_t>(length)) {}
    side(const char* name) : value_(std::string(name)) {}

   private:
    friend class onnx_graph;
    std::variant<std::int64_t, std::string> value_;
  };
  using shape = std::vector<side>;

  onnx_graph() { graph_.text(2, "axonzoo"); }

  void input(const std::string& name, const shape& sides) { graph_.message(11, described(name, sides)); }

  void output(const std::string& name, const std::string& value, const shape& sides) {
    add("Identity", {value}, {name}, {});
    graph_.message(12, described(name, sides));
  }

  /// A tensor of weights, float32.
  std::string weights(const std::string& name, const integers& sizes, const float* values, std::size_t count) {
    tensor(name, sizes, 1, values, count);  // FLOAT
    return name;
  }

  /// A list of whole numbers that a node takes as an input.
  std::string list(const integers& values) {
    const auto name = fresh("list");
    tensor(name, {static_cast<std::int64_t>(values.size())}, 7, values.data(), values.size());  // INT64
    return name;
  }

  /// A node with one result.
  std::string node(const std::string& kind, const std::vector<std::string>& from, const attributes& with = {}) { return nodes(kind, 1, from, with).front(); }

  /// A node with several.
  std::vector<std::string> nodes(const std::string& kind, std::size_t results, const std::vector<std::string>& from, const attributes& with = {}) {
    std::vector<std::string> to;
    for (std::size_t i = 0; i < results; ++i) to.push_back(fresh(kind));
    add(kind, from, to, with);
    return to;
  }

  /// Throws `error` when writing fails, and for more than the 2 GB that such a file holds.
  void write(const std::filesystem::path& path, const std::map<std::string, std::string>& metadata) const {
    if (graph_.bytes().size() >= (std::size_t{1} << 31) - (std::size_t{1} << 20))
      throw error("cannot write '" + path.string() + "'", std::to_string(graph_.bytes().size() / 1000000) + " MB pass the 2 GB that an ONNX file holds", "give a smaller network");
    detail::protobuf_message model, set;
    model.number(1, 8);  // version of the format that came with operator set 17
    model.text(2, "axonzoo");
    set.text(1, "");
    set.number(2, 17);
    model.message(8, set);
    for (const auto& [key, text] : metadata) {
      detail::protobuf_message entry;
      entry.text(1, key);
      entry.text(2, text);
      model.message(14, entry);
    }
    model.head(7, graph_.bytes().size());
    replace_file(path, [&](std::ostream& out) { out << model.bytes() << graph_.bytes(); });
  }

 private:
  [[nodiscard]] std::string fresh(const std::string& kind) { return kind + "_" + std::to_string(count_++); }

  template <class Value>
  void tensor(const std::string& name, const integers& sizes, std::uint64_t type, const Value* values, std::size_t count) {
    detail::protobuf_message made;
    for (const auto size : sizes) made.number(1, static_cast<std::uint64_t>(size));
    made.number(2, type);
    made.text(8, name);
    made.text(9, {reinterpret_cast<const char*>(values), count * sizeof(Value)});
    graph_.message(5, made);
  }

  void add(const std::string& kind, const std::vector<std::string>& from, const std::vector<std::string>& to, const attributes& with) {
    detail::protobuf_message made;
    for (const auto& name : from) made.text(1, name);
    for (const auto& name : to) made.text(2, name);
    made.text(3, to.front());
    made.text(4, kind);
    for (const auto& [name, given] : with) {
      detail::protobuf_message one;
      one.text(1, name);
      std::uint64_t type = 0;
      if (const auto* number = std::get_if<std::int64_t>(&given.value_)) {
        one.number(3, static_cast<std::uint64_t>(*number));
        type = 2;  // INT
      } else if (const auto* numbers = std::get_if<integers>(&given.value_)) {
        for (const auto value : *numbers) one.number(8, static_cast<std::uint64_t>(value));
        type = 7;  // INTS
      } else if (const auto* real = std::get_if<float>(&given.value_)) {
        one.real(2, *real);
        type = 1;  // FLOAT
      } else {
        one.text(4, std::get<std::string>(given.value_));
        type = 3;  // STRING
      }
      one.number(20, type);
      made.message(5, one);
    }
    graph_.message(1, made);
  }

  static detail::protobuf_message described(const std::string& name, const shape& sides) {
    detail::protobuf_message shape, tensor, type, made;
    for (const auto& side : sides) {
      detail::protobuf_message dimension;
      if (const auto* length = std::get_if<std::int64_t>(&side.value_)) dimension.number(1, static_cast<std::uint64_t>(*length));
      else dimension.text(2, std::get<std::string>(side.value_));
      shape.message(1, dimension);
    }
    tensor.number(1, 1);  // FLOAT
    tensor.message(2, shape);
    type.message(1, tensor);
    made.text(1, name);
    made.message(2, type);
    return made;
  }

  detail::protobuf_message graph_;
  std::size_t count_ = 0;
};

}  // namespace axonzoo
