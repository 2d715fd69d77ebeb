#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace axonzoo {

/// Memory that pieces of work of different size share: each waits until it fits beside the others. One that is larger than all of it waits until it is alone.
class shared_room {
 public:
  explicit shared_room(std::size_t bytes) : bytes_(bytes) {}

  void take(std::size_t bytes) {
    std::unique_lock lock(mutex_);
    freed_.wait(lock, [&] { return taken_ == 0 || (taken_ <= bytes_ && bytes <= bytes_ - taken_); });
    taken_ += bytes;
  }

  void give_back(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    taken_ -= bytes;
    freed_.notify_all();
  }

 private:
  std::size_t bytes_, taken_ = 0;
  std::mutex mutex_;
  std::condition_variable freed_;
};

}  // namespace axonzoo
