#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>

#include <axonzoo/nn/network.hpp>

namespace axonzoo {

/// Distillation (Hinton et al. 2015): a network learns what another answers, besides what labels say.
struct teaching {
  network& teacher;  ///< in inference mode
  double share;      ///< of the loss that is the teacher's, in (0, 1]; at 1 no label is looked at

  /// (1 - share) labels() + share lesson(teacher).
  template <class Labels, class Lesson>
  [[nodiscard]] at::Tensor mix(Labels&& labels, Lesson&& lesson) const {
    const at::Tensor taught = lesson(teacher) * share;
    return share < 1 ? labels() * (1 - share) + taught : taught;
  }
};

}  // namespace axonzoo
