// Makes a model of random weights, narrowed, writes it as ONNX, and what it gives of random input, for onnx.py: MODEL FOLDER. In FOLDER/PART.CASE lie the inputs and
// outputs of FOLDER/PART.onnx by their names, and NAME_exact in double where rounding alone may part more than the bar: a SAM's tokens of noise are nearly alike, and
// its norms divide rounding by that little.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <xtensor/xadapt.hpp>

#include <axonzoo/infer/export_onnx.hpp>
#include <axonzoo/io/npy.hpp>
#include <axonzoo/models/registry.hpp>
#include <axonzoo/models/sam/fresh.hpp>
#include <axonzoo/pruning/magnitude.hpp>

namespace {

void put(const std::filesystem::path& folder, const std::map<std::string, at::Tensor>& values) {
  std::filesystem::create_directories(folder);
  for (const auto& [name, value] : values) {
    const auto whole = value.to(at::kFloat).contiguous();
    axonzoo::write_npy(folder / (name + ".npy"), xt::adapt(whole.mutable_data_ptr<float>(), static_cast<std::size_t>(whole.numel()), xt::no_ownership(),
                                                           std::vector<std::size_t>(whole.sizes().begin(), whole.sizes().end())));
  }
}

/// Channels leave, and nothing stays at zero or one, as norms, biases and positions are at first.
void narrow_and_shake(axonzoo::network& net, double keep) {
  axonzoo::magnitude policy;
  policy.keep = keep;
  axonzoo::magnitude::state(policy).prune(net, {});
  const at::NoGradGuard no_gradients;
  for (auto& [name, tensor] : axonzoo::named_tensors(net))
    if (tensor.is_floating_point() && (tensor.dim() == 1 || name.find("pos") != std::string::npos || name.find("biases") != std::string::npos))
      tensor.add_(at::rand(tensor.sizes()) * 0.5);
  net.eval();
}

/// A small SAM: a ViT whose 9 x 9 tokens are not a multiple of its windows' 4 x 4, or a narrow TinyViT as in MobileSAM or LiteMedSAM.
axonzoo::recognised_sam small_sam(const std::string& kind) {
  axonzoo::recognised_sam sam = axonzoo::sam_with_tiny_vit(kind.find("mobile") == std::string::npos ? 256 : 1024);
  sam.widths = {8, 16, 16, 32};
  sam.depths = {1, 2, 2, 1};
  sam.heads = {0, 2, 2, 4};
  if (kind.find("tiny") != std::string::npos) return sam;
  sam = axonzoo::sam_with_vit(48, 3, 3);
  sam.global_blocks = {1};
  sam.windows = {4};
  sam.image = 144;
  return sam;
}

void export_dense(const std::string& model, const std::filesystem::path& folder) {
  const auto weights = model.starts_with("neuro_sam_unet") ? axonzoo::fresh_sam_weights(small_sam(model)).tensors : std::map<std::string, at::Tensor>();
  const auto net = axonzoo::maker_of(model, weights)(1, 3);
  narrow_and_shake(*net, 0.2);
  axonzoo::checkpoint_facts facts;
  facts.variant = model + "/fp32/none/single";
  facts.model = model;
  facts.precision = "fp32";
  facts.classes = {"background", "myelin", "axon"};
  facts.patch = 64;
  axonzoo::write_checkpoint(folder / "checkpoint.safetensors", axonzoo::named_tensors(*net), facts);
  axonzoo::export_onnx(folder / "checkpoint.safetensors", folder);
  const at::NoGradGuard no_gradients;
  const auto image = at::randn({2, 1, weights.empty() ? 96 : 64, 64});
  std::map<std::string, at::Tensor> values{{"image", image}, {"logits", net->forward(image).front()}};
  if (!weights.empty()) {
    net->to(at::kDouble);
    values["logits_exact"] = net->forward(image.to(at::kDouble)).front();
  }
  put(folder / "network.noise", values);
}

void export_sam(const std::string& kind, const std::filesystem::path& folder) {
  const auto fresh = axonzoo::fresh_sam_weights(small_sam(kind));
  const auto net = std::make_shared<axonzoo::sam_network>(fresh, "fresh weights");
  narrow_and_shake(*net, 0.7);
  axonzoo::write_pth(folder / "weights.pth", {axonzoo::named_tensors(*net), {}});
  axonzoo::export_onnx(folder / "weights.pth", folder);

  const at::NoGradGuard no_gradients;
  const auto image = net->kind().image, side = image / net->stride();
  const auto exact = axonzoo::read_sam(folder / "weights.pth");
  exact->to(at::kDouble);
  exact->eval();
  const auto images = at::randn({kind == "sam_mobile_tiny" ? 1 : 2, 3, image, image}), embeddings = net->encode(images);
  put(folder / "image_encoder.noise", {{"image", images}, {"embedding", embeddings}, {"embedding_exact", exact->encode(images.to(at::kDouble))}});

  const auto embedding = embeddings.slice(0, 0, 1).contiguous();
  const auto ask = [&](const std::string& name, const at::Tensor& coordinates, const at::Tensor& labels, const axonzoo::sam_prompts& prompts) {
    const auto one = net->decode(embedding, prompts, false), several = net->decode(embedding, prompts, true);
    const auto exact_one = exact->decode(embedding.to(at::kDouble), prompts, false), exact_several = exact->decode(embedding.to(at::kDouble), prompts, true);
    put(folder / ("mask_decoder." + name), {{"image_embeddings", embedding},
                                            {"point_coords", coordinates},
                                            {"point_labels", labels},
                                            {"mask_input", prompts.masks.defined() ? prompts.masks : at::zeros({1, 1, 4 * side, 4 * side})},
                                            {"has_mask_input", at::full({1}, prompts.masks.defined() ? 1.0 : 0.0)},
                                            {"low_res_masks", at::cat({one.logits, several.logits}, 1)},
                                            {"low_res_masks_exact", at::cat({exact_one.logits, exact_several.logits}, 1)},
                                            {"iou_predictions", at::cat({one.scores, several.scores}, 1)},
                                            {"iou_predictions_exact", at::cat({exact_one.scores, exact_several.scores}, 1)}});
  };
  const auto places = [&](std::int64_t count, std::int64_t points) { return at::rand({count, points, 2}) * static_cast<double>(image); };
  const auto corner_labels = [](std::int64_t count) { return at::cat({at::full({count, 1}, 2.0), at::full({count, 1}, 3.0)}, 1); };
  const auto masks = [&](std::int64_t count) { return 5 * at::randn({count, 1, 4 * side, 4 * side}); };
  const auto boxes = places(5, 2), points = places(3, 4), corners = places(3, 2);
  ask("boxes", boxes, corner_labels(5), {{}, {}, boxes.view({5, 4}), {}});
  const auto labels = at::randint(-1, 2, {3, 4});
  ask("points", at::cat({points, at::zeros({3, 1, 2})}, 1), at::cat({labels, at::full({3, 1}, -1.0)}, 1), {points, labels, {}, {}});
  ask("both_and_masks", at::cat({points, corners}, 1), at::cat({labels, corner_labels(3)}, 1), {points, labels, corners.view({3, 4}), masks(3)});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    const std::string model = argv[1];
    model.starts_with("sam") ? export_sam(model, argv[2]) : export_dense(model, argv[2]);
    return 0;
  } catch (const std::exception& wrong) {
    std::fprintf(stderr, "%s\n", wrong.what());
    return 1;
  }
}
