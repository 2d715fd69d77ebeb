#pragma once

#include <string_view>

#include <axonzoo/pruning/structured.hpp>

namespace axonzoo {

/// The channels whose removal changes the loss least to first order leave: |w g|, g the gradient over a calibration set (Molchanov et al. 2019). On
/// many ranks g is the gradient over the sets of all.
struct taylor : structured_pruning {
  static constexpr std::string_view name = "taylor";

  double batches = 8;  ///< of the calibration set, over all ranks

  void check() const {
    structured_pruning::check();
    check_batches(batches);
  }

  template <class Visitor>
  void options(Visitor&& visit) {
    structured_pruning::options(visit);
    visit("calibration", batches, "batches of training patches that scores are computed from");
  }

  [[nodiscard]] importance weigh(network& net, const calibration& data) const {
    auto gradients = calibration_gradients(net, data, static_cast<std::int64_t>(batches), /*squared=*/false,
                                           [&](const at::Tensor& logits, const calibration::batch& batch) { return data.loss(logits, batch.labels); });
    return times_weights(net, std::move(gradients), /*squared=*/false);
  }

  struct state;
};

struct taylor::state : structured_state<taylor> {
  using structured_state::structured_state;
};

}  // namespace axonzoo
