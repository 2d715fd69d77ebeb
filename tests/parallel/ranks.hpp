#pragma once

#include <stdlib.h>

#include <exception>
#include <string>
#include <thread>
#include <vector>

#include <axonzoo/parallel/launch_processes.hpp>

namespace made {

/// Runs work(place) on ranks that are threads of this process: Gloo joins them as it joins processes, and a test can reach into one of them. What each failed with; empty: it did not.
template <class Work>
std::vector<std::string> on_ranks(int count, const Work& work) {
  // LibTorch's record of collectives, one for all groups of a process, takes a new group in without a lock: two at once have crashed here
  ::setenv("TORCH_FR_BUFFER_SIZE", "0", 1);
  const int port = axonzoo::detail::usable_port(0);
  std::vector<std::string> failures(static_cast<std::size_t>(count));
  std::vector<std::thread> threads;
  for (int rank = 0; rank < count; ++rank) {
    threads.emplace_back([&, rank] {
      try {
        axonzoo::rank_place place;
        place.rank = rank;
        place.world_size = count;
        place.port = port;
        work(place);
      } catch (const std::exception& failure) {
        failures[static_cast<std::size_t>(rank)] = failure.what();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  return failures;
}

}  // namespace made
