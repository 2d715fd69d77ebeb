#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/data/prepared_micrograph.hpp>
#include <axonzoo/data/read.hpp>
#include <axonzoo/infer/checkpoint.hpp>
#include <axonzoo/infer/labels.hpp>
#include <axonzoo/infer/tiles.hpp>
#include <axonzoo/models/registry.hpp>
#include <axonzoo/precision/registry.hpp>

namespace axonzoo {

/// A trained network, ready for whole images of any size.
class predictor {
 public:
  /// Reads a checkpoint that a variant program wrote. `make` is for models outside the zoo. Throws `error`.
  explicit predictor(const std::filesystem::path& checkpoint, c10::Device device = c10::kCPU, network_maker make = {})
      : device_(device) {
    const auto origin = "'" + checkpoint.string() + "'";
    const auto file = read_safetensors(checkpoint);
    facts_ = read_facts(file, origin);
    precision_ = setting_of(facts_.precision);
    if (!make) make = maker_of(facts_.model, file.tensors);
    net_ = make(facts_.channels, static_cast<std::int64_t>(facts_.classes.size()));
    load_tensors(*net_, file.tensors, origin);
    net_->to(device_);
    net_->eval();
    options_.side = facts_.patch;
  }

  [[nodiscard]] const checkpoint_facts& facts() const { return facts_; }
  [[nodiscard]] tile_options& options() { return options_; }
  [[nodiscard]] network& net() { return *net_; }

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
      const auto scope = precision_.enter(device_.type());
      return mean_of_turns(*net_, tiles, precision_.compute_type, device_, options_.turns);
    };
  }

  /// Side of a tile in px: that of the options, rounded up to the network's stride.
  [[nodiscard]] std::int64_t side() const { return (options_.side + net_->stride() - 1) / net_->stride() * net_->stride(); }

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
  c10::Device device_;
  checkpoint_facts facts_;
  precision_setting precision_;
  std::shared_ptr<network> net_;
  tile_options options_;
};

}  // namespace axonzoo
