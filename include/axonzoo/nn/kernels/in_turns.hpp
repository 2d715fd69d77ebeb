#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include <ATen/Parallel.h>

namespace axonzoo::kernels {

/// work(begin, end) over [0, count) in equal pieces of at most `most`, as many for each thread, which threads take as they get free: one that the loader's threads or
/// another program keep from running does not hold up the rest. For work whose result does not depend on who does it.
template <class Work>
void in_turns(std::int64_t count, std::int64_t most, const Work& work) {
  const std::int64_t threads = at::in_parallel_region() ? 1 : at::get_num_threads();
  const std::int64_t pieces = threads * ((count + most * threads - 1) / (most * threads)), step = (count + pieces - 1) / pieces;
  std::atomic<std::int64_t> next{0};
  at::parallel_for(0, threads, 1, [&](std::int64_t, std::int64_t) {
    for (std::int64_t begin = next.fetch_add(step); begin < count; begin = next.fetch_add(step)) work(begin, std::min(begin + step, count));
  });
}

}  // namespace axonzoo::kernels
