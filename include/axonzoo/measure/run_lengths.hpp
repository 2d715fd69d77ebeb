#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

namespace axonzoo {

/// A mask as lengths of runs, column by column and first of 0, as COCO's uncompressed run lengths are.
struct run_lengths {
  std::int64_t height = 0, width = 0;
  std::vector<std::int64_t> counts;

  [[nodiscard]] std::int64_t area() const {
    std::int64_t sum = 0;
    for (std::size_t i = 1; i < counts.size(); i += 2) sum += counts[i];
    return sum;
  }
};

/// Of a mask [height, width] of 0 and other numbers.
[[nodiscard]] inline run_lengths encode_runs(const std::uint8_t* mask, std::int64_t height, std::int64_t width) {
  run_lengths made{height, width, {}};
  std::int64_t count = 0;
  bool value = false;
  for (std::int64_t x = 0; x < width; ++x) {
    for (std::int64_t y = 0; y < height; ++y) {
      if ((mask[y * width + x] != 0) != value) {
        made.counts.push_back(count);
        count = 0;
        value = !value;
      }
      ++count;
    }
  }
  made.counts.push_back(count);
  return made;
}

/// The mask [height, width] of 0 and 1.
[[nodiscard]] inline std::vector<std::uint8_t> decode_runs(const run_lengths& runs) {
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(runs.height * runs.width));
  std::int64_t at = 0;
  for (std::size_t i = 0; i < runs.counts.size(); ++i) {
    for (std::int64_t n = runs.counts[i]; n > 0; --n, ++at) mask[static_cast<std::size_t>(at % runs.height * runs.width + at / runs.height)] = i % 2;
  }
  return mask;
}

}  // namespace axonzoo
