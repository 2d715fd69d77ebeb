#pragma once

#include <memory>

namespace axonzoo {

/// Filters as the kernels read them, from the first call without gradients on: one for each weight that does not change any more.
struct kept_filters {
  std::shared_ptr<void> of_float, of_bfloat16;
};

}  // namespace axonzoo
