#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <axonzoo/io/pickle/calls.hpp>
#include <axonzoo/io/pickle/containers.hpp>
#include <axonzoo/io/pickle/cursor.hpp>
#include <axonzoo/io/pickle/literals.hpp>
#include <axonzoo/io/pickle/stack.hpp>

namespace axonzoo::detail {

/// Reads one pickle of protocols 0 to 5.
class pickle_machine {
 public:
  explicit pickle_machine(std::string_view bytes) : cursor_(bytes), literals_(cursor_, stack_), containers_(stack_) {}
  pickle_machine(const pickle_machine&) = delete;
  pickle_machine& operator=(const pickle_machine&) = delete;

  pickle_document run() {
    for (std::uint8_t code = cursor_.byte(); code != '.'; code = cursor_.byte()) {
      if (!literals_.push(code) && !containers_.push(code) && !order(code)) {
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
  pickle_literals literals_;
  pickle_containers containers_;
  std::uint64_t copied_ = 0;
};

}  // namespace axonzoo::detail
