#pragma once

#include <concepts>

#include <axonzoo/core/concepts.hpp>

namespace axonzoo {

/// What of a SAM trains. The prompt encoder never does.
enum class trained_part { nothing, decoder, encoder_and_decoder };

/// What the untemplated program must know of a promptable model.
struct promptable_setting {
  trained_part trains = trained_part::decoder;
  bool tiny = false;  ///< the encoder is a TinyViT
};

/// A model that answers prompts; its static member `prompts` says how it trains.
template <class M>
concept promptable_policy = policy_of<M, axes::model> && requires {
  { M::prompts } -> std::convertible_to<promptable_setting>;
};

}  // namespace axonzoo
