#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#include <unistd.h>
#endif
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace axonzoo {

/// Threads that help the one that calls. They are for many short pieces of work, one after the other, as the layers of a network are: OpenMP's either spin between them
/// for milliseconds, which takes the processors from the loader and other programs, or sleep at once (`let_idle_threads_sleep`) and are waited for while they wake,
/// which on a virtual machine takes longer than a small layer. These spin for a tenth of a millisecond, then sleep, and one that wakes late is not waited for. Linux likes
/// to wake a thread where the one that wakes it runs, and on two virtual processors it then waits there for 4 ms while the other idles: those that sleep are sent away first.
class worker_pool {
 public:
  /// The program's. Its threads live until the program ends.
  static worker_pool& instance() {
    static worker_pool* const pool = new worker_pool;  // never destroyed: threads may outlive static objects
    return *pool;
  }

  worker_pool(const worker_pool&) = delete;
  worker_pool& operator=(const worker_pool&) = delete;

  /// Whether this thread is at work for a pool.
  static bool at_work() { return working(); }

  /// work() on this thread, and on up to `helpers` others from when they wake: it takes what is to be done piece by piece from a place that all share, and returns where
  /// nothing is left. Returns when all that began have returned; throws what the first that failed threw. On this thread alone where it is at work already or the
  /// pool helps another.
  template <class Work>
  void run(int helpers, const Work& work) {
    if (helpers <= 0 || working()) return work();
    const std::unique_lock hold(busy_, std::try_to_lock);
    if (!hold) return work();
    call_ = [](const void* of) { (*static_cast<const Work*>(of))(); };
    work_ = &work;
    wanted_ = helpers;
    call_round_ = round_.load() + 1;
    failure_ = nullptr;
    patience_ = std::chrono::microseconds(helpers < processors_ ? 100 : 0);
    while (static_cast<int>(helpers_.size()) < helpers) {
      helper& made = helpers_.emplace_back();
      try {
        std::thread([this, &made, index = static_cast<int>(helpers_.size()) - 1, seen = round_.load()] { help(made, index, seen); }).detach();
      } catch (const std::system_error&) {  // no more threads may be made: those that are do its part
      }
    }
    send_sleepers_away(helpers);
    inside_.fetch_and(~closed);
    round_.fetch_add(1);
    round_.notify_all();
    take_part();
    inside_.fetch_or(closed);
    const auto all_left = [this] { return inside_.load(std::memory_order_acquire) == closed; };
    if (!spins_until(all_left)) {
      for (auto now = inside_.load(); now != closed; now = inside_.load()) inside_.wait(now);
    }
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  static constexpr std::uint32_t closed = 1U << 31;

  struct helper {
    std::atomic<bool> asleep{false};
    std::atomic<int> thread{0};  ///< as Linux calls it
    int away_from = -1;          ///< a processor that it does not use
  };

#if defined(__linux__)
  worker_pool() { ::sched_getaffinity(0, sizeof allowed_, &allowed_); }

  void send_sleepers_away(int count) {
    const int here = ::sched_getcpu();
    if (here < 0 || here >= CPU_SETSIZE || CPU_COUNT(&allowed_) < 2) return;
    for (int i = 0; i < count; ++i) {
      helper& each = helpers_[static_cast<std::size_t>(i)];
      if (!each.asleep || each.away_from == here) continue;
      cpu_set_t others = allowed_;
      CPU_CLR(static_cast<std::size_t>(here), &others);
      if (::sched_setaffinity(each.thread, sizeof others, &others) == 0) each.away_from = here;
    }
  }
#else
  worker_pool() = default;
  void send_sleepers_away(int) {}
#endif

  static bool& working() {
    thread_local bool is = false;
    return is;
  }

  template <class Condition>
  bool spins_until(const Condition& holds) const {
    const auto end = std::chrono::steady_clock::now() + patience_.load(std::memory_order_relaxed);
    do {
      for (int i = 0; i < 32; ++i) {
        if (holds()) return true;
#if defined(__x86_64__)
        _mm_pause();
#else
        std::this_thread::yield();
#endif
      }
    } while (std::chrono::steady_clock::now() < end);
    return false;
  }

  void take_part() {
    working() = true;
    try {
      call_(work_);
    } catch (...) {
      const std::lock_guard hold(failing_);
      if (!failure_) failure_ = std::current_exception();
    }
    working() = false;
  }

  void help(helper& self, int index, std::uint32_t seen) {
#if defined(__linux__)
    self.thread = ::gettid();
#endif
    for (;;) {
      if (!spins_until([&] { return round_.load(std::memory_order_acquire) != seen; })) {
        self.asleep = true;
        round_.wait(seen);
        self.asleep = false;
      }
      seen = round_.load();
      // what the caller wrote before it opened is read after this, and written anew when nobody is inside
      if ((inside_.fetch_add(1) & closed) == 0) {
        seen = call_round_;  // it may have opened before it counted
        if (index < wanted_) take_part();
      }
      if (inside_.fetch_sub(1) == closed + 1) inside_.notify_all();
    }
  }

  std::mutex busy_, failing_;
  void (*call_)(const void*) = nullptr;
  const void* work_ = nullptr;
  const int processors_ = static_cast<int>(std::thread::hardware_concurrency());  // which opens files to know
  int wanted_ = 0;
  std::deque<helper> helpers_;  ///< stay where they are
#if defined(__linux__)
  cpu_set_t allowed_{};  ///< processors that this program may use
#endif
  std::uint32_t call_round_ = 0;
  std::exception_ptr failure_;
  std::atomic<std::chrono::microseconds> patience_{std::chrono::microseconds(0)};
  alignas(64) std::atomic<std::uint32_t> round_{0};        ///< of calls
  alignas(64) std::atomic<std::uint32_t> inside_{closed};  ///< how many take part, and whether more may
};

}  // namespace axonzoo
