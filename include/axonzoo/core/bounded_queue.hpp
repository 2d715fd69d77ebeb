#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace axonzoo {

/// What one stage of work hands to the next, in its order: who makes waits while `most` lie here, who takes waits while none does.
template <class T>
class bounded_queue {
 public:
  explicit bounded_queue(std::size_t most) : most_(most) {}

  /// Must not follow `close`.
  void push(T item) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return items_.size() < most_; });
    items_.push_back(std::move(item));
    changed_.notify_all();
  }

  /// The next one; none when it was closed and all are taken.
  [[nodiscard]] std::optional<T> pop() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return closed_ || !items_.empty(); });
    if (items_.empty()) return std::nullopt;
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    changed_.notify_all();
    return item;
  }

  /// No more will come.
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  std::size_t most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<T> items_;
  bool closed_ = false;
};

}  // namespace axonzoo
