#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/from_blob.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/data/loader.hpp>
#include <axonzoo/data/read.hpp>
#include <axonzoo/data/split.hpp>
#include <axonzoo/infer/checkpoint.hpp>
#include <axonzoo/io/weights.hpp>
#include <axonzoo/nn/class_divergence.hpp>
#include <axonzoo/nn/soft_loss.hpp>
#include <axonzoo/precision/quantise.hpp>
#include <axonzoo/train/options.hpp>
#include <axonzoo/train/record.hpp>
#include <axonzoo/train/recipe.hpp>
#include <axonzoo/train/tasks.hpp>
#include <axonzoo/train/test_images.hpp>
#include <axonzoo/train/training_task.hpp>
#include <axonzoo/train/validation.hpp>

namespace axonzoo {

/// A class for each pixel: augmented patches, Dice and cross entropy with deep supervision, class overlaps, whole micrographs at test.
class dense_task : public training_task {
 public:
  /// Reads the weights to start from, where there are such, and all images, so that one that cannot be read is not found after the training. Throws `error` for
  /// either, for weights of another network and for an image smaller than a patch.
  dense_task(const dataset& data, split parts, const recipe& chosen, const train_options& options, const target_pixel_size& pixel_size)
      : parts_(std::move(parts)),
        recipe_(chosen),
        options_(options),
        device_(options.device),
        make_network_(chosen.make_network),
        cache_(std::make_shared<prepared_cache>(data, pixel_size, options.image_pixel_size, options.cache_bytes)) {
    facts_.variant = chosen.variant;
    facts_.model = chosen.model;
    facts_.precision = chosen.precision;
    facts_.classes = data.classes;
    facts_.channels = static_cast<std::int64_t>(cache_->channels());
    facts_.pixel_size = pixel_size;
    facts_.patch = options.patch;
    for (const auto member : parts_.train) {
      const auto& one = data.micrographs.at(member);
      widen(facts_.trained_on, one.contrast, one.pixel_size > 0 ? one.pixel_size : options.image_pixel_size.value_or(0));
    }
    if (!options.weights.empty()) start_from(read_weights(options.weights), "'" + options.weights.string() + "'");
    for (const auto* members : {&parts_.validation, &parts_.test}) {
      for (const auto member : *members) static_cast<void>(cache_->get(member));
    }
    double area = 0;
    for (const auto member : parts_.train) area += checked_area(member, pixel_size);
    const auto pass = static_cast<std::int64_t>(area / static_cast<double>(options_.patch * options_.patch * options_.batch));
    epoch_steps_ = std::clamp<std::int64_t>(pass, 25, 200);
  }

  [[nodiscard]] std::shared_ptr<network> make_network() const override {
    return make_network_(facts_.channels, static_cast<std::int64_t>(facts_.classes.size()));
  }
  [[nodiscard]] std::int64_t epoch_steps() const override { return epoch_steps_; }
  [[nodiscard]] double learning_rate(const std::string& optimizer) const override { return optimizer == "sgd" ? 1e-2 : 2e-3; }
  [[nodiscard]] bool validates() const override { return !parts_.validation.empty(); }

  [[nodiscard]] std::unique_ptr<batch_source> batches(std::int64_t first_step, const communicator& ranks) override {
    return std::make_unique<patches>(*this, ranks.splits_batches() ? loading(first_step, ranks.rank(), ranks.world_size()) : loading(first_step, 0, 1));
  }

  nlohmann::json validate(network& net, communicator& ranks) override {
    return axonzoo::validate(net, *cache_, parts_.validation, recipe_, device_, options_.patch, facts_.classes, ranks);
  }

  [[nodiscard]] calibration calibration_set(network& /*net*/, communicator& ranks) override {
    calibration made;
    made.world_size = ranks.world_size();
    made.loss = [](const at::Tensor& logits, const at::Tensor& labels) { return dice_cross_entropy(logits, labels); };
    made.sum = [&ranks](at::Tensor& values) { ranks.sum(values); };
    made.each_batch = [this, &ranks](std::int64_t count, const std::function<void(const calibration::batch&)>& visit) {
      const auto scope = recipe_.setting.enter(device_.type());
      loader batches(cache_, parts_.train, loading(first_calibration_step, ranks.rank(), ranks.world_size()));
      const std::int64_t own = options_.batch * ranks.rank() / ranks.world_size();
      for (std::int64_t i = 0; i < count; ++i) {
        const auto batch = batches.next();
        visit({images_of(batch), labels_of(batch), i * options_.batch + own});
      }
    };
    return made;
  }

  void write_checkpoint(const std::filesystem::path& path, const network& net) const override {
    axonzoo::write_checkpoint(path, named_tensors(net), facts_);
  }
  void read_checkpoint(const std::filesystem::path& path, network& net) const override {
    load_tensors(net, read_safetensors(path).tensors, "'" + path.string() + "'");
  }

  [[nodiscard]] nlohmann::json fixed_options() const override {
    return {{"batch", options_.batch}, {"patch", options_.patch}, {"weights", weights_digest_}};
  }
  [[nodiscard]] std::int64_t macs(network& net) const override { return patch_macs(net, facts_.channels, options_.patch); }
  [[nodiscard]] double samples_per_second(network& net) const override {
    return patches_per_second(net, recipe_, device_, facts_.channels, options_.patch);
  }
  nlohmann::json test(network& net) override { return test_images(net, *cache_, parts_.test, recipe_, options_); }
  void describe(nlohmann::json& record) const override {
    if (!options_.weights.empty()) record["weights"] = options_.weights.filename().string();
  }

