#pragma once

#include <concepts>
#include <optional>
#include <string_view>

#include <axonzoo/core/concepts.hpp>
#include <axonzoo/core/variant.hpp>
#include <axonzoo/fwd.hpp>
#include <axonzoo/models/promptable_setting.hpp>

namespace axonzoo {

/// SAM's image encoders.
struct vit_b {
  static constexpr bool tiny = false;
};
struct tiny_vit {
  static constexpr bool tiny = true;
};

/// A SAM by its encoder and by what of it trains. Its weights come from a file, whose shapes decide the rest.
template <class Encoder, trained_part Trains>
struct promptable_model {
  using axis = axes::model;
  using encoder = Encoder;
  static constexpr promptable_setting prompts{Trains, Encoder::tiny};
};

/// Segment Anything as its weights are: tested, not trained (Kirillov et al. 2023).
struct sam : promptable_model<vit_b, trained_part::nothing> {
  static constexpr std::string_view name = "sam";
};
struct sam_tiny : promptable_model<tiny_vit, trained_part::nothing> {
  static constexpr std::string_view name = "sam_tiny";
};

/// Encoder and mask decoder train, as MedSAM did (Ma et al. 2024).
struct med_sam : promptable_model<vit_b, trained_part::encoder_and_decoder> {
  static constexpr std::string_view name = "med_sam";
};
struct med_sam_tiny : promptable_model<tiny_vit, trained_part::encoder_and_decoder> {
  static constexpr std::string_view name = "med_sam_tiny";
};

/// The mask decoder alone trains, on embeddings that are computed once.
struct neuro_sam : promptable_model<vit_b, trained_part::decoder> {
  static constexpr std::string_view name = "neuro_sam";
};
struct neuro_sam_tiny : promptable_model<tiny_vit, trained_part::decoder> {
  static constexpr std::string_view name = "neuro_sam_tiny";
};

namespace detail {

template <class... Models>
std::optional<promptable_setting> setting_of_model(std::string_view name) {
  std::optional<promptable_setting> found;
  ((Models::name == name ? void(found = Models::prompts) : void()), ...);
  return found;
}

}  // namespace detail

/// How the zoo's promptable model of that name trains, as a checkpoint's metadata gives it; nothing where there is none.
inline std::optional<promptable_setting> promptable_setting_of(std::string_view model) {
  return detail::setting_of_model<sam, sam_tiny, med_sam, med_sam_tiny, neuro_sam, neuro_sam_tiny>(model);
}

namespace detail {

template <class Model, class Precision, class Pruning, class Parallel>
constexpr std::string_view promptable_illegal() {
  if (std::same_as<Pruning, unstructured> || std::same_as<Pruning, semi_structured>) {
    return "zeroed weights are held at zero as they train, and of a SAM some never do: give a policy that removes channels";
  }
  if (Model::prompts.trains != trained_part::encoder_and_decoder && (std::same_as<Pruning, one_step_slimming> || std::same_as<Pruning, alternate_slimming>)) {
    return "slimming teaches the image encoder, which does not train in this model: give med_sam or med_sam_tiny";
  }
  if (Model::prompts.trains == trained_part::nothing && !std::same_as<Parallel, single>) {
    return "sam and sam_tiny are tested and not trained, so ranks have nothing to share: give single";
  }
  return {};
}

}  // namespace detail

template <promptable_policy Model, class Precision, class Pruning, class Parallel>
inline constexpr std::string_view illegal_because<Model, Precision, Pruning, Parallel> = detail::promptable_illegal<Model, Precision, Pruning, Parallel>();

}  // namespace axonzoo
