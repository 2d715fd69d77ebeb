#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>
#include <nlohmann/json.hpp>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/data/prepared_micrograph.hpp>
#include <axonzoo/data/read.hpp>
#include <axonzoo/infer/checkpoint.hpp>
#include <axonzoo/infer/labels.hpp>
#include <axonzoo/infer/rounded_network.hpp>
#include <axonzoo/infer/tiles.hpp>
#include <axonzoo/models/registry.hpp>
#include <axonzoo/nn/macs.hpp>
#include <axonzoo/nn/network.hpp>
#include <axonzoo/precision/quantise.hpp>
#include <axonzoo/precision/registry.hpp>

namespace axonzoo {

/// A trained network, ready for whole images of any size; or several that were trained for the same, whose probabilities are averaged.
class predictor {
 public:
  /// Reads a checkpoint that a variant program wrote. `device` is what `use_device` gives, `make` is for models outside the zoo. Throws `error`.
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

  /// From now on for a quick look: of several networks only the one with the fewest multiplications counts (the first of equals), tiles share a thirty-second of their
  /// side and are seen once, and on a CPU that gains by it convolutions are in 8 bits, rounded for each image by a part of itself, so that masks depend on no other.
  /// Returns the number of the network.
  std::size_t make_fast() {
    std::size_t least = 0;
    for (std::size_t i = 1; i < members_.size(); ++i)
      if (macs_of(members_[i]) < macs_of(members_[least])) least = i;
    members_ = {members_[least]};
    facts_ = members_.front().facts;
    options_ = {.side = facts_.patch, .overlap = 1. / 32, .turns = 1, .batch = options_.batch};
    fast_ = true;
    return least;
  }

  [[nodiscard]] bool is_fast() const { return fast_; }

  /// Before the tiles of an image, where `is_fast`: takes the rows of it, prepared, that `calibration_rows` says.
  void meet(const image& rows) {
    for (auto& member : members_) {
      if (member.setting.quantises || !device_.is_cpu() || !rounding_pays) continue;
      member.rounded = rounded_copy(*member.net, member.make, static_cast<std::int64_t>(facts_.classes.size()), calibration_tiles(rows, side()));
    }
  }

  /// Class of each pixel of `pixels` ([H, W, C] in the file's own grey levels) at its own size. `pixel_size` in um; needed where
  /// the network was trained at one. `contrast` ("SEM", "TEM"): needed where it was trained at another for each. Throws `error` on another
  /// number of channels, a missing pixel size or an unknown contrast.
  [[nodiscard]] label_image segment(const image& pixels, double pixel_size, const std::string& contrast = "") {
    const double target = target_of(pixel_size, contrast);
    const auto prepared = prepare_pixels(with_channels(pixels, static_cast<std::size_t>(facts_.channels)), pixel_size, target);
    if (fast_) {
      const auto [first, count] = calibration_rows(prepared.shape(0), static_cast<std::size_t>(side()));
      const auto line = prepared.shape(1) * prepared.shape(2);
      image rows = image::from_shape({count, prepared.shape(1), prepared.shape(2)});
      std::copy_n(prepared.data() + first * line, count * line, rows.data());
      meet(rows);
    }
    return likeliest_labels(class_probabilities(of_tiles(), prepared, side(), options_), pixels.shape(0), pixels.shape(1));
  }

  /// The network on tiles of `side()` px, for images that come in parts. Must not outlive this.
  [[nodiscard]] tile_probabilities of_tiles() {
    return [this](const at::Tensor& tiles) {
      at::Tensor sum;
      for (auto& member : members_) {
        const auto precision = member.rounded ? setting_of<int8>() : member.setting;
        const auto scope = precision.enter(device_.type());
        const auto share = mean_of_turns(member.rounded ? *member.rounded : *member.net, tiles, precision.compute_type, device_, options_.turns);
        sum = sum.defined() ? sum + share : share;
      }
      return members_.size() > 1 ? sum / static_cast<double>(members_.size()) : sum;
    };
  }

  /// Side of a tile in px: that of the options, rounded up to the networks' strides.
  [[nodiscard]] std::int64_t side() const {
    std::int64_t stride = 1;
    for (const auto& member : members_) stride = std::lcm(stride, member.net->stride());
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
    precision_setting setting;
    checkpoint_facts facts;
    network_maker make;
    std::shared_ptr<network> rounded;  ///< for the image at hand
  };

  /// Of a small square of pixels.
  [[nodiscard]] std::int64_t macs_of(const member& of) const {
    const at::NoGradGuard no_gradients;
    const auto scope = of.setting.enter(device_.type());
    const auto square = 4 * of.net->stride();
    const mac_counter counter;
    static_cast<void>(mean_of_turns(*of.net, at::zeros({1, facts_.channels, square, square}), of.setting.compute_type, device_, 1));
    return counter.count();
  }

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
    member made{nullptr, setting_of(facts.precision), facts, make ? std::move(make) : maker_of(facts.model, file.tensors), nullptr};
    made.net = made.make(facts.channels, static_cast<std::int64_t>(facts.classes.size()));
    if (made.setting.quantises) expect_quantised(*made.net, file.tensors);
    load_tensors(*made.net, file.tensors, origin);
    made.net->to(device_);
    made.net->eval();
    keep_filters(*made.net);
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
  bool fast_ = false;
};

}  // namespace axonzoo
