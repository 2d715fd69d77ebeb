#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include <ATen/Parallel.h>

#include <axonzoo/core/worker_pool.hpp>

namespace axonzoo::kernels {

/// Threads that work on a kernel which begins now.
inline std::int64_t free_threads() { return worker_pool::at_work() || at::in_parallel_region() ? 1 : at::get_num_threads(); }

/// work(begin, end) over [0, count) in pieces of `step`, which `threads` take as they get free: one that the loader's threads or another program keep from running does
/// not hold up the rest. For work whose result does not depend on who does it.
template <class Work>
void in_pieces(std::int64_t count, std::int64_t step, std::int64_t threads, const Work& work) {
  std::atomic<std::int64_t> next{0};
  worker_pool::instance().run(static_cast<int>(std::min(threads, (count + step - 1) / step)) - 1, [&] {
    for (std::int64_t begin = next.fetch_add(step); begin < count; begin = next.fetch_add(step)) work(begin, std::min(begin + step, count));
  });
}

/// In equal pieces of at most `most`, as many for each thread.
template <class Work>
void in_turns(std::int64_t count, std::int64_t most, const Work& work) {
  if (count <= 0) return;
  const std::int64_t threads = free_threads(), pieces = threads * ((count + most * threads - 1) / (most * threads));
  in_pieces(count, (count + pieces - 1) / pieces, threads, work);
}

/// In a piece for each thread, of at least `least`.
template <class Work>
void in_shares(std::int64_t count, std::int64_t least, const Work& work) {
  if (count <= 0) return;
  const std::int64_t threads = free_threads();
  in_pieces(count, std::max(least, (count + threads - 1) / threads), threads, work);
}

}  // namespace axonzoo::kernels
