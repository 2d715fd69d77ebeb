#pragma once

#include <string_view>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/empty.h>

#include <axonzoo/pruning/structured.hpp>

namespace axonzoo {

/// Taylor scores without labels: the gradient is that of MSE(f(x) + e, f(x)) with e ~ N(0, 0.01^2), so channels leave that the output feels least
/// (SlimSAM, Chen et al. 2023). The disturbance of an image depends on its number in the calibration set alone, not on ranks.
struct disturbed_taylor : structured_pruning {
  static constexpr std::string_view name = "disturbed_taylor";

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
                                           [](const at::Tensor& logits, const calibration::batch& batch) {
                                             at::Tensor disturbance = at::empty(logits.sizes());
                                             for (std::int64_t i = 0; i < logits.size(0); ++i) {
                                               auto generator = at::detail::createCPUGenerator(static_cast<std::uint64_t>(batch.first_sample + i));
                                               disturbance[i].normal_(0, 0.01, generator);
                                             }
                                             const auto output = logits.to(at::kFloat);
                                             return (output + disturbance.to(output.device()) - output.detach()).square().mean();
                                           });
    return times_weights(net, std::move(gradients), /*squared=*/false);
  }

  struct state;
};

struct disturbed_taylor::state : structured_state<disturbed_taylor> {
  using structured_state::structured_state;
};

}  // namespace axonzoo
