#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

namespace axonzoo {

/// Who owns which of n parameters: whole tensors, the largest first to the rank that has least (Graham 1969), the same on all ranks.
inline std::vector<int> owners_of(const std::vector<std::int64_t>& sizes, int ranks) {
  std::vector<std::size_t> order(sizes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return sizes[a] > sizes[b]; });
  std::vector<std::int64_t> held(static_cast<std::size_t>(ranks), 0);
  std::vector<int> owners(sizes.size());
  for (const auto parameter : order) {
    const auto least = std::min_element(held.begin(), held.end());
    *least += sizes[parameter];
    owners[parameter] = static_cast<int>(least - held.begin());
  }
  return owners;
}

}  // namespace axonzoo
