#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <axonzoo/io/pickle/calls.hpp>
#include <axonzoo/io/pickle/cursor.hpp>
#include <axonzoo/io/pickle/stack.hpp>

namespace axonzoo::detail {

/// Reads one pickle of protocols 0 to 5.
class pickle_machine {
 public:
  explicit pickle_machine(std::string_view bytes) : cursor_(bytes) {
    none_ = stack_.make(pickle_none{});
    no_ = stack_.make(false);
    yes_ = stack_.make(true);
  }

  pickle_document run() {
    for (std::uint8_t code = cursor_.byte(); code != '.'; code = cursor_.byte()) {
      if (!literal(code) && !container(code) && !order(code)) {
        const char* digits = "0123456789abcdef";
        throw unreadable(std::string("its pickle has the unknown code 0x") + digits[code >> 4] + digits[code & 15]);
      }
    }
    stack_.document.root = stack_.top();
    if (!stack_.ends_here()) pickle_stack::refuse();
    stack_.document.length = cursor_.at();
    return std::move(stack_.document);
  }

 private:
  bool literal(std::uint8_t code) {
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

  bool container(std::uint8_t code) {
    using kind = enum pickle_sequence::kind;
    const auto sequence = [&](kind of, std::vector<pickle_place> items) {
      stack_.push_new(pickle_sequence{of, std::move(items)});
    };
    switch (code) {
      case ')':
        sequence(kind::tuple, {});
        return true;
      case ']':
        sequence(kind::list, {});
        return true;
      case 0x8f:
        sequence(kind::set, {});
        return true;
      case '}':
        stack_.push_new(pickle_dict{});
        return true;
      case 't':
        sequence(kind::tuple, stack_.pop_mark());
        return true;
      case 'l':
        sequence(kind::list, stack_.pop_mark());
        return true;
      case 0x91:
        sequence(kind::set, stack_.pop_mark());
        return true;
      case 0x85:
        sequence(kind::tuple, stack_.pop_last(1));
        return true;
      case 0x86:
        sequence(kind::tuple, stack_.pop_last(2));
        return true;
      case 0x87:
        sequence(kind::tuple, stack_.pop_last(3));
        return true;
      case 'd': {
        const auto items = stack_.pop_mark();
        stack_.push_new(pickle_dict{});
        set(items);
        return true;
      }
      case 'a':
        add(kind::list, stack_.pop_last(1));
        return true;
      case 'e':
        add(kind::list, stack_.pop_mark());
        return true;
      case 0x90:
        add(kind::set, stack_.pop_mark());
        return true;
      case 's':
        set(stack_.pop_last(2));
        return true;
      case 'u':
        set(stack_.pop_mark());
        return true;
      default:
        return false;
    }
  }

  bool order(std::uint8_t code) {
    switch (code) {
      case 0x80:
        if (cursor_.number(1) > 5)
          throw unreadable("its pickle is of a protocol later than 5", "save it with a pickle_protocol of 2");
        return true;
      case 0x95:
        cursor_.number(8);
        return true;  // a frame's length, which says nothing to who has all the bytes
      case '(':
        stack_.mark();
        return true;
      case '0':
        stack_.pop();
        return true;
      case '1':
        stack_.pop_mark();
        return true;
      case '2':
        stack_.push(stack_.top());
        return true;
      case 'p':
        stack_.remember(cursor_.decimal<std::uint32_t>(cursor_.line()));
        return true;
      case 'q':
        stack_.remember(cursor_.number(1));
        return true;
      case 'r':
        stack_.remember(cursor_.number(4));
        return true;
      case 0x94:
        stack_.remember_next();
        return true;
      case 'g':
        stack_.recall(cursor_.decimal<std::uint32_t>(cursor_.line()));
        return true;
      case 'h':
        stack_.recall(cursor_.number(1));
        return true;
      case 'j':
        stack_.recall(cursor_.number(4));
        return true;
      case 'c': {
        const std::string module(cursor_.line());
        name(module, cursor_.line());
        return true;
      }
      case 0x93:
        stack_name();
        return true;
      case 'i': {
        const std::string module(cursor_.line());
        refuse_call(module + "." + std::string(cursor_.line()));
      }
      case 'Q':
        stack_.push_new(pickled_storage(stack_.document, stack_.pop()));
        return true;
      case 'R':
      case 0x81:
        call();
        return true;
      case 'b':
        build();
        return true;
      default:
        return false;
    }
  }

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

  void add(enum pickle_sequence::kind kind, const std::vector<pickle_place>& items) {
    auto& sequence = stack_.open<pickle_sequence>();
    if (sequence.kind != kind) pickle_stack::refuse();
    sequence.items.insert(sequence.items.end(), items.begin(), items.end());
  }
  void set(const std::vector<pickle_place>& items) {
    auto& dict = stack_.open<pickle_dict>();
    if (items.size() % 2 != 0) pickle_stack::refuse();
    for (std::size_t i = 0; i < items.size(); i += 2) dict.items.emplace_back(items[i], items[i + 1]);
  }

  void name(std::string module, std::string_view last) {
    if (module == "__builtin__") module = "builtins";  // Python 2's name, which protocols below 3 write
    std::string whole = std::move(module) + "." + std::string(last);
    if (find_pickle_call(whole) == nullptr && !is_pickle_name(whole)) refuse_call(whole);
    stack_.push_new(pickle_name{std::move(whole)});
  }
  void stack_name() {
    const auto parts = stack_.pop_last(2);
    const auto *module = stack_.document.get<pickle_text>(parts[0]), *last = stack_.document.get<pickle_text>(parts[1]);
    if (module == nullptr || last == nullptr) pickle_stack::refuse();
    name(module->utf8, std::string(last->utf8));
  }
  /// Arguments lie on top, below them the name of what is called.
  void call() {
    const auto parts = stack_.pop_last(2);
    const auto* name = stack_.document.get<pickle_name>(parts[0]);
    const auto* given = stack_.document.get<pickle_sequence>(parts[1]);
    if (name == nullptr || given == nullptr || given->kind != pickle_sequence::kind::tuple) pickle_stack::refuse();
    const pickle_call* known = find_pickle_call(name->name);
    if (known == nullptr) refuse_call(name->name);
    charge(given->items);
    stack_.push_new(known->make(stack_.document, given->items));
  }
  /// A call copies what it is given, and a pickle can give the same again and again.
  void charge(const std::vector<pickle_place>& given) {
    for (const pickle_place place : given) {
      if (const auto* text = stack_.document.get<pickle_text>(place)) copied_ += text->utf8.size();
      if (const auto* bytes = stack_.document.get<pickle_bytes>(place)) copied_ += bytes->bytes.size();
      if (const auto* items = stack_.document.get<pickle_sequence>(place)) copied_ += 8 * items->items.size();
    }
    if (copied_ > longest_pickle) throw unreadable("its pickle holds absurdly many values");
  }
  /// Attributes of an OrderedDict, which are a module's version numbers; they are not kept.
  void build() {
    const pickle_place state = stack_.pop();
    (void)stack_.open<pickle_dict>();
    if (stack_.document.get<pickle_dict>(state) == nullptr) pickle_stack::refuse();
  }

  pickle_cursor cursor_;
  pickle_stack stack_;
  pickle_place none_ = 0, no_ = 0, yes_ = 0;
  std::uint64_t copied_ = 0;
};

}  // namespace axonzoo::detail
