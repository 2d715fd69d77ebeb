#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/data/found_masks.hpp>
#include <axonzoo/data/prepared_micrograph.hpp>
#include <axonzoo/data/prompts.hpp>
#include <axonzoo/infer/predictor.hpp>
#include <axonzoo/infer/prompted_segmenter.hpp>
#include <axonzoo/models/promptable.hpp>

namespace axonzoo {

/// A trained SAM that asks for what a trained detector (a U-Net or SegNet) found: boxes around the axons and fibres of its mask, each answered by the SAM. No
/// manual mask takes part.
class boxed_predictor {
 public:
  /// Reads two checkpoints that variant programs wrote. `device` is what `use_device` gives. Throws `error`, also where they know other classes.
  boxed_predictor(const std::filesystem::path& sam, const std::filesystem::path& detector, c10::Device device = c10::kCPU)
      : device_(device), detector_(detector, device) {
    const auto origin = "'" + sam.string() + "'";
    const auto file = read_safetensors(sam);
    facts_ = read_facts(file, origin);
    net_ = std::make_shared<sam_network>(file, origin);
    net_->to(device_);
    net_->eval();
    setting_ = setting_of(facts_.precision);
    const auto how = promptable_setting_of(facts_.model);
    const bool encoder_trained = how && how->trains == trained_part::encoder_and_decoder;
    encoder_ = std::make_unique<view_encoder>(net_->kind().image, levels_of(net_->kind(), encoder_trained), setting_.compute_type, device_);
    if (detector_.facts().classes != facts_.classes) {
      throw error("cannot ask " + origin + " for what '" + detector.string() + "' finds", "they were trained on other classes", "train both on the same data");
    }
  }

  [[nodiscard]] const checkpoint_facts& facts() const { return facts_; }
  [[nodiscard]] predictor& detector() { return detector_; }

  /// As `predictor::segment`. Throws `interruption` after Ctrl-C.
  [[nodiscard]] label_image segment(const image& pixels, double pixel_size, const std::string& contrast = "") {
    const double target = facts_.pixel_size.of(contrast);
    if (target > 0 && !(pixel_size > 0)) {
      throw error("cannot segment the image", "its pixel size is unknown and the network was trained at " + std::to_string(target) + " um", "give --pixel-size UM");
    }
    const auto asked = prompted_masks_of(detector_.segment(pixels, pixel_size, contrast), facts_.classes, least_area);
    const auto prepared = prepare_pixels(pixels, pixel_size, target);
    const auto scope = setting_.enter(device_.type());
    const auto masks = segment_boxes(*net_, *encoder_, prepared, pixels.shape(0), pixels.shape(1), asked.objects, facts_.patch, device_);
    return labels_of_masks(masks, asked.kinds, facts_.classes, pixels.shape(0), pixels.shape(1));
  }

 private:
  static constexpr std::int64_t least_area = 9;  // px; below, a detector's component is noise

  c10::Device device_;
  predictor detector_;
  checkpoint_facts facts_;
  precision_setting setting_;
  std::shared_ptr<sam_network> net_;
  std::unique_ptr<view_encoder> encoder_;
};

}  // namespace axonzoo
