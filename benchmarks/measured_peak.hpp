#pragma once

// What this machine can do at best, to hold layers and steps against. Measured, not looked up: clocks, hypervisors and neighbours
// decide what is there to be had.

#include <algorithm>
#include <array>
#include <barrier>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include <axonzoo/nn/kernels/amx.hpp>
#include <axonzoo/nn/kernels/vector.hpp>

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace benchmarks {

/// In operations and bytes a second, over all threads; 0 where the processor (or this build's flags) cannot do it.
struct peak {
  double fp32 = 0;       ///< fused multiply-adds on fp32, two operations each
  double bf16 = 0;       ///< products of bf16 pairs added to fp32, four operations a lane: in tiles (amx_bf16) or vectors (avx512_bf16)
  double int8 = 0;       ///< products of whole numbers added to 32 bits: fours in tiles (amx_int8) or vectors (avx512_vnni), else pairs of 16 bits
  double bandwidth = 0;  ///< triad a = b + s c over arrays far larger than the caches, three streams counted
};

namespace detail {

constexpr long rounds = 1 << 14;

/// Independent chains: more than latency times ports on any processor known, fewer than registers.
#if defined(__AVX512F__)
constexpr int accumulators = 16;
using fp32_lanes = __m512;
inline fp32_lanes multiply_add(fp32_lanes a, fp32_lanes b, fp32_lanes c) { return _mm512_fmadd_ps(a, b, c); }
#else
constexpr int accumulators = 12;
typedef float fp32_lanes __attribute__((vector_size(32)));
inline fp32_lanes multiply_add(const fp32_lanes& a, const fp32_lanes& b, const fp32_lanes& c) { return a * b + c; }
#endif

/// Hides where `values` come from, so that the compiler does not see that the chains are alike.
template <class Lanes>
inline void make_opaque(Lanes& values) {
  asm volatile("" : "+v"(values));
}

/// Operations of one call.
inline double fp32_work() {
  fp32_lanes sums[accumulators] = {}, a = {}, b = {};
  for (auto& sum : sums) make_opaque(sum);
  for (long i = 0; i < rounds; ++i) {
    make_opaque(a);
    make_opaque(b);
#pragma GCC unroll 16
    for (auto& sum : sums) sum = multiply_add(a, b, sum);
  }
  for (auto& sum : sums) make_opaque(sum);
  return 2.0 * rounds * accumulators * sizeof(fp32_lanes) / sizeof(float);
}

#if defined(AXONZOO_VECTORS)

#if defined(AXONZOO_AVX512)
constexpr int lanes = 16;
#else
constexpr int lanes = 8;
#endif

/// Operations of one call that adds products of T as kernels do.
template <class T>
double narrow_work() {
  namespace kernels = axonzoo::kernels;
  constexpr double a_lane = 2.0 * kernels::elements_per_unit<T>;
#if defined(AXONZOO_AMX)
  namespace amx = kernels::amx;
  if constexpr (amx::has_products<T>) {
    if (amx::allowed()) {
      static const std::array<std::uint32_t, 16 * 64> zeros{};
      amx::shapes tiles;
      tiles.set(16, 16, 16, 16, 16);
      amx::zero_sums<true, true>();
      const auto* const from = reinterpret_cast<const char*>(zeros.data());
      amx::add_products<T, true, true>({.a = from, .second_a = from, .b = from, .a_row = 128, .b_unit = 128, .blocks = rounds / 16, .inner = {1, 16}});
      return 4 * 16 * 16 * 16 * a_lane * (rounds / 16);
    }
  }
#endif
  constexpr int turns = 8;  // g++ moves sums of whole numbers to other registers and back in each round
  using vector = kernels::vector<lanes>;
  typename vector::type sums[accumulators] = {}, a = {}, b = {};
  for (auto& sum : sums) make_opaque(sum);
  for (long i = 0; i < rounds; ++i) {
    make_opaque(a);
    make_opaque(b);
#pragma GCC unroll 8
    for (int again = 0; again < turns; ++again) {
#pragma GCC unroll 16
      for (auto& sum : sums) sum = vector::template multiply_add<T>(sum, a, b);
    }
  }
  for (auto& sum : sums) make_opaque(sum);
  return a_lane * rounds * turns * accumulators * lanes;
}

#endif

inline double bf16_work() {
#if defined(AXONZOO_AVX512_BF16)
  return narrow_work<c10::BFloat16>();
#else
  return 0;
#endif
}

inline double int8_work() {
#if defined(AXONZOO_AVX512_VNNI)
  return narrow_work<std::uint8_t>();
#elif defined(AXONZOO_VECTORS)
  return narrow_work<std::int16_t>();
#else
  return 0;
#endif
}

/// Units a second when every thread calls `work` (which gives the units of a call) for `seconds`, the best of `repeats`.
inline double best_rate(int threads, double seconds, int repeats, const std::function<double(int)>& work) {
  using clock = std::chrono::steady_clock;
  std::vector<double> rates(static_cast<std::size_t>(repeats));
  std::vector<double> units(static_cast<std::size_t>(threads)), spent(units);
  std::barrier together(threads);
  const auto run = [&](int thread) {
    const auto own = static_cast<std::size_t>(thread);
    for (int repeat = 0; repeat < repeats; ++repeat) {
      work(thread);
      units[own] = 0;
      together.arrive_and_wait();
      const auto begin = clock::now();
      do {
        units[own] += work(thread);
        spent[own] = std::chrono::duration<double>(clock::now() - begin).count();
      } while (spent[own] < seconds);
      together.arrive_and_wait();
      if (thread > 0) continue;
      double rate = 0;
      for (std::size_t t = 0; t < units.size(); ++t) rate += units[t] / spent[t];
      rates[static_cast<std::size_t>(repeat)] = rate;
    }
  };
  std::vector<std::jthread> others;
  for (int thread = 1; thread < threads; ++thread) others.emplace_back(run, thread);
  run(0);
  return *std::max_element(rates.begin(), rates.end());
}

inline double triad(std::vector<float>& a, const std::vector<float>& b, const std::vector<float>& c) {
  float* to = a.data();
  const float *left = b.data(), *right = c.data();
  const std::size_t n = a.size();
#pragma GCC ivdep
  for (std::size_t i = 0; i < n; ++i) to[i] = left[i] + 3.0F * right[i];
  asm volatile("" : : "r"(to) : "memory");
  return 3.0 * static_cast<double>(n) * sizeof(float);
}

}  // namespace detail

/// The best of ten tries each: takes about 40 `seconds`, and 192 MB for each thread.
inline peak measure_peak(int threads, double seconds) {
  peak found;
  found.fp32 = detail::best_rate(threads, seconds, 10, [](int) { return detail::fp32_work(); });
  found.bf16 = detail::best_rate(threads, seconds, 10, [](int) { return detail::bf16_work(); });
  found.int8 = detail::best_rate(threads, seconds, 10, [](int) { return detail::int8_work(); });
  std::vector<std::vector<float>> arrays(3 * static_cast<std::size_t>(threads), std::vector<float>(16 << 20, 1.0F));
  found.bandwidth = detail::best_rate(threads, seconds, 10, [&](int thread) {
    auto* own = arrays.data() + 3 * thread;
    return detail::triad(own[0], own[1], own[2]);
  });
  return found;
}

}  // namespace benchmarks
