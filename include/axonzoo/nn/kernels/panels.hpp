#pragma once

#include <algorithm>
#include <cstdint>

#include <axonzoo/nn/kernels/vector.hpp>

#if defined(AXONZOO_VECTORS)

namespace axonzoo::kernels {

/// How the lanes of a matrix are cut into panels of two vectors, the first of three where their number is odd; of one where registers are few. A packed matrix
/// has one panel after another, each [inner unit][lanes of the panel].
struct panels {
  std::int64_t vectors = 0;

  static panels of(std::int64_t lanes) { return {(lanes + 15) / 16}; }
  [[nodiscard]] std::int64_t lanes() const { return 16 * vectors; }
  [[nodiscard]] std::int64_t count() const { return block_vectors == 1 ? vectors : std::max<std::int64_t>(vectors / 2, 1); }
  [[nodiscard]] std::int64_t begin(std::int64_t panel) const { return block_vectors == 1 ? panel : panel == 0 ? 0 : 2 * panel + vectors % 2; }
  [[nodiscard]] std::int64_t size(std::int64_t panel) const { return std::min(begin(panel + 1), vectors) - begin(panel); }
};

}  // namespace axonzoo::kernels

#endif
