#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include <nlohmann/json.hpp>

#include <axonzoo/nn/calibration.hpp>
#include <axonzoo/nn/network.hpp>
#include <axonzoo/parallel/communicator.hpp>
#include <axonzoo/train/teaching.hpp>

namespace axonzoo {

/// What one step learns from, on this rank.
struct training_batch {
  /// Runs the network; a scalar, the mean over this rank's samples. By labels alone, or as `teaching` says.
  std::function<at::Tensor(network&, const teaching*)> loss;
  /// Where a step is computed in parts: those after `loss`. The sum of all is the mean over this rank's samples.
  std::vector<std::function<at::Tensor(network&, const teaching*)>> further;
  std::vector<std::string> names;  ///< the micrograph of each sample, for the sentence about a loss that is not finite
  double load_seconds = 0;         ///< see `loaded_batch`
  double augment_seconds = 0;
};

/// Batches of the steps of one run, in their order.
class batch_source {
 public:
  virtual ~batch_source() = default;
  virtual training_batch next() = 0;
};

/// What a network is trained for: its data and loss, how it is validated and tested, what its checkpoint says. The loop (`trainer`) knows no more
/// of it than this: `dense_task` predicts a class for each pixel, `promptable_task` a mask for each prompt.
class training_task {
 public:
  virtual ~training_task() = default;

  /// A network with the weights that training starts from, on the CPU; random ones come from LibTorch's generator.
  [[nodiscard]] virtual std::shared_ptr<network> make_network() const = 0;

  /// Steps after which the network is validated, where no option says.
  [[nodiscard]] virtual std::int64_t epoch_steps() const = 0;

  /// The highest learning rate where no option says, for "adamw" or "sgd".
  [[nodiscard]] virtual double learning_rate(const std::string& optimizer) const = 0;

  /// The batches of step `first_step` (from 0) and on: sample i of step s is the same whatever the ranks and the step begun with.
  [[nodiscard]] virtual std::unique_ptr<batch_source> batches(std::int64_t first_step, const communicator& ranks) = 0;

  /// Whether there are subjects to validate on.
  [[nodiscard]] virtual bool validates() const = 0;

  /// Scores on the validation subjects, the same on all ranks; "dice" is what chooses among epochs. Empty where Ctrl-C came to any rank first.
  virtual nlohmann::json validate(network& net, communicator& ranks) = 0;

  /// What a pruning policy may learn from: training samples that no step trains on.
  [[nodiscard]] virtual calibration calibration_set(network& net, communicator& ranks) = 0;

  /// Told when channels have left, when a network that has lost some goes on, and when weights have been rounded.
  virtual void narrowed(const network& /*net*/) {}

  /// Writes what inference needs.
  virtual void write_checkpoint(const std::filesystem::path& path, const network& net) const = 0;

  /// Takes back what `write_checkpoint` wrote.
  virtual void read_checkpoint(const std::filesystem::path& path, network& net) const = 0;

  /// Options that a resumed run must share with the stopped one, by their names.
  [[nodiscard]] virtual nlohmann::json fixed_options() const = 0;

  /// Multiply-accumulates of one sample.
  [[nodiscard]] virtual std::int64_t macs(network& net) const = 0;

  /// Samples that the network infers in a second, one at a time.
  [[nodiscard]] virtual double samples_per_second(network& net) const = 0;

  /// Scores on the test subjects, rank 0 alone, with predictions in <out>/test: {"mean", "subjects", "images"} of docs/results-json.md, and beside
  /// them "seconds_per_megapixel".
  virtual nlohmann::json test(network& net) = 0;

  /// Adds to the record what is this task's own.
  virtual void describe(nlohmann::json& record) const = 0;
};

}  // namespace axonzoo
