#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <string>
#include <thread>

namespace axonzoo {

/// The machine that a record was made on.
struct hardware {
  std::string cpu;  ///< as the processor names itself
  int cores = 0;    ///< that this process may use
  std::uint64_t memory_bytes = 0;
};

inline hardware this_machine() {
  hardware found;
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) {
      const auto colon = line.find(": ");
      if (colon != std::string::npos) found.cpu = line.substr(colon + 2);
      break;
    }
  }
  found.cores = static_cast<int>(std::thread::hardware_concurrency());
  found.memory_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGE_SIZE));
  return found;
}

/// The most memory that this process has held, in bytes.
inline std::uint64_t peak_resident_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace axonzoo
