#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace axonzoo {

/// This rank's part of one step.
struct loaded_batch {
  std::vector<float> pixels;         ///< [n, height, width, channels]
  std::vector<std::uint8_t> labels;  ///< [n, height, width]
  std::int64_t n = 0, height = 0, width = 0, channels = 0;
  std::vector<std::string> names;  ///< the micrograph of each patch
  double load_seconds = 0;         ///< getting prepared micrographs, summed over the threads that made the batch
  double augment_seconds = 0;      ///< cutting and changing patches, likewise
};

}  // namespace axonzoo
