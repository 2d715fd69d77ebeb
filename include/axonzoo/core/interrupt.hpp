#pragma once

#include <atomic>
#include <csignal>

#include <axonzoo/core/error.hpp>

namespace axonzoo {

namespace detail {

inline std::atomic<bool> interrupt_seen{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may touch lock-free atomics alone");

extern "C" inline void axonzoo_on_interrupt(int signal) {
  if (interrupt_seen.exchange(true)) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
}

}  // namespace detail

/// From here on Ctrl-C and SIGTERM only set what `interrupted` returns, so that a program can finish its step and save; a second
/// one kills it as usual. Blocking system calls are resumed.
inline void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = &detail::axonzoo_on_interrupt;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
}

/// Whether Ctrl-C or SIGTERM came since `catch_interrupts`.
[[nodiscard]] inline bool interrupted() { return detail::interrupt_seen.load(std::memory_order_relaxed); }

/// What was interrupted and left nothing half done; programs exit with 130.
class interruption : public error {
 public:
  using error::error;
};

/// Throws `interruption` after Ctrl-C. To be called often in what may take minutes and writes at its end.
inline void end_if_interrupted() {
  if (interrupted()) throw interruption("cannot finish", "the program was interrupted", "the same command with --resume goes on");
}

}  // namespace axonzoo
