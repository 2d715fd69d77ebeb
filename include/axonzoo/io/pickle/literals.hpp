#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <axonzoo/io/pickle/cursor.hpp>
#include <axonzoo/io/pickle/stack.hpp>
#include <axonzoo/io/utf8.hpp>

namespace axonzoo::detail {

/// The codes of a pickle that push a number, a text, bytes or None.
class pickle_literals {
 public:
  pickle_literals(pickle_cursor& cursor, pickle_stack& stack) : cursor_(cursor), stack_(stack) {
    none_ = stack_.make(pickle_none{});
    no_ = stack_.make(false);
    yes_ = stack_.make(true);
  }

  /// Whether `code` is one of them; it is done then.
  bool push(std::uint8_t code) {
    switch (code) {
      case 'N':
        stack_.push(none_);
        return true;
      case 0x88:
        stack_.push(yes_);
        return true;
      case 0x89:
        stack_.push(no_);
        return true;
      case 'J':
        stack_.push_new(std::int64_t{static_cast<std::int32_t>(cursor_.number(4))});
        return true;
      case 'K':
        stack_.push_new(static_cast<std::int64_t>(cursor_.number(1)));
        return true;
      case 'M':
        stack_.push_new(static_cast<std::int64_t>(cursor_.number(2)));
        return true;
      case 0x8a:
        big(cursor_.number(1));
        return true;
      case 0x8b:
        big(cursor_.number(4));
        return true;
      case 'I':
        line_integer();
        return true;
      case 'L':
        line_long();
        return true;
      case 'F':
        stack_.push_new(cursor_.decimal<double>(cursor_.line()));
        return true;
      case 'G':
        stack_.push_new(cursor_.big_endian_double());
        return true;
      case 'X':
        text(4);
        return true;
      case 0x8c:
        text(1);
        return true;
      case 0x8d:
        text(8);
        return true;
      case 'U':
        old_text(1);
        return true;
      case 'T':
        old_text(4);
        return true;
      case 'V':
        line_text(cursor_.line());
        return true;
      case 'S':
        quoted_text(cursor_.line());
        return true;
      case 'C':
        stack_.push_new(pickle_bytes{std::string(cursor_.take(cursor_.number(1)))});
        return true;
      case 'B':
        stack_.push_new(pickle_bytes{std::string(cursor_.take(cursor_.number(4)))});
        return true;
      case 0x8e:
      case 0x96:
        stack_.push_new(pickle_bytes{std::string(cursor_.take(cursor_.number(8)))});
        return true;
      default:
        return false;
    }
  }

 private:
  void big(std::uint64_t width) {
    const std::string_view bytes = cursor_.take(width);
    if (width > 8) return stack_.push_new(pickle_long{std::string(bytes)});
    std::uint64_t value = width > 0 && static_cast<signed char>(bytes.back()) < 0 ? ~std::uint64_t{0} : 0;
    for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
    stack_.push_new(static_cast<std::int64_t>(value));
  }
  void line_integer() {
    const std::string_view line = cursor_.line();
    if (line == "00" || line == "01") return stack_.push(line == "01" ? yes_ : no_);
    stack_.push_new(cursor_.decimal<std::int64_t>(line));
  }
  void line_long() {
    std::string_view line = cursor_.line();
    if (line.ends_with('L')) line.remove_suffix(1);
    stack_.push_new(cursor_.decimal<std::int64_t>(line));
  }
  void line_text(std::string_view text) {
    if (text.find('\\') != std::string_view::npos || !is_utf8(text))
      throw unreadable("its pickle has a text of protocol 0 with escapes", "save it with a pickle_protocol of 2");
    stack_.push_new(pickle_text{std::string(text)});
  }
  void quoted_text(std::string_view text) {
    if (text.size() < 2 || (text.front() != '\'' && text.front() != '"') || text.back() != text.front()) pickle_stack::refuse();
    line_text(text.substr(1, text.size() - 2));
  }
  void text(unsigned width) {
    const std::string_view taken = cursor_.take(cursor_.number(width));
    if (!is_utf8(taken)) throw unreadable("its pickle has a text that is not UTF-8");
    stack_.push_new(pickle_text{std::string(taken)});
  }
  /// A str of Python 2: text where it is ASCII, else bytes.
  void old_text(unsigned width) {
    const std::string_view taken = cursor_.take(cursor_.number(width));
    bool ascii = true;
    for (const char letter : taken) ascii = ascii && static_cast<unsigned char>(letter) < 128;
    if (ascii) return stack_.push_new(pickle_text{std::string(taken)});
    stack_.push_new(pickle_bytes{std::string(taken)});
  }

  pickle_cursor& cursor_;
  pickle_stack& stack_;
  pickle_place none_ = 0, no_ = 0, yes_ = 0;
};

}  // namespace axonzoo::detail
