#pragma once

#include <atomic>
#include <chrono>
#include <thread>

#if defined(_OPENMP)
#include <omp.h>
#endif

namespace axonzoo {

/// Lets idle OpenMP threads sleep at once: called in the beginning of every program, further calls do nothing. GNU's runtime has
/// them spin for milliseconds, which takes the processors from the loader, from other ranks and programs, and, where there are as many
/// threads as processors, from the very thread that is waited for (a training step beside one busy program: three times
/// slower). What would say so is OMP_WAIT_POLICY=passive, but it is read before `main`. The runtime also stops spinning when
/// it manages more threads than there are processors, so one more team is made here; it sleeps for good.
inline void let_idle_threads_sleep() {
#if defined(_OPENMP)
  static const bool made = [] {
    std::thread([] {
      const int processors = omp_get_num_procs();
      std::atomic<int> members{0};  // a team with nothing to do is not made
#pragma omp parallel num_threads(processors + 1)
      ++members;
      for (;;) std::this_thread::sleep_for(std::chrono::hours(24));
    }).detach();
    return true;
  }();
  static_cast<void>(made);
#endif
}

}  // namespace axonzoo
