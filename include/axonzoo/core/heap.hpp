#pragma once

#include <malloc.h>

#include <limits>

namespace axonzoo {

/// Lets what is freed stay in the process instead of going back to the system, which would clear each page before it is used again. For
/// programs that allocate large blocks time and again; their memory then is the most that they have held. `one_heap`: for all threads, so that what
/// one freed serves the others, for programs whose threads allocate seldom.
inline void keep_freed_memory(bool one_heap = false) {
  if (one_heap) mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  mallopt(M_TOP_PAD, 64 << 20);
}

}  // namespace axonzoo
