#pragma once

#include <string_view>

#include <axonzoo/pruning/structured.hpp>

namespace axonzoo {

/// The channels whose removal changes the loss least by the diagonal of the empirical Fisher leave: w^2 E[g^2] over single images (LeCun et
/// al. 1990; Theis et al. 2018).
struct hessian : structured_pruning {
  static constexpr std::string_view name = "hessian";

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
    auto gradients = calibration_gradients(net, data, static_cast<std::int64_t>(batches), /*squared=*/true,
                                           [&](const at::Tensor& logits, const calibration::batch& batch) { return data.loss(logits, batch.labels); });
    return times_weights(net, std::move(gradients), /*squared=*/true);
  }

  struct state;
};

struct hessian::state : structured_state<hessian> {
  using structured_state::structured_state;
};

}  // namespace axonzoo
