#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/core/interrupt.hpp>
#include <axonzoo/data/listing.hpp>
#include <axonzoo/data/resample.hpp>
#include <axonzoo/data/sidecar.hpp>
#include <axonzoo/infer/bids_derivative.hpp>
#include <axonzoo/infer/image_segmenter.hpp>
#include <axonzoo/infer/mask_places.hpp>
#include <axonzoo/infer/segment_options.hpp>
#include <axonzoo/infer/segment_rows.hpp>
#include <axonzoo/infer/write_masks.hpp>
#include <axonzoo/io/image.hpp>
#include <axonzoo/io/image_rows.hpp>
#include <axonzoo/io/make_folder.hpp>
#include <axonzoo/metrics/mask_pairs.hpp>
#include <axonzoo/report/measured_set.hpp>
#include <axonzoo/report/overlay.hpp>
#include <axonzoo/report/slide_overlay.hpp>

namespace axonzoo {

/// A file on its way through `file_segmenter`, and what its steps have found so far.
struct segment_job {
  std::filesystem::path path;
  std::string stem, contrast;
  double pixel_size = 0;  ///< um; 0: not known
  image_size size;
  mask_places places;
  std::size_t bytes = 0;  ///< that it takes as a whole, roughly
  bool as_tiff = false, by_rows = false;
  bool finished = false;     ///< it was segmented before
  bool interrupted = false;  ///< it was stopped before its end
  image pixels;              ///< of one that is held as a whole
  label_image labels;
  std::unique_ptr<image_rows> source;  ///< of one that is not
  std::unique_ptr<label_spool> spool;
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
  std::exception_ptr failed;
};

/// Segments files into a folder: masks as `write_masks` has them, `<stem>_overlay.png`, and measures where a set is given. An image goes through four steps,
/// each of which one thread may be in while others are in the others: `look`, `read`, `infer`, `write`.
class file_segmenter {
 public:
  /// `measures`, where given, must outlive this. Throws `error` as `image_segmenter` does, for networks that measure nothing, and where the folder cannot be made.
  explicit file_segmenter(segment_options options, measured_set* measures = nullptr) : options_(std::move(options)), network_(options_), measures_(measures) {
    const auto& classes = network_.facts().classes;
    const auto knows = [&classes](const char* name) { return std::find(classes.begin(), classes.end(), name) != classes.end(); };
    if (measures_ != nullptr && !(knows("axon") && knows("myelin")))
      throw error("cannot use --morphometrics with '" + options_.models.front().string() + "'", "it does not segment axon and myelin", "give a model that does");
    make_folder(options_.out);
  }

  [[nodiscard]] const segment_options& options() const { return options_; }

  /// All steps of one file. Throws `error`; what was written before stays. Where the program was interrupted, a slide may be `interrupted`, and so may an image that a SAM segments.
  segment_job segment(const std::filesystem::path& path) {
    segment_job job;
    job.path = path;
    look(job);
    read(job);
    infer(job);
    write(job);
    return job;
  }

  /// Whether it is small enough to be held beside others; one that is not must be alone.
  [[nodiscard]] bool is_small(const segment_job& job) const { return !job.as_tiff && job.bytes <= options_.memory << 18; }

  /// What can be known of `job.path` before its pixels are.
  void look(segment_job& job) const {
    const auto& facts = network_.facts();
    const bool scanned = is_scanner_slide(job.path);
    if (scanned) job.source = std::make_unique<image_rows>(job.path);
    job.size = scanned ? job.source->size() : read_slide_size(job.path);
    job.pixel_size = options_.pixel_size > 0 ? options_.pixel_size : known_pixel_size(job.path);
    if (scanned && !(job.pixel_size > 0)) job.pixel_size = job.source->pixel_size();
    job.stem = detail::stem_of(job.path);
    job.contrast = options_.contrast.empty() ? job.stem.substr(job.stem.rfind('_') + 1) : options_.contrast;
    const double target = facts.pixel_size.of(job.contrast);
    if (target > 0 && !(job.pixel_size > 0))
      throw error("cannot segment '" + job.path.string() + "'", "nothing says its pixel size", "give --pixel-size UM, or a sidecar with PixelSize");
    job.places = places_of(options_, job.stem);
    job.finished = options_.resume && std::filesystem::exists(job.places.overlay);
    const auto [h, w] = std::pair(job.size.height, job.size.width);
    job.as_tiff = options_.masks == mask_files::tiff || scanned || (options_.masks == mask_files::automatic && h * w > largest_png);
    const auto [height, width] = size_at(h, w, job.pixel_size, target, 1e12);
    job.bytes = whole_image_bytes(h, w, height, width, job.size.channels, facts.classes.size());
  }

  /// The pixels of one that is small and not finished.
  void read(segment_job& job) const {
    if (!job.finished && is_small(job)) job.pixels = read_image(job.path);
  }