 private:
  static constexpr std::int64_t first_calibration_step = std::int64_t{1} << 40;

  class patches : public batch_source {
   public:
    patches(const dense_task& task, const loader_options& how) : task_(task), loader_(task.cache_, task.parts_.train, how) {}

    training_batch next() override {
      auto batch = std::make_shared<const loaded_batch>(loader_.next());
      training_batch made;
      made.names = batch->names;
      made.load_seconds = batch->load_seconds;
      made.augment_seconds = batch->augment_seconds;
      const std::int64_t parts = task_.options_.accumulate;
      if (parts > batch->n) {
        throw error("cannot compute a step in --accumulate " + std::to_string(parts) + " parts", "a rank has " + std::to_string(batch->n) + " of its patches",
                    "give a larger --batch or fewer parts");
      }
      for (std::int64_t part = 0; part < parts; ++part) {
        const std::int64_t first = batch->n * part / parts, count = batch->n * (part + 1) / parts - first;
        auto loss = [&task = task_, batch, first, count](network& net, const teaching* by) {
          const auto images = task.images_of(*batch).narrow(0, first, count);
          const auto logits = net.forward(images);
          const auto supervised = [&] { return supervised_loss(logits, task.labels_of(*batch).narrow(0, first, count)); };
          const auto mean = by == nullptr ? supervised() : by->mix(supervised, [&](network& teacher) {
            return class_divergence(logits.front(), teacher.forward(images).front());
          });
          return count == batch->n ? mean : mean * (static_cast<double>(count) / static_cast<double>(batch->n));
        };
        if (part == 0) {
          made.loss = std::move(loss);
        } else {
          made.further.emplace_back(std::move(loss));
        }
      }
      return made;
    }

   private:
    const dense_task& task_;
    loader loader_;
  };

  /// Throws `error` where a model that needs no weights is given others than a checkpoint of its own, for these classes and channels.
  void start_from(tensor_file weights, const std::string& origin) {
    if (!recipe_.needs_weights()) {
      const auto given = read_facts(weights, origin);
      const auto refuse = [&](const std::string& wrong, const std::string& mend) { throw error("cannot start " + facts_.model + " from " + origin, wrong, mend); };
      if (given.model != facts_.model) refuse("it is of " + given.model, "give a checkpoint of " + facts_.model);
      if (given.classes != facts_.classes) {
        refuse("its classes are " + nlohmann::json(given.classes).dump() + " and those of the images " + nlohmann::json(facts_.classes).dump(), "give a checkpoint for the same classes");
      }
      if (given.channels != facts_.channels) {
        refuse("it takes images of " + std::to_string(given.channels) + " channels and these have " + std::to_string(facts_.channels), "give a checkpoint for such images");
      }
      if (are_quantised(weights.tensors)) refuse("its weights are rounded to 8 bits, which take no gradients", "give the unrounded.safetensors that was written beside it");
      require_finite(weights, origin);
    }
    weights_digest_ = tensors_digest(weights.tensors);
    make_network_ = recipe_.from_weights(std::move(weights), origin);
  }

  [[nodiscard]] double checked_area(std::size_t member, const target_pixel_size& pixel_size) const {
    const auto prepared = cache_->get(member);
    const auto height = static_cast<std::int64_t>(prepared->pixels.shape(0)), width = static_cast<std::int64_t>(prepared->pixels.shape(1));
    if (options_.patch > height || options_.patch > width) {
      const auto& source = cache_->data().micrographs[member];
      throw error("cannot cut patches of " + std::to_string(options_.patch) + " px from '" + source.path.string() + "'",
                  "it has " + std::to_string(width) + " x " + std::to_string(height) + " px at " + std::to_string(pixel_size.of(source.contrast)) + " um",
                  "give a smaller --patch or a finer --pixel-size");
    }
    return static_cast<double>(height * width);
  }

  [[nodiscard]] loader_options loading(std::int64_t first_step, int rank, int world_size) const {
    loader_options how;
    how.batch = options_.batch;
    how.patch = options_.patch;
    how.workers = options_.workers;
    how.seed = options_.seed;
    how.rank = rank;
    how.world_size = world_size;
    how.foreground_share = options_.foreground_share;
    how.augment = options_.augment;
    how.first_step = first_step;
    return how;
  }

  /// [N, H, W], valid while the batch is.
  [[nodiscard]] at::Tensor labels_of(const loaded_batch& batch) const {
    return at::from_blob(const_cast<std::uint8_t*>(batch.labels.data()), {batch.n, batch.height, batch.width}, at::kByte).to(device_);
  }

  /// [N, C, H, W], channels last, valid while the batch is.
  [[nodiscard]] at::Tensor images_of(const loaded_batch& batch) const {
    return at::from_blob(const_cast<float*>(batch.pixels.data()), {batch.n, batch.height, batch.width, batch.channels}, at::kFloat)
        .permute({0, 3, 1, 2})
        .to(device_, recipe_.setting.compute_type);
  }

  split parts_;
  const recipe& recipe_;
  const train_options& options_;
  c10::Device device_;
  network_maker make_network_;
  nlohmann::json weights_digest_;  // of those that the network starts from; null where they are random
  std::shared_ptr<prepared_cache> cache_;
  checkpoint_facts facts_;
  std::int64_t epoch_steps_ = 0;
};

inline std::unique_ptr<training_task> make_dense_task(const dataset& data, const split& parts, const recipe& chosen, const train_options& options, const target_pixel_size& pixel_size) {
  return std::make_unique<dense_task>(data, parts, chosen, options, pixel_size);
}

}  // namespace axonzoo
