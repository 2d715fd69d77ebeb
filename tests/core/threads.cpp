#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <thread>
#include <vector>

#include <axonzoo/core/bounded_queue.hpp>
#include <axonzoo/core/shared_room.hpp>
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

BOOST_AUTO_TEST_CASE(a_queue_keeps_its_order_and_its_bound) {
  axonzoo::bounded_queue<int> queue(3);
  std::atomic<int> made{0};
  std::thread maker([&] {
    for (int i = 0; i < 500; ++i) {
      queue.push(i);
      ++made;
    }
    queue.close();
  });
  int taken = 0;
  bool in_order = true, bounded = true;
  while (const auto item = queue.pop()) {
    in_order &= *item == taken;
    ++taken;
    bounded &= made <= taken + 3;
    if (taken % 100 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  maker.join();
  BOOST_TEST(taken == 500);
  BOOST_TEST(in_order);
  BOOST_TEST(bounded);
  BOOST_TEST(!queue.pop().has_value());
}

BOOST_AUTO_TEST_CASE(a_room_holds_what_fits_and_what_does_not_alone) {
  axonzoo::shared_room room(100);
  std::atomic<std::size_t> inside{0};
  std::atomic<bool> kept{true};
  std::vector<std::thread> workers;
  for (const std::size_t size : {30U, 250U, 60U, 100U}) {
    workers.emplace_back([&, size] {
      for (int i = 0; i < 200; ++i) {
        room.take(size);
        if ((inside += size) > std::max<std::size_t>(size, 100)) kept = false;
        inside -= size;
        room.give_back(size);
      }
    });
  }
  for (auto& worker : workers) worker.join();
  BOOST_TEST(kept);
}

BOOST_AUTO_TEST_SUITE_END()
