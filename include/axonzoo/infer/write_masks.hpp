#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <axonzoo/core/image.hpp>
#include <axonzoo/io/image.hpp>

namespace axonzoo {

/// Writes what AxonDeepSeg's users know: `<stem>_seg-axonmyelin.png` (0, 127, 255), `<stem>_seg-axon.png` and `<stem>_seg-myelin.png` (0, 255);
/// for other classes one binary `<stem>_seg-<class>.png` each. `labels` [H, W] index `classes`.
inline void write_masks(const std::filesystem::path& folder, const std::string& stem, const label_image& labels, const std::vector<std::string>& classes) {
  std::uint8_t axon = 0, myelin = 0;
  for (std::size_t k = 1; k < classes.size(); ++k) {
    if (classes[k] == "axon") axon = static_cast<std::uint8_t>(k);
    if (classes[k] == "myelin") myelin = static_cast<std::uint8_t>(k);
    label_image mask = label_image::from_shape(labels.shape());
    for (std::size_t i = 0; i < labels.size(); ++i) mask.data()[i] = labels.data()[i] == k ? 255 : 0;
    write_png(folder / (stem + "_seg-" + classes[k] + ".png"), mask);
  }
  if (axon == 0 || myelin == 0) return;
  label_image both = label_image::from_shape(labels.shape());
  for (std::size_t i = 0; i < labels.size(); ++i) both.data()[i] = labels.data()[i] == axon ? 255 : labels.data()[i] == myelin ? 127 : 0;
  write_png(folder / (stem + "_seg-axonmyelin.png"), both);
}

}  // namespace axonzoo
