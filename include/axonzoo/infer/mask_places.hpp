#pragma once

#include <filesystem>
#include <string>

#include <axonzoo/core/error.hpp>
#include <axonzoo/data/listing.hpp>
#include <axonzoo/infer/bids_derivative.hpp>
#include <axonzoo/infer/segment_options.hpp>

namespace axonzoo {

/// Where what is found in an image goes.
struct mask_places {
  std::filesystem::path folder;     ///< of its masks
  std::filesystem::path png, tiff;  ///< its mask of axons and myelin, of which one is written
  std::filesystem::path overlay;    ///< written last: where it is, the image is finished
};

/// Throws `error` for a name that does not fit the layout.
[[nodiscard]] inline mask_places places_of(const segment_options& options, const std::string& stem) {
  const auto folder = options.layout == mask_layout::bids ? bids_folder(options.out, stem) : options.out;
  const auto mask = stem + "_seg-axonmyelin";
  return {folder, folder / (mask + ".png"), folder / (mask + ".tif"), folder / (stem + "_overlay.png")};
}

/// Where rows of labels wait for the rest. It does not depend on the layout, so that a folder of masks holds masks alone.
[[nodiscard]] inline std::filesystem::path spool_of(const segment_options& options, const std::filesystem::path& image) {
  return options.out / ("." + detail::stem_of(image) + ".rows");
}

/// Whether the image has all its masks already; not where its name does not fit the layout.
[[nodiscard]] inline bool is_segmented(const segment_options& options, const std::filesystem::path& image) {
  try {
    return std::filesystem::exists(places_of(options, detail::stem_of(image)).overlay);
  } catch (const error&) {
    return false;
  }
}

}  // namespace axonzoo
