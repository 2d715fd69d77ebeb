#pragma once

// A GPU works on while the program does: clocks are read when it has done what it was given.

#include <chrono>

#include <c10/core/Device.h>

#include <axonzoo/core/device.hpp>

namespace benchmarks {

inline std::chrono::steady_clock::time_point time_on(c10::Device device) {
  axonzoo::wait_for(device);
  return std::chrono::steady_clock::now();
}

inline double seconds_since(std::chrono::steady_clock::time_point begin, c10::Device device = c10::kCPU) {
  return std::chrono::duration<double>(time_on(device) - begin).count();
}

}  // namespace benchmarks
