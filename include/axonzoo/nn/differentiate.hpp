#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/DispatchKeySet.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

namespace axonzoo {

/// loss.backward() in the types that the forward pass was computed in: autocast would round what was multiplied in a wider one.
inline void differentiate(const at::Tensor& loss) {
  const c10::impl::ExcludeDispatchKeyGuard as_recorded(c10::autocast_dispatch_keyset);
  loss.backward();
}

}  // namespace axonzoo
