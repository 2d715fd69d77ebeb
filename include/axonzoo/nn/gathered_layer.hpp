#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

namespace axonzoo {

/// A layer that ranks may share the weights of: each rank has all of them only while the layer computes, forward and backward (fully sharded data parallel; Zhao et al.
/// 2023). They stay the same tensors, whose memory comes and goes, so what the graph has saved of them is whole again when the backward pass asks.
class gathered_layer : public torch::nn::Module {
 public:
  struct ranks {
    /// Gives every rank the values of these parameters; of others, which nobody shares, nothing changes. Every rank calls it for the same layers in the same order.
    std::function<void(const std::vector<at::Tensor>&)> gather;
    /// Lets go of what other ranks keep. In the backward pass whoever made this object does so, when a parameter has its gradient.
    std::function<void(const std::vector<at::Tensor>&)> release;
  };

  /// While it lives, such layers of this thread gather their weights from `among`.
  class scope {
   public:
    explicit scope(std::shared_ptr<const ranks> among) : outer_(std::exchange(active(), std::move(among))) {}
    ~scope() { active() = std::move(outer_); }
    scope(const scope&) = delete;
    scope& operator=(const scope&) = delete;

   private:
    std::shared_ptr<const ranks> outer_;
  };

  /// Whether what computes with its weights gathers them.
  [[nodiscard]] virtual bool gathers() const { return true; }

 protected:
  /// compute(), the layer's output, with all of its weights and those of the layers within.
  template <class Compute>
  at::Tensor with_weights(const Compute& compute) const {
    const auto among = active();
    if (among == nullptr) return compute();
    const auto weights = parameters();
    among->gather(weights);
    at::Tensor y = compute();
    among->release(weights);
    if (y.requires_grad()) {
      y.register_hook([among, weights](const at::Tensor&) { among->gather(weights); });
    }
    return y;
  }

 private:
  static std::shared_ptr<const ranks>& active() {
    thread_local std::shared_ptr<const ranks> among;
    return among;
  }
};

}  // namespace axonzoo
