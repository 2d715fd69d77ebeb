#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/data/prepared_micrograph.hpp>
#include <axonzoo/data/read.hpp>
#include <axonzoo/infer/checkpoint.hpp>
#include <axonzoo/infer/labels.hpp>
#include <axonzoo/infer/tiles.hpp>
#include <axonzoo/models/registry.hpp>
#include <axonzoo/precision/quantise.hpp>
#include <axonzoo/precision/registry.hpp>

namespace axonzoo {

/// A trained network, ready for whole images of any size; or several that were trained for the same, whose probabilities are averaged.
class predictor {
 public:
  /// Reads a checkpoint that a variant program wrote. `make` is for models outside the zoo. Throws `error`.
  explicit predictor(const std::filesystem::path& checkpoint, c10::Device device = c10::kCPU, network_maker make = {})
      : predictor(std::vector<std::filesystem::path>{checkpoint}, device, make) {}

  /// Reads several. Throws `error` also where they differ in classes, channels or the pixel size they were trained at.
  explicit predictor(const std::vector<std::filesystem::path>& checkpoints, c10::Device device = c10::kCPU, const network_maker& make = {})
      : device_(device) {
    for (const auto& checkpoint : checkpoints) add(checkpoint, make);
    if (members_.empty()) throw error("cannot segment", "no checkpoint is given", "give one");
    options_.side = facts_.patch;
  }

  [[nodiscard]] const checkpoint_facts& facts() const { return facts_; }
  [[nodiscard]] tile_options& options() { return options_; }
  [[nodiscard]] network& net() { return *members_.front().net; }

  /// Class of each pixel of `pixels` ([H, W, C] in the file's own grey levels) at its own size. `pixel_size` in um; needed where
  /// the network was trained at one. `contrast` ("SEM", "TEM"): needed where it was trained at another for each. Throws `error` on another
  /// number of channels, a missing pixel size or an unknown contrast.
  [[nodiscard]] label_image segment(const image& pixels, double pixel_size, const std::string& contrast = "") {
    const double target = target_of(pixel_size, contrast);
    const auto prepared = prepare_pixels(with_channels(pixels, static_cast<std::size_t>(facts_.channels)), pixel_size, target);
    return likeliest_labels(class_probabilities(of_tiles(), prepared, side(), options_), pixels.shape(0), pixels.shape(1));
  }

  /// The network on tiles of `side()` px, for images that come in parts. Must not outlive this.
  [[nodiscard]] tile_probabilities of_tiles() {
    return [this](const at::Tensor& tiles) {
      at::Tensor sum;
      for (auto& [net, precision] : members_) {
        const auto scope = precision.enter(device_.type());
        const auto share = mean_of_turns(*net, tiles, precision.compute_type, device_, options_.turns);
        sum = sum.defined() ? sum + share : share;
      }
      return members_.size() > 1 ? sum / static_cast<double>(members_.size()) : sum;
    };
  }

  /// Side of a tile in px: that of the options, rounded up to the networks' strides.
  [[nodiscard]] std::int64_t side() const {
    std::int64_t stride = 1;
    for (const auto& [net, precision] : members_) stride = std::lcm(stride, net->stride());
    return (options_.side + stride - 1) / stride * stride;
  }

  /// um that images are resampled to; 0: they keep their size. Throws `error` on a missing pixel size or an unknown contrast.
  [[nodiscard]] double target_of(double pixel_size, const std::string& contrast) const {
    const double target = facts_.pixel_size.of(contrast);
    if (target > 0 && !(pixel_size > 0)) {
      throw error("cannot segment the image", "its pixel size is unknown and the network was trained at " + std::to_string(target) + " um",
                  "give --pixel-size UM");
    }
    return target;
  }

 private:
  struct member {
    std::shared_ptr<network> net;
    precision_setting precision;
  };

  void add(const std::filesystem::path& checkpoint, network_maker make) {
    const auto origin = "'" + checkpoint.string() + "'";
    const auto file = read_safetensors(checkpoint);
    const auto facts = read_facts(file, origin);
    const auto differ = [&](const std::string& what) {
      return error("cannot average " + origin + " with the checkpoints before it", "it " + what, "give checkpoints that were trained for the same, as folds or seeds are");
    };
    if (!members_.empty()) {
      if (facts.classes != facts_.classes) throw differ("knows other classes");
      if (facts.channels != facts_.channels) throw differ("takes images of " + std::to_string(facts.channels) + " channels");
      if (nlohmann::json(facts.pixel_size) != nlohmann::json(facts_.pixel_size)) throw differ("was trained at another pixel size");
    }
    member made{nullptr, setting_of(facts.precision)};
    if (!make) make = maker_of(facts.model, file.tensors);
    made.net = make(facts.channels, static_cast<std::int64_t>(facts.classes.size()));
    if (made.precision.quantises) expect_quantised(*made.net, file.tensors);
    load_tensors(*made.net, file.tensors, origin);
    made.net->to(device_);
    made.net->eval();
    if (members_.empty()) facts_ = facts;
    facts_.patch = std::max(facts_.patch, facts.patch);
    for (const auto& [contrast, range] : facts.trained_on)
      for (const double size : {range.first, range.second}) widen(facts_.trained_on, contrast, size);
    members_.push_back(std::move(made));
  }

  c10::Device device_;
  checkpoint_facts facts_;
  std::vector<member> members_;
  tile_options options_;
};

}  // namespace axonzoo
