#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <unistd.h>

#include <c10/core/Device.h>

#include <axonzoo/core/device.hpp>
#include <axonzoo/core/digest.hpp>
#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/infer/boxed_predictor.hpp>
#include <axonzoo/infer/predictor.hpp>
#include <axonzoo/infer/segment_options.hpp>
#include <axonzoo/infer/tiles.hpp>
#include <axonzoo/io/open_file.hpp>

namespace axonzoo {

/// The networks that `segment_options` name: one or several dense ones, or a SAM that a detector asks.
class image_segmenter {
 public:
  /// Throws `error` as the networks do, and for several SAMs.
  explicit image_segmenter(const segment_options& options) : models_(options.models) {
    const auto device = use_device(options.device);
    if (options.prompts_from.empty()) {
      dense_ = std::make_unique<predictor>(models_, device);
    } else {
      if (models_.size() > 1) throw error("cannot use --prompts-from with several --model", "prompts are for one SAM", "give one --model");
      boxed_ = std::make_unique<boxed_predictor>(models_.front(), options.prompts_from, device);
    }
    auto& tiles = (boxed_ ? boxed_->detector() : *dense_).options();
    tiles.turns = options.turns;
    tiles.overlap = options.overlap;
    if (!options.fast) return;
    if (boxed_) throw error("cannot use --fast with --prompts-from", "a SAM has no quick way", "leave one of them out");
    models_ = {models_[dense_->make_fast()]};
  }

  [[nodiscard]] const checkpoint_facts& facts() const { return boxed_ ? boxed_->facts() : dense_->facts(); }

  /// Checkpoints that take part: of `fast` ones a single one.
  [[nodiscard]] const std::vector<std::filesystem::path>& models() const { return models_; }

  /// As `predictor::segment`; a SAM throws `interruption` after Ctrl-C.
  [[nodiscard]] label_image segment(const image& pixels, double pixel_size, const std::string& contrast) {
    return boxed_ ? boxed_->segment(pixels, pixel_size, contrast) : dense_->segment(pixels, pixel_size, contrast);
  }

  /// What segments images row by row; null for a SAM, which sees them whole.
  [[nodiscard]] predictor* by_rows() { return dense_.get(); }

  /// Bytes that the program holds with the dense network at work, for which it segments a row of tiles once.
  [[nodiscard]] std::size_t bytes() {
    if (bytes_ != 0) return bytes_;
    const auto side = static_cast<std::size_t>(dense_->side());
    image tiles = image::from_shape({side, side * 4, static_cast<std::size_t>(facts().channels)});
    tiles.fill(0);
    static_cast<void>(class_probabilities(dense_->of_tiles(), tiles, dense_->side(), dense_->options()));
    std::size_t pages = 0, resident = 0;
    std::ifstream("/proc/self/statm") >> pages >> resident;
    return bytes_ = resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  }

  /// A fingerprint of the checkpoints, which rows of labels are kept with. Read once, when it is first asked for.
  [[nodiscard]] const std::string& digest_of_models() {
    if (!digest_.empty()) return digest_;
    digest made;
    for (const auto& model : models_) made.add(read_file(model, "cannot read '" + model.string() + "'"));
    return digest_ = made.hex();
  }

 private:
  std::vector<std::filesystem::path> models_;
  std::unique_ptr<boxed_predictor> boxed_;
  std::unique_ptr<predictor> dense_;
  std::size_t bytes_ = 0;
  std::string digest_;
};

}  // namespace axonzoo
