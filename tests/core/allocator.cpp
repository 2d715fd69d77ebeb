#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>

#include <axonzoo/core/allocator.hpp>
#include <axonzoo/core/error.hpp>

namespace {

struct caching {
  caching() {
    axonzoo::use_caching_allocator();
    axonzoo::use_caching_allocator();
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(core_allocator, caching)

BOOST_AUTO_TEST_CASE(blocks_are_aligned_disjoint_and_at_least_as_large_as_asked) {
  std::vector<c10::DataPtr> blocks;
  std::mt19937 random(7);
  std::vector<std::pair<std::uintptr_t, std::size_t>> spans;
  for (const std::size_t base : {1U, 63U, 64U, 65U, 511U, 512U, 513U, 4097U, 70000U, 3000000U}) {
    for (int i = 0; i < 4; ++i) {
      const std::size_t bytes = base + random() % 7;
      blocks.push_back(c10::GetCPUAllocator()->allocate(bytes));
      std::memset(blocks.back().get(), 0xff, bytes);
      spans.emplace_back(reinterpret_cast<std::uintptr_t>(blocks.back().get()), bytes);
      BOOST_TEST(spans.back().first % 64 == 0U);
    }
  }
  std::sort(spans.begin(), spans.end());
  for (std::size_t i = 1; i < spans.size(); ++i) BOOST_TEST(spans[i - 1].first + spans[i - 1].second <= spans[i].first);
}

BOOST_AUTO_TEST_CASE(a_freed_block_serves_the_next_request_of_its_size) {
  void* place = nullptr;
  {
    const auto block = c10::GetCPUAllocator()->allocate(5 << 20);
    place = block.get();
  }
  BOOST_TEST(c10::GetCPUAllocator()->allocate((5 << 20) - 100).get() == place);
}

BOOST_AUTO_TEST_CASE(statistics_follow_tensors) {
  const auto before = axonzoo::tensor_memory();
  axonzoo::forget_peak_tensor_memory();
  constexpr std::int64_t count = 1 << 20, bytes = 4 * count;
  {
    const at::Tensor a = at::full({count}, 1.5F), b = at::full({count}, 2.5F);
    BOOST_TEST(a.sum().item<float>() == 1.5F * count);
    const auto now = axonzoo::tensor_memory();
    BOOST_TEST(now.in_use - before.in_use >= 2 * bytes);
    BOOST_TEST(now.in_use - before.in_use <= 2 * bytes * 9 / 8 + 1024);
  }
  const auto after = axonzoo::tensor_memory();
  BOOST_TEST(after.in_use == before.in_use);
  BOOST_TEST(after.peak - before.in_use >= 2 * bytes);
  BOOST_TEST(after.cached >= 2 * bytes);
  axonzoo::release_cached_tensor_memory();
  BOOST_TEST(axonzoo::tensor_memory().cached == 0);
}

BOOST_AUTO_TEST_CASE(threads_may_free_what_others_allocated) {
  std::vector<at::Tensor> tensors(64);
  std::vector<std::thread> makers;
  for (std::size_t t = 0; t < 4; ++t) {
    makers.emplace_back([&tensors, t] {
      for (int round = 0; round < 50; ++round) {
        for (std::size_t i = t; i < tensors.size(); i += 4) tensors[i] = at::full({static_cast<std::int64_t>(i * 100 + 1)}, static_cast<double>(i));
      }
    });
  }
  for (auto& maker : makers) maker.join();
  for (std::size_t i = 0; i < tensors.size(); ++i) BOOST_TEST(tensors[i].eq(static_cast<double>(i)).all().item<bool>());
}

BOOST_AUTO_TEST_CASE(too_much_is_a_sentence) {
  BOOST_CHECK_EXCEPTION(at::empty({std::int64_t{1} << 55}, at::kByte), axonzoo::error,
                        [](const axonzoo::error& e) { return std::string(e.what()).find("smaller batch") != std::string::npos; });
}

BOOST_AUTO_TEST_SUITE_END()
