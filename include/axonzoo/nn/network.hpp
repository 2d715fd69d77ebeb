#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <torch/nn/module.h>

namespace axonzoo {

/// One axis of one tensor of a network that loses entries together with others when a channel is removed.
struct channel_axis {
  std::string tensor;       ///< name among named_parameters() and named_buffers()
  std::int64_t axis = 0;    ///< dimension of that tensor
  std::int64_t offset = 0;  ///< where the group's channels begin on that axis (skip connections are concatenations)
};

/// Channels that can only leave together: all axes that carry them. `axes.front()` is the filter bank that makes them.
struct channel_group {
  std::string name;
  std::int64_t channels = 0;
  std::vector<channel_axis> axes;
  bool bottleneck = false;  ///< read by the next layer of the same block alone; otherwise a width that blocks hand to each other
};

/// What every model of the zoo gives the training loop. Widths are read from the parameters' shapes at each forward pass, so
/// that a pruned network is the same class with smaller tensors.
class network : public torch::nn::Module {
 public:
  /// Logits [N, K, H, W] for images [N, C, H, W]; in training mode coarser logits may follow for deep supervision.
  virtual std::vector<at::Tensor> forward(const at::Tensor& images) = 0;

  /// Sides of an input must be a multiple of this.
  [[nodiscard]] virtual std::int64_t stride() const = 0;

  /// The coupled channels that pruning may remove, at the widths of now.
  [[nodiscard]] virtual std::vector<channel_group> channel_groups() const = 0;
};

/// Makes a network for images of so many channels and so many classes.
using network_maker = std::function<std::shared_ptr<network>(std::int64_t channels, std::int64_t classes)>;

}  // namespace axonzoo
