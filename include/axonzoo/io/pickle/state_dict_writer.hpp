#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <axonzoo/io/tensor_type.hpp>

namespace axonzoo {

/// The pickle (protocol 2) of a state dict: an OrderedDict of contiguous tensors, each with a storage of its own, whose keys are
/// "0", "1", ... in the order of `add`. It holds what torch.load(weights_only=True) takes, and nothing else.
class state_dict_writer {
 public:
  void add(std::string_view name, const tensor_type& type, const std::vector<std::int64_t>& shape) {
    std::int64_t count = 1;
    std::vector<std::int64_t> strides(shape.size());
    for (std::size_t i = shape.size(); i-- > 0; count *= shape[i]) strides[i] = count;
    for (const std::int64_t side : shape) {
      if (side == 0) count = 0;
    }
    text(name);
    const bool typed = !type.storage.empty();
    global("torch._utils", typed ? "_rebuild_tensor_v2" : "_rebuild_tensor_v3");
    out_ += "((";
    text("storage");
    if (typed) {
      global("torch", type.storage);
    } else {
      global("torch.storage", "UntypedStorage");
    }
    text(std::to_string(tensors_++));
    text("cpu");
    integer(typed ? count : count * static_cast<std::int64_t>(type.bytes));
    out_ += "tQ";
    integer(0);
    tuple(shape);
    tuple(strides);
    out_ += '\x89';  // needs no gradient
    ordered_dict();  // of hooks
    if (!typed) global("torch", type.name);
    out_ += "tR";
  }

  [[nodiscard]] std::string finish() const {
    state_dict_writer head;
    head.out_ = "\x80\x02";
    head.ordered_dict();
    return head.out_ + "(" + out_ + "u.";
  }

 private:
  void number(std::uint64_t value, unsigned width) {
    for (unsigned i = 0; i < width; ++i) out_ += static_cast<char>(value >> 8 * i & 255);
  }
  void text(std::string_view text) {
    out_ += 'X';
    number(text.size(), 4);
    out_ += text;
  }
  void integer(std::int64_t value) {
    if (value < std::int64_t{1} << 31) {
      out_ += 'J';
      number(static_cast<std::uint64_t>(value), 4);
    } else {
      out_ += "\x8a\x08";
      number(static_cast<std::uint64_t>(value), 8);
    }
  }
  void tuple(const std::vector<std::int64_t>& values) {
    out_ += '(';
    for (const std::int64_t value : values) integer(value);
    out_ += 't';
  }
  void global(std::string_view module, std::string_view name) {
    out_ += 'c';
    out_ += module;
    out_ += '\n';
    out_ += name;
    out_ += '\n';
  }
  void ordered_dict() {
    global("collections", "OrderedDict");
    out_ += ")R";
  }

  std::string out_;
  std::uint64_t tensors_ = 0;
};

}  // namespace axonzoo
