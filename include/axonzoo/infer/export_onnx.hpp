#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <ATen/core/grad_mode.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/infer/onnx/layers.hpp>
#include <axonzoo/infer/onnx/sam.hpp>
#include <axonzoo/infer/onnx/sam_unet.hpp>
#include <axonzoo/infer/onnx/segnet.hpp>
#include <axonzoo/infer/onnx/unet.hpp>
#include <axonzoo/io/make_folder.hpp>
#include <axonzoo/io/weights.hpp>
#include <axonzoo/models/neuro_sam_unet.hpp>
#include <axonzoo/models/promptable.hpp>
#include <axonzoo/models/segnet.hpp>
#include <axonzoo/models/unet.hpp>

namespace axonzoo {

/// Makes the parts of an ONNX model from a file of weights (`origin`: "'a.pth'"). Throws `error` where they are not whole.
using onnx_exporter = std::vector<onnx_part> (*)(const tensor_file& file, const std::string& origin);

/// The exporter of the zoo's model of that name, as a checkpoint's metadata gives it; weights without a name are a SAM's.
[[nodiscard]] inline onnx_exporter onnx_exporter_of(const std::string& model, const std::string& origin) {
  if (model == unet::name) return unet_as_onnx;
  if (model == segnet::name) return segnet_as_onnx;
  if (model == neuro_sam_unet::name || model == neuro_sam_unet_tiny::name) return sam_unet_as_onnx;
  if (model.empty() || promptable_setting_of(model)) return sam_as_onnx;
  throw error("cannot export " + origin + " to ONNX", "it is of the model '" + model + "'", "give a checkpoint of a model of the zoo, or weights of a SAM");
}

/// Writes a network, pruned or not, as ONNX models in fp32 into a folder, each with the checkpoint's metadata, and gives their paths: of a checkpoint of a model
/// that gives a class for each pixel `network.onnx` (`unet_as_onnx`, `segnet_as_onnx`, `sam_unet_as_onnx`), of one of a SAM, or of any weights of a SAM as .pth or
/// .safetensors, `image_encoder.onnx` and `mask_decoder.onnx` (`sam_as_onnx`). Throws `error` for another model, for weights that are not whole, and where writing
/// fails.
inline std::vector<std::filesystem::path> export_onnx(const std::filesystem::path& weights, const std::filesystem::path& folder) {
  const at::NoGradGuard no_gradients;
  const auto file = read_weights(weights);
  const auto model = file.metadata.find("model");
  const auto origin = "'" + weights.string() + "'";
  const auto parts = onnx_exporter_of(model == file.metadata.end() ? "" : model->second, origin)(file, origin);
  make_folder(folder);
  std::vector<std::filesystem::path> written;
  for (const auto& part : parts) {
    written.push_back(folder / (part.name + ".onnx"));
    part.graph.write(written.back(), part.metadata);
  }
  return written;
}

}  // namespace axonzoo