  void infer(segment_job& job) {
    if (job.finished) return;
    if (const auto wrong = doubt(network_.facts(), job.pixel_size, job.contrast); !wrong.empty() && options_.note)
      options_.note("'" + job.path.string() + "' lies outside of what the network knows: " + wrong);
    make_folder(job.places.folder);
    const auto pixels = job.size.height * job.size.width;
    if (network_.by_rows() == nullptr && (job.as_tiff || pixels > largest_image))
      throw error("cannot segment '" + job.path.string() + "' by prompts", "it is too large to be held as a whole", "leave --prompts-from out, or cut it into parts");
    if (network_.by_rows() != nullptr && !is_small(job)) job.by_rows = job.as_tiff || (network_.bytes() + job.bytes > options_.memory << 20 && pixels > 1u << 20);
    if (job.by_rows) return infer_rows(job);
    if (job.pixels.size() == 0) job.pixels = read_image(job.path);
    try {
      job.labels = network_.segment(job.pixels, job.pixel_size, job.contrast);
    } catch (const interruption&) {
      job.interrupted = true;
      if (options_.note) options_.note("'" + job.path.string() + "' was not segmented to its end; the same command with --resume begins it anew");
    }
  }

  void write(segment_job& job) {
    if (job.finished) return measure_finished(job);
    if (job.interrupted) return;
    if (job.by_rows) return write_rows(job);
    describe(job, write_masks(job.places.folder, job.stem, job.labels, network_.facts().classes));
    if (measures_ != nullptr) measures_->add(job.stem, as_axon_and_myelin(job.labels), job.pixels, job.pixel_size);
    write_png(job.places.overlay, overlay(job.pixels, job.labels));
  }

 private:
  static constexpr std::size_t largest_png = std::size_t{1} << 26;  // px; larger masks become TIFF

  void infer_rows(segment_job& job) {
    const auto memory = options_.memory << 20, pixels = job.size.height * job.size.width, base = network_.bytes();
    if (memory <= base)
      throw error("cannot segment '" + job.path.string() + "' in " + std::to_string(options_.memory) + " MB", "the network alone takes " + std::to_string((base >> 20) + 1) + " MB",
                  "give a larger --memory");
    if (!job.as_tiff && pixels > memory / 4)
      throw error("cannot write '" + job.places.png.string() + "'", "a PNG is written as a whole, which --memory does not allow", "leave --masks out, so that it becomes a TIFF");
    if (!job.source) job.source = std::make_unique<image_rows>(job.path);
    segment_rows_options how;
    how.pixel_size = job.pixel_size;
    how.contrast = job.contrast;
    how.spool = spool_of(options_, job.path);
    how.resume = options_.resume;
    how.memory = memory - base;
    if (options_.rows) how.at = [this, &job](double share) { options_.rows(job.path, share); };
    job.spool = std::make_unique<label_spool>(segment_rows(*network_.by_rows(), *job.source, network_.digest_of_models(), how));
    job.interrupted = job.spool->rows() < job.size.height;
    if (job.interrupted && options_.note)
      options_.note("'" + job.path.string() + "' is segmented to row " + std::to_string(job.spool->rows()) + " of " + std::to_string(job.size.height) +
                    "; the same command with --resume goes on");
  }

  void write_rows(segment_job& job) {
    const auto& classes = network_.facts().classes;
    if (job.as_tiff) {
      describe(job, write_masks(job.places.folder, job.stem, *job.spool, job.size.height, job.size.width, classes));
      if (measures_ != nullptr) measures_->add_slide(job.stem, job.places.tiff, job.pixel_size);
    } else {
      auto labels = label_image::from_shape({job.size.height, job.size.width});
      auto* at = labels.data();
      job.spool->read([&at](const label_image& part) { at = std::copy(part.begin(), part.end(), at); });
      describe(job, write_masks(job.places.folder, job.stem, labels, classes));
      if (measures_ != nullptr) measures_->add(job.stem, as_axon_and_myelin(std::move(labels)), no_pixels(), job.pixel_size);
    }
    write_png(job.places.overlay, slide_overlay(*job.source, *job.spool));
    job.spool->remove();
  }

  void measure_finished(const segment_job& job) {
    if (measures_ == nullptr) return;
    if (std::filesystem::exists(job.places.tiff)) return measures_->add_slide(job.stem, job.places.tiff, job.pixel_size);
    image_masks files;
    files.axonmyelin = job.places.png;
    measures_->add(job.stem, read_mask_labels(files, {"background", "myelin", "axon"}), measures_->draws() ? read_image(job.path) : no_pixels(), job.pixel_size);
  }

  void describe(const segment_job& job, const std::vector<std::filesystem::path>& masks) const {
    if (options_.layout != mask_layout::bids) return;
    std::vector<std::string> models;
    for (const auto& model : network_.models()) models.push_back(model.filename().string());
    describe_bids_masks(options_.out, masks, job.path, job.pixel_size, models);
  }

  [[nodiscard]] label_image as_axon_and_myelin(label_image labels) const {
    const auto& classes = network_.facts().classes;
    for (auto& label : labels) label = classes[label] == "axon" ? 2 : classes[label] == "myelin" ? 1 : 0;
    return labels;
  }

  [[nodiscard]] static image no_pixels() { return image::from_shape({0, 0, 1}); }

  segment_options options_;
  image_segmenter network_;
  measured_set* measures_;
};

}  // namespace axonzoo
