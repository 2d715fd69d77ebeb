#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <axonzoo/core/image.hpp>
#include <axonzoo/io/image.hpp>
#include <axonzoo/io/label_spool.hpp>
#include <axonzoo/io/tiled_tiff.hpp>

namespace axonzoo {

namespace detail {

/// What each mask of an image shows: its name and the level of each class.
inline std::vector<std::pair<std::string, std::vector<std::uint8_t>>> mask_levels_of(const std::vector<std::string>& classes) {
  std::vector<std::pair<std::string, std::vector<std::uint8_t>>> masks;
  std::vector<std::uint8_t> both(classes.size());
  bool axon = false, myelin = false;
  for (std::size_t k = 1; k < classes.size(); ++k) {
    masks.emplace_back(classes[k], std::vector<std::uint8_t>(classes.size()));
    masks.back().second[k] = 255;
    if (classes[k] == "axon") both[k] = 255, axon = true;
    if (classes[k] == "myelin") both[k] = 127, myelin = true;
  }
  if (axon && myelin) masks.emplace_back("axonmyelin", both);
  return masks;
}

inline label_image paint_labels(const label_image& labels, const std::vector<std::uint8_t>& levels) {
  label_image mask = label_image::from_shape(labels.shape());
  for (std::size_t i = 0; i < labels.size(); ++i) mask.data()[i] = levels[labels.data()[i]];
  return mask;
}

}  // namespace detail

/// Writes what AxonDeepSeg's users know: `<stem>_seg-axonmyelin.png` (0, 127, 255), `<stem>_seg-axon.png` and `<stem>_seg-myelin.png` (0, 255);
/// for other classes one binary `<stem>_seg-<class>.png` each. `labels` [H, W] index `classes`. Returns the files.
inline std::vector<std::filesystem::path> write_masks(const std::filesystem::path& folder, const std::string& stem, const label_image& labels,
                                                      const std::vector<std::string>& classes) {
  std::vector<std::filesystem::path> written;
  for (const auto& [name, levels] : detail::mask_levels_of(classes)) {
    written.push_back(folder / (stem + "_seg-" + name + ".png"));
    write_png(written.back(), detail::paint_labels(labels, levels));
  }
  return written;
}

/// The same of a slide of height x width px, row by row, as pyramids of tiles in BigTIFF (`.tif`).
inline std::vector<std::filesystem::path> write_masks(const std::filesystem::path& folder, const std::string& stem, label_spool& labels, std::size_t height, std::size_t width,
                                                      const std::vector<std::string>& classes) {
  std::vector<std::filesystem::path> written;
  for (const auto& [name, levels] : detail::mask_levels_of(classes)) {
    written.push_back(folder / (stem + "_seg-" + name + ".tif"));
    tiled_tiff_writer writer(written.back(), height, width);
    labels.read([&, &levels = levels](const label_image& rows) { writer.add(detail::paint_labels(rows, levels)); });
    writer.finish();
  }
  return written;
}

}  // namespace axonzoo
