#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/data/augmentation.hpp>
#include <axonzoo/data/target_pixel_size.hpp>
#include <axonzoo/train/prompt_options.hpp>

namespace axonzoo {

/// How a variant is trained. The budget is the first of `steps`, `epochs` and `minutes` that is not 0.
struct train_options {
  std::int64_t steps = 0;
  std::int64_t epochs = 0;
  double minutes = 0;

  std::uint64_t seed = 1;
  std::int64_t batch = 4;    ///< patches in a step, over all ranks
  std::int64_t accumulate = 1;  ///< parts that a rank's share of a step is computed in, one after another
  std::int64_t patch = 256;  ///< px of the resampled image
  int workers = 1;           ///< loader threads
  int threads = 0;           ///< of the computation; 0: this machine's cores over its ranks

  target_pixel_size pixel_size;            ///< to resample to; 0: the median of the training images of each contrast
  std::optional<double> image_pixel_size;  ///< um of images whose folder does not say
  std::size_t cache_bytes = std::size_t{2} << 30;

  std::vector<std::string> test_subjects;  ///< empty: chosen from the seed
  double validation_share = 0.2;           ///< of the other subjects; 0: none, and the last weights are kept
  std::int64_t patience = 0;               ///< epochs without a better validation after which training stops; 0: never
  std::int64_t epoch_steps = 0;            ///< 0: one pass over the training pixels, 25 to 200 steps

  std::string optimizer = "adamw";  ///< or "sgd"
  double learning_rate = 0;         ///< 0: 2e-3 for adamw, 1e-2 for sgd
  double weight_decay = -1;         ///< below 0: the optimiser's own
  std::string schedule = "cosine";  ///< or "poly"
  double warm_up = 0.03;            ///< share of the budget over which the rate rises
  double clip_norm = 5;             ///< of the gradient over all parameters; 0: off
  double average_decay = 0.99;      ///< of the moving average of weights; 0: off
  double foreground_share = 1. / 3;
  augmentation augment;
  std::filesystem::path weights;  ///< what training starts from: a .pth or .safetensors of a SAM where the model needs one, else a checkpoint of the model, or empty: random weights
  prompt_options prompts;         ///< of promptable models

  int turns = 8;              ///< flips and quarter turns averaged at test
  double tile_overlap = 0.5;  ///< at test

  std::string device = "cpu";
  std::filesystem::path out;
  bool resume = false;

  /// Throws `error` for a number out of its range. `trains`: false for a model that is tested alone; then no budget is needed. `needs_weights`: the model cannot start without.
  void check(bool trains = true, bool needs_weights = false) const {
    const auto refuse = [](const std::string& option, const std::string& wrong, const std::string& mend) {
      throw error("cannot train with " + option, wrong, mend);
    };
    if (trains && steps <= 0 && epochs <= 0 && !(minutes > 0)) refuse("no budget", "nothing says how long to train", "give --minutes, --epochs or --steps");
    if (needs_weights && weights.empty()) {
      refuse("no weights", "a SAM starts from a file of weights", "give --weights FILE: a .pth or .safetensors of segment-anything, MedSAM, MobileSAM or LiteMedSAM");
    }
    if (batch < 1 || batch > 4096) refuse("--batch " + std::to_string(batch), "it is not in 1 to 4096", "give a number such as 4");
    if (accumulate < 1 || accumulate > batch) refuse("--accumulate " + std::to_string(accumulate), "it is not in 1 to --batch", "give 1 to compute a step at once");
    if (patch < 8 || patch > 8192) refuse("--patch " + std::to_string(patch), "it is not in 8 to 8192", "give a side such as 256");
    pixel_size.check();
    if (image_pixel_size && !(*image_pixel_size > 0 && *image_pixel_size < 1000)) refuse("--image-pixel-size " + std::to_string(*image_pixel_size), "it is not a length in um", "give a size such as 0.1");
    if (!(validation_share >= 0 && validation_share < 1)) refuse("--validation-share " + std::to_string(validation_share), "it is not in [0, 1)", "give a share such as 0.2");
    if (optimizer != "adamw" && optimizer != "sgd") refuse("--optimizer " + optimizer, "it is not known", "give adamw or sgd");
    if (schedule != "cosine" && schedule != "poly") refuse("--schedule " + schedule, "it is not known", "give cosine or poly");
    if (!(learning_rate >= 0)) refuse("--learning-rate " + std::to_string(learning_rate), "it is below 0", "give a rate such as 0.002");
    if (!(average_decay >= 0 && average_decay < 1)) refuse("--average-decay " + std::to_string(average_decay), "it is not in [0, 1)", "give a decay such as 0.99");
    if (turns != 1 && turns != 2 && turns != 4 && turns != 8) refuse("--turns " + std::to_string(turns), "it is not 1, 2, 4 or 8", "give one of these");
    if (!(tile_overlap >= 0 && tile_overlap <= 0.9)) refuse("--tile-overlap " + std::to_string(tile_overlap), "it is not in [0, 0.9]", "give a share such as 0.5");
    augment.check();
  }
};

}  // namespace axonzoo
