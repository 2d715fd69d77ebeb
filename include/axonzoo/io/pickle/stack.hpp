#pragma once

#include <cstdint>
#include <limits>
#include <utility>
#include <variant>
#include <vector>

#include <axonzoo/io/pickle/document.hpp>

namespace axonzoo::detail {

/// The stack, the marks on it and the memory of the machine that a pickle is a program for, all within bounds.
class pickle_stack {
 public:
  pickle_document document;

  void push(pickle_place place) {
    if (stack_.size() >= most_pickle_values) throw unreadable("its pickle holds absurdly many values");
    stack_.push_back(place);
  }
  pickle_place make(pickle_value value) {
    if (document.values.size() >= most_pickle_values) throw unreadable("its pickle holds absurdly many values");
    document.values.push_back(std::move(value));
    return static_cast<pickle_place>(document.values.size() - 1);
  }
  void push_new(pickle_value value) { push(make(std::move(value))); }

  [[nodiscard]] pickle_place top() const {
    if (stack_.size() <= floor()) refuse();
    return stack_.back();
  }
  pickle_place pop() {
    const pickle_place place = top();
    stack_.pop_back();
    return place;
  }

  void mark() {
    if (marks_.size() >= deepest_pickle) throw unreadable("its pickle nests too deep");
    marks_.push_back(stack_.size());
  }
  /// What was pushed since the last mark, which goes with it.
  std::vector<pickle_place> pop_mark() {
    if (marks_.empty()) refuse();
    std::vector<pickle_place> items(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return items;
  }
  std::vector<pickle_place> pop_last(std::size_t count) {
    if (stack_.size() - floor() < count) refuse();
    std::vector<pickle_place> items(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return items;
  }

  void remember(std::uint64_t name) {
    if (name >= most_pickle_values) throw unreadable("its pickle remembers absurdly many values");
    if (memo_.size() <= name) memo_.resize(name + 1, nothing);
    memo_[name] = top();
  }
  void remember_next() { remember(memo_.size()); }
  void recall(std::uint64_t name) {
    if (name >= memo_.size() || memo_[name] == nothing) refuse();
    push(memo_[name]);
  }

  /// The value on top, of a kind that can be added to.
  template <class Kind>
  Kind& open() {
    auto* value = std::get_if<Kind>(&document.values[top()]);
    if (value == nullptr) refuse();
    return *value;
  }
  [[nodiscard]] bool ends_here() const { return stack_.size() == 1 && marks_.empty(); }
  [[noreturn]] static void refuse() { throw unreadable("its pickle is damaged"); }

 private:
  static constexpr pickle_place nothing = std::numeric_limits<pickle_place>::max();
  [[nodiscard]] std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }

  std::vector<pickle_place> stack_, memo_;
  std::vector<std::size_t> marks_;
};

}  // namespace axonzoo::detail
