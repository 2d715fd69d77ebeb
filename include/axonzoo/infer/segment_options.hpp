#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace axonzoo {

enum class mask_files {
  automatic,  ///< PNG up to 67 megapixels, TIFF above and of scanners' slides
  png,
  tiff,  ///< a pyramid of tiles, for images of any size
};

enum class mask_layout {
  flat,  ///< masks in the folder itself
  bids,  ///< the folder is a data set, masks are its derivative (bids_derivative.hpp)
};

/// What `file_segmenter` does with images, and where their masks go.
struct segment_options {
  std::vector<std::filesystem::path> models;  ///< checkpoints that variant programs wrote; the mean of their probabilities counts
  std::filesystem::path prompts_from;         ///< checkpoint of a detector, for whose boxes the one SAM in `models` is asked; empty: none
  std::filesystem::path out;                  ///< folder; it is made
  std::string device = "cpu";                 ///< or "cuda"
  double pixel_size = 0;                      ///< um; 0: what sidecars and scanners say
  std::string contrast;                       ///< "SEM", "TEM"; empty: what ends the file's name
  int turns = 1;                              ///< as `tile_options`
  double overlap = 0.25;                      ///< as `tile_options`
  bool fast = false;                          ///< a quick look, as `predictor::make_fast`, whatever `turns` and `overlap` say
  mask_files masks = mask_files::automatic;
  mask_layout layout = mask_layout::flat;
  std::size_t memory = 1500;  ///< MB that the program may take: an image that would need more is segmented row by row
  bool resume = false;        ///< pass over what is finished, and take up an interrupted slide at its last row

  std::function<void(const std::string&)> note;                          ///< told what is odd about an image, as a sentence
  std::function<void(const std::filesystem::path&, double share)> rows;  ///< told how far an image is that is segmented row by row
};

}  // namespace axonzoo
