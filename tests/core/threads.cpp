#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <ctime>
#include <thread>

#include <axonzoo/core/threads.hpp>

namespace {

double processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(core_threads)

BOOST_AUTO_TEST_CASE(idle_threads_use_no_processor) {
  axonzoo::let_idle_threads_sleep();
  axonzoo::let_idle_threads_sleep();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  double used = 0;
  for (int region = 0; region < 5; ++region) {
    std::atomic<int> members{0};
#pragma omp parallel
    ++members;
    const double before = processor_seconds();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    used += processor_seconds() - before;
  }
  BOOST_TEST(used < 0.01);  // spinning uses 3 ms or more each time
}

BOOST_AUTO_TEST_SUITE_END()
