#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <nlohmann/json.hpp>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/core/interrupt.hpp>
#include <axonzoo/data/prepared_rows.hpp>
#include <axonzoo/infer/labels.hpp>
#include <axonzoo/infer/predictor.hpp>
#include <axonzoo/infer/probability_rows.hpp>
#include <axonzoo/infer/rounded_network.hpp>
#include <axonzoo/io/image_rows.hpp>
#include <axonzoo/io/label_spool.hpp>

namespace axonzoo {

/// How an image that does not fit into memory is segmented.
struct segment_rows_options {
  double pixel_size = 0;           ///< um
  std::string contrast;            ///< as `predictor::segment`
  std::filesystem::path spool;     ///< file in which labels wait for the rest
  bool resume = false;             ///< go on with what the spool holds of the same image, model and options
  std::size_t memory = 0;          ///< bytes that may be held besides the network, 0: any
  std::function<void(double)> at;  ///< told the share that is done
};

/// Bytes that `predictor::segment` takes for an image of h x w px which is resampled to height x width, roughly.
inline std::size_t whole_image_bytes(std::size_t h, std::size_t w, std::size_t height, std::size_t width, std::size_t channels, std::size_t classes) {
  return h * w * (channels * 8 + 4) + height * width * 4 * (3 * channels + 3 * classes + 2);
}

/// The labels of `predictor::segment`, pixel for pixel, of an image whose rows are read, segmented and written as they come: memory
/// depends on the width alone. They lie in the spool. Where it returns early because the program was interrupted, the spool
/// holds fewer rows than the image has. Throws `error` as `segment` does, and when `memory` does not do.
label_spool segment_rows(predictor& with, image_rows& source, const std::string& model, const segment_rows_options& options);

namespace detail {

/// What the labels depend on, as a line of text.
inline std::string spool_note(predictor& with, const image_rows& source, const std::string& model, const segment_rows_options& options) {
  const auto& tiles = with.options();
  return nlohmann::json({{"model", model},
                         {"height", source.size().height},
                         {"width", source.size().width},
                         {"image", source.fingerprint()},
                         {"pixel_size", options.pixel_size},
                         {"contrast", options.contrast},
                         {"side", with.side()},
                         {"overlap", tiles.overlap},
                         {"turns", tiles.turns},
                         {"fast", with.is_fast()}})
      .dump();
}

}  // namespace detail

inline label_spool segment_rows(predictor& with, image_rows& source, const std::string& model, const segment_rows_options& options) {
  const auto height = source.size().height, width = source.size().width;
  const double target = with.target_of(options.pixel_size, options.contrast);
  const auto channels = static_cast<std::size_t>(with.facts().channels), classes = with.facts().classes.size();
  const auto side = static_cast<std::size_t>(with.side());
  const auto [h, w] = size_at(height, width, options.pixel_size, target, 1e12);
  const std::size_t chunk = source.chunk() * width * std::max(source.size().channels, channels) * 2 * sizeof(float) + source.decoding_bytes();
  const std::size_t needed = chunk + probability_rows::held_bytes(w, side, channels, classes) + side * (width + w * classes * sizeof(float));
  if (options.memory != 0 && needed > options.memory)
    throw error("cannot segment an image of " + std::to_string(width) + " x " + std::to_string(height) + " px in " + std::to_string(options.memory >> 20) + " MB",
                "its rows alone take " + std::to_string((needed >> 20) + 1) + " MB besides the network",
                "give a larger --memory, or an image of smaller tiles or strips");

  label_spool spool(options.spool, width, detail::spool_note(with, source, model, options), options.resume);
  if (spool.rows() >= height) return spool;
  prepared_rows rows(source, channels, options.pixel_size, target);
  if (with.is_fast()) {
    const auto [first, count] = calibration_rows(rows.height(), side);
    rows.go_to(first);
    with.meet(rows.next(count));
  }
  row_labeller labeller(rows.height(), rows.width(), height, width);
  const auto of_tiles = with.of_tiles();
  probability_rows probabilities(rows, of_tiles, with.side(), with.options(), static_cast<std::int64_t>(labeller.first(spool.rows())));
  at::Tensor held;
  auto held_top = static_cast<std::size_t>(probabilities.row());
  while (spool.rows() < height && !interrupted()) {
    const auto more = probabilities.next();
    if (more.size(1) == 0) throw error("cannot segment the image", "its rows end early", "this is a defect; tell us");
    held = held.defined() ? at::cat({held, more}, 1) : more;
    const auto have = held_top + static_cast<std::size_t>(held.size(1));
    const std::size_t first = spool.rows();
    std::size_t end = first;
    while (end < height && labeller.last(end) < have) ++end;
    if (end > first) {
      label_image labels = label_image::from_shape({end - first, width});
      for (std::size_t y = first; y < end; ++y) labeller.label(y, held, held_top, labels.data() + (y - first) * width);
      spool.add(labels);
      if (options.at) options.at(static_cast<double>(end) / static_cast<double>(height));
    }
    if (end == height) break;
    const std::size_t keep_from = std::min(labeller.first(end), have - 1);
    held = held.narrow(1, static_cast<std::int64_t>(keep_from - held_top), static_cast<std::int64_t>(have - keep_from)).contiguous();
    held_top = keep_from;
  }
  return spool;
}

}  // namespace axonzoo
