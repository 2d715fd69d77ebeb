#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <axonzoo/core/bounded_queue.hpp>
#include <axonzoo/core/shared_room.hpp>
#include <axonzoo/core/threads.hpp>
#include <axonzoo/core/worker_pool.hpp>

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

/// Adds up 0 ... count - 1 piece by piece.
struct shared_sum {
  std::int64_t count;
  std::atomic<std::int64_t> next{0}, total{0};

  void operator()() {
    for (auto i = next++; i < count; i = next++) total += i;
  }
};

std::int64_t sum_by_pool(int helpers, std::int64_t count) {
  shared_sum sum{count};
  axonzoo::worker_pool::instance().run(helpers, [&] { sum(); });
  return sum.total;
}

BOOST_AUTO_TEST_CASE(a_pool_does_all_that_there_is_whoever_helps) {
  bool all = true;
  for (int round = 0; round < 20000; ++round) {
    const int helpers = round % 5;
    const std::int64_t count = round % 17;
    all &= sum_by_pool(helpers, count) == count * (count - 1) / 2;
    if (round % 1000 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));  // helpers fall asleep
  }
  BOOST_TEST(all);
}

BOOST_AUTO_TEST_CASE(helpers_help) {
  std::mutex mutex;
  std::set<std::thread::id> seen;
  const auto enough = [&] {
    const std::lock_guard hold(mutex);
    seen.insert(std::this_thread::get_id());
    return seen.size() == 3;
  };
  axonzoo::worker_pool::instance().run(2, [&] {
    while (!enough()) std::this_thread::yield();
  });
  BOOST_TEST(seen.size() == 3U);
}

BOOST_AUTO_TEST_CASE(what_a_helper_fails_with_comes_out_and_the_pool_goes_on) {
  for (int round = 0; round < 50; ++round) {
    std::atomic<int> begun{0};
    const auto fails = [&] {
      if (begun++ == round % 2) throw std::runtime_error("a piece failed");
    };
    if (round % 2 == 0) {
      BOOST_CHECK_EXCEPTION(axonzoo::worker_pool::instance().run(1, fails), std::runtime_error, [](const std::exception& e) { return e.what() == std::string("a piece failed"); });
    } else {
      try {
        axonzoo::worker_pool::instance().run(1, fails);  // where the helper came in time, it failed
      } catch (const std::runtime_error&) {
        BOOST_TEST(begun == 2);
      }
    }
    BOOST_TEST(sum_by_pool(2, 100) == 4950);
  }
}

BOOST_AUTO_TEST_CASE(a_pool_that_is_busy_leaves_work_to_those_who_ask) {
  std::atomic<bool> all{true};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&all, caller] {
      for (int round = 0; round < 2000; ++round) {
        if (sum_by_pool(1 + caller, 50) != 1225) all = false;
      }
    });
  }
  for (auto& caller : callers) caller.join();
  BOOST_TEST(all);
  // work within work is done by the one who has it
  std::atomic<int> inner{0};
  std::atomic<bool> known{true};
  axonzoo::worker_pool::instance().run(1, [&] {
    if (!axonzoo::worker_pool::at_work()) known = false;
    const auto own = std::this_thread::get_id();
    axonzoo::worker_pool::instance().run(3, [&] { inner += std::this_thread::get_id() == own ? 1 : 100; });
  });
  BOOST_TEST(known);
  BOOST_TEST(inner >= 1);
  BOOST_TEST(inner <= 2);
  BOOST_TEST(!axonzoo::worker_pool::at_work());
}

BOOST_AUTO_TEST_CASE(helpers_that_wait_use_no_processor) {
  double used = 0;
  for (int round = 0; round < 5; ++round) {
    sum_by_pool(3, 100);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    const double before = processor_seconds();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    used += processor_seconds() - before;
  }
  BOOST_TEST(used < 0.01);
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
