#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include <axonzoo/io/pickle/stack.hpp>

namespace axonzoo::detail {

/// The codes of a pickle that make lists, tuples, sets and dicts, and that fill them.
class pickle_containers {
 public:
  explicit pickle_containers(pickle_stack& stack) : stack_(stack) {}

  /// Whether `code` is one of them; it is done then.
  bool push(std::uint8_t code) {
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

 private:
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

  pickle_stack& stack_;
};

}  // namespace axonzoo::detail
