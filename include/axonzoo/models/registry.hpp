#pragma once

#include <map>
#include <string>

#include <ATen/core/Tensor.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/models/neuro_sam_unet.hpp>
#include <axonzoo/models/segnet.hpp>
#include <axonzoo/models/unet.hpp>
#include <axonzoo/nn/network.hpp>

namespace axonzoo {

namespace detail {

/// A U-Net as deep as the weights of one are; the default's depth where they are none.
inline unet unet_of(const std::map<std::string, at::Tensor>& weights) {
  unet chosen;
  chosen.take_depth(weights);
  return chosen;
}

}  // namespace detail

/// The maker of the zoo's model of that name, as a checkpoint's metadata gives it; as deep as its `weights` are, where they are given. A model that starts from
/// weights takes its encoder from them.
inline network_maker maker_of(const std::string& model, const std::map<std::string, at::Tensor>& weights = {}) {
  if (model == unet::name) return [chosen = detail::unet_of(weights)](auto channels, auto classes) { return chosen.make(channels, classes); };
  if (model == segnet::name) return [](auto channels, auto classes) { return segnet{}.make(channels, classes); };
  if (model == neuro_sam_unet::name) return neuro_sam_unet{{detail::unet_of(weights)}}.from({weights, {}}, "the checkpoint");
  if (model == neuro_sam_unet_tiny::name) return neuro_sam_unet_tiny{{detail::unet_of(weights)}}.from({weights, {}}, "the checkpoint");
  throw error("cannot make the model '" + model + "'", "the zoo has unet, segnet, neuro_sam_unet and neuro_sam_unet_tiny",
              "give a checkpoint of one of these, that of a SAM with --prompts-from, or hand the predictor your own maker");
}

}  // namespace axonzoo
