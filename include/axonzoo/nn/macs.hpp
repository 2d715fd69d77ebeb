#pragma once

#include <cstdint>

namespace axonzoo {

/// Multiply-accumulates of the layers that ran since the counter was made, on this thread. Layers add to it; nothing is
/// counted where no counter lives.
class mac_counter {
 public:
  mac_counter() : outer_(active()) { active() = this; }
  ~mac_counter() { active() = outer_; }
  mac_counter(const mac_counter&) = delete;
  mac_counter& operator=(const mac_counter&) = delete;

  [[nodiscard]] std::int64_t count() const { return count_; }

  static void add(std::int64_t macs) {
    if (active() != nullptr) active()->count_ += macs;
  }

 private:
  static mac_counter*& active() {
    thread_local mac_counter* counter = nullptr;
    return counter;
  }
  mac_counter* outer_;
  std::int64_t count_ = 0;
};

}  // namespace axonzoo
