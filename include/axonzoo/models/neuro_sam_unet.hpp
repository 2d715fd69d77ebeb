#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <axonzoo/core/concepts.hpp>
#include <axonzoo/core/error.hpp>
#include <axonzoo/fwd.hpp>
#include <axonzoo/io/weights.hpp>
#include <axonzoo/models/promptable.hpp>
#include <axonzoo/models/sam/recognise.hpp>
#include <axonzoo/models/sam/sam_unet.hpp>
#include <axonzoo/models/unet.hpp>
#include <axonzoo/nn/network.hpp>

namespace axonzoo {

/// Neuro-SAM without prompts: a U-Net on the image encoder of a SAM (sam_unet.hpp), trained as every model that gives a class for each pixel. The encoder comes
/// from a file of weights and does not train; the options are the U-Net's.
template <class Encoder>
struct unprompted_sam {
  using axis = axes::model;
  static constexpr bool starts_from_weights = true;

  unet decoder;

  template <class Visitor>
  void options(Visitor&& visit) {
    decoder.options(visit);
  }

  /// Throws `error` where a number is out of its range.
  void check() const {
    decoder.check();
    if (decoder.levels < 3) throw error("cannot make a U-Net on a SAM of --levels " + std::to_string(decoder.levels), "the embedding is at its third level", "give 3 to 8");
  }

  /// Makes networks on the encoder of `weights` (`origin`: "'a.pth'"). Throws `error` where they hold another encoder.
  [[nodiscard]] network_maker from(tensor_file weights, const std::string& origin) const {
    const auto kind = recognise_sam(shapes_of(weights), origin);
    const bool tiny = kind.depths.size() > 1;
    if (tiny != Encoder::tiny) {
      throw error("cannot start from " + origin, "it is " + kind.name, std::string("run the model ") + (tiny ? "with" : "without") + " _tiny in its name, or give other weights");
    }
    return [held = std::make_shared<const tensor_file>(std::move(weights)), origin, widths = decoder.widths()](std::int64_t channels, std::int64_t classes) {
      return std::make_shared<sam_unet_network>(*held, origin, channels, classes, widths);
    };
  }
};

struct neuro_sam_unet : unprompted_sam<vit_b> {
  static constexpr std::string_view name = "neuro_sam_unet";
};

struct neuro_sam_unet_tiny : unprompted_sam<tiny_vit> {
  static constexpr std::string_view name = "neuro_sam_unet_tiny";
};

}  // namespace axonzoo
