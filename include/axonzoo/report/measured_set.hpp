#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/io/replace_file.hpp>
#include <axonzoo/measure/measured_image.hpp>
#include <axonzoo/measure/morphometrics.hpp>
#include <axonzoo/measure/streamed_morphometrics.hpp>
#include <axonzoo/metrics/mask_pairs.hpp>
#include <axonzoo/metrics/mask_rows.hpp>
#include <axonzoo/report/g_ratio_picture.hpp>
#include <axonzoo/report/morphometric_files.hpp>
#include <axonzoo/report/morphometric_page.hpp>
#include <axonzoo/report/subject_groups.hpp>

namespace axonzoo {

/// Where the measures of a set of images go, and how its axons are measured.
struct measured_set_options {
  std::filesystem::path table;         ///< as `write_morphometrics`
  std::filesystem::path page;          ///< empty: none
  std::filesystem::path groups;        ///< table of each subject's group, for the page; empty: none
  morphometric_options how;            ///< `pixel_size` is that of each image
  std::string command;                 ///< that the page shows
};

/// The morphometrics of images that come one after another. Only what the table and the page need is kept of each.
class measured_set {
 public:
  /// Throws `error` for a table of no known kind and groups that cannot be read.
  explicit measured_set(measured_set_options options) : options_(std::move(options)) {
    check_morphometrics_path(options_.table);
    if (!options_.groups.empty()) report_.groups = read_subject_groups(options_.groups);
    report_.command = options_.command;
  }

  /// Whether the page shows pictures, for which `add` needs the micrograph.
  [[nodiscard]] bool draws() const { return !options_.page.empty(); }

  /// Measures `labels` (0 background, 1 myelin, 2 axon) of an image; `pixels` [H, W, C], or none, are what the page shows below them. The subject is what
  /// stands before the first '_' of `stem`. Throws `error` where `pixel_size` (um) is not known.
  void add(const std::string& stem, label_image labels, const image& pixels, double pixel_size) {
    auto measured = measure_image(labels, how_of(stem, pixel_size));
    measured.name = stem;
    if (draws()) report_.pictures.push_back(draw_g_ratios(measured, pixels));
    keep(std::move(measured), stem);
  }

  /// The same of a mask that is a TIFF, in bands of rows; it is too large for the page's pictures.
  void add_slide(const std::string& stem, const std::filesystem::path& mask, double pixel_size) {
    image_masks files;
    files.axonmyelin = mask;
    const mask_rows rows(files);
    const auto read = [&rows](std::size_t top, std::size_t count) { return rows.read(top, count); };
    keep(measure_streamed(rows.height(), rows.width(), read, how_of(stem, pixel_size)), stem);
    if (draws()) report_.pictures.emplace_back();
  }

  /// Writes tables and page of the images so far; nothing where there is none.
  void write() const {
    if (report_.images.empty()) return;
    write_morphometrics(options_.table, report_.images);
    if (draws()) replace_file(options_.page, morphometric_page(report_));
  }

 private:
  [[nodiscard]] morphometric_options how_of(const std::string& stem, double pixel_size) const {
    if (!(pixel_size > 0)) throw error("cannot measure '" + stem + "'", "nothing says its pixel size", "give --pixel-size UM, or a sidecar with PixelSize");
    auto how = options_.how;
    how.pixel_size = pixel_size;
    return how;
  }

  void keep(measured_image measured, const std::string& stem) {
    measured.name = stem;
    measured.subject = stem.substr(0, stem.find('_'));
    measured.measures.axons = {};
    measured.measures.fibres = {};
    report_.images.push_back(std::move(measured));
  }

  measured_set_options options_;
  morphometric_report report_;
};

}  // namespace axonzoo
