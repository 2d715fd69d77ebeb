#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include <axonzoo/models/sam/recognise.hpp>

using namespace axonzoo;

namespace {

using counts = std::vector<std::int64_t>;

/// The part of a checkpoint of segment-anything that tells its encoder; sizes as in its build functions.
tensor_shapes vit(std::int64_t width, std::int64_t depth, std::int64_t head, std::int64_t heads, std::int64_t hidden,
                  const counts& global, const std::string& prefix = "") {
  const std::string encoder = prefix + "image_encoder.";
  tensor_shapes shapes{{encoder + "pos_embed", {1, 64, 64, width}},
                       {encoder + "patch_embed.proj.weight", {width, 3, 16, 16}},
                       {prefix + "mask_decoder.iou_token.weight", {1, 256}}};
  for (std::int64_t i = 0; i < depth; ++i) {
    const std::string block = encoder + "blocks." + std::to_string(i) + ".";
    const std::int64_t reach = std::find(global.begin(), global.end(), i) == global.end() ? 27 : 127;
    shapes[block + "norm1.weight"] = {width};
    shapes[block + "attn.rel_pos_h"] = shapes[block + "attn.rel_pos_w"] = {reach, head};
    shapes[block + "attn.qkv.weight"] = {3 * heads * head, width};
    shapes[block + "mlp.lin1.weight"] = {hidden, width};
  }
  return shapes;
}

tensor_shapes tiny_vit(std::int64_t kernel) {
  const std::string encoder = "image_encoder.";
  tensor_shapes shapes{{encoder + "patch_embed.seq.0.c.weight", {32, 3, kernel, kernel}}};
  const counts widths{64, 128, 160, 320}, depths{2, 2, 6, 2}, heads{2, 4, 5, 10}, windows{7, 7, 14, 7};
  for (std::size_t stage = 0; stage < 4; ++stage) {
    for (std::int64_t i = 0; i < depths[stage]; ++i) {
      const std::string block = encoder + "layers." + std::to_string(stage) + ".blocks." + std::to_string(i) + ".";
      if (stage == 0) {
        shapes[block + "conv1.c.weight"] = {256, 64, 1, 1};
      } else {
        shapes[block + "attn.qkv.weight"] = {3 * widths[stage], widths[stage]};
        shapes[block + "attn.attention_biases"] = {heads[stage], windows[stage] * windows[stage]};
      }
    }
  }
  return shapes;
}

std::string refusal(const tensor_shapes& shapes) {
  try {
    (void)recognise_sam(shapes, "'a.pth'");
  } catch (const error& wrong) {
    return wrong.what();
  }
  return "";
}

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_SUITE(models_sam_recognise)

BOOST_AUTO_TEST_CASE(vits_of_segment_anything) {
  const auto b = recognise_sam(vit(768, 12, 64, 12, 3072, {2, 5, 8, 11}), "'a.pth'");
  BOOST_TEST((b.family == sam_family::vit_b));
  BOOST_TEST(b.name == "SAM ViT-B");
  BOOST_TEST((b.widths == counts{768} && b.depths == counts{12} && b.heads == counts{12} && b.windows == counts{14}));
  BOOST_TEST((b.global_blocks == counts{2, 5, 8, 11}));
  BOOST_TEST((b.image == 1024 && b.patch == 16 && b.prefix.empty()));
  const auto l = recognise_sam(vit(1024, 24, 64, 16, 4096, {5, 11, 17, 23}), "'a.pth'");
  BOOST_TEST((l.family == sam_family::vit_l && l.heads == counts{16}));
  const auto h = recognise_sam(vit(1280, 32, 80, 16, 5120, {7, 15, 23, 31}), "'a.pth'");
  BOOST_TEST((h.family == sam_family::vit_h && h.heads == counts{16}));
  const auto other = recognise_sam(vit(192, 6, 64, 3, 768, {5}), "'a.pth'");
  BOOST_TEST((other.family == sam_family::other_vit));
}

BOOST_AUTO_TEST_CASE(slim_ones_are_narrowed) {
  const auto half = recognise_sam(vit(384, 12, 32, 12, 1536, {2, 5, 8, 11}), "'a.pth'");
  BOOST_TEST((half.family == sam_family::slim_sam && half.widths == counts{384} && half.heads == counts{12}));
  BOOST_TEST(half.name == "SlimSAM (ViT-B narrowed to 384)");
  const auto least = recognise_sam(vit(168, 12, 14, 12, 696, {2, 5, 8, 11}), "'a.pth'");
  BOOST_TEST((least.family == sam_family::slim_sam && least.heads == counts{12}));
  // full width, narrower within the blocks
  BOOST_TEST((recognise_sam(vit(768, 12, 64, 12, 1000, {2, 5, 8, 11}), "'a.pth'").family == sam_family::slim_sam));
}

BOOST_AUTO_TEST_CASE(tiny_vits_differ_in_their_first_kernel) {
  const auto mobile = recognise_sam(tiny_vit(3), "'a.pth'"), lite = recognise_sam(tiny_vit(1), "'a.pth'");
  BOOST_TEST((mobile.family == sam_family::mobile_sam && mobile.image == 1024));
  BOOST_TEST((lite.family == sam_family::lite_medsam && lite.image == 256));
  for (const auto& sam : {mobile, lite}) {
    BOOST_TEST((sam.widths == counts{64, 128, 160, 320} && sam.depths == counts{2, 2, 6, 2}));
    BOOST_TEST((sam.heads == counts{0, 4, 5, 10} && sam.windows == counts{0, 7, 14, 7}));
  }
}

BOOST_AUTO_TEST_CASE(wrappers_and_prefixes_are_said) {
  const auto shapes = vit(768, 12, 64, 12, 3072, {2, 5, 8, 11}, "sam.");
  const auto sam = recognise_sam(shapes, "'a.pth'", "model_state", "decoder_state,optimizer_state");
  BOOST_TEST(sam.prefix == "sam.");
  BOOST_TEST(sam.name == "SAM ViT-B, wrapped as model_state as micro-sam's, with a segmentation decoder beside it");
  BOOST_TEST((without_prefix(shapes, sam.prefix) == vit(768, 12, 64, 12, 3072, {2, 5, 8, 11})));
  BOOST_TEST(recognise_sam(shapes, "'a.pth'", "model").name == "SAM ViT-B, wrapped as model");
}

BOOST_AUTO_TEST_CASE(others_are_sentences) {
  BOOST_TEST(says(refusal({}), "cannot recognise 'a.pth' as a SAM: it lacks image_encoder.patch_embed"));
  auto shapes = vit(768, 12, 64, 12, 3072, {2, 5, 8, 11});
  shapes.erase("image_encoder.blocks.3.attn.qkv.weight");
  BOOST_TEST(says(refusal(shapes), "it lacks image_encoder.blocks.3.attn.qkv.weight"));
  shapes["image_encoder.blocks.3.attn.qkv.weight"] = {2303, 768};
  BOOST_TEST(says(refusal(shapes), "does not fit into heads"));
  shapes["image_encoder.blocks.3.attn.qkv.weight"] = {2304};
  BOOST_TEST(says(refusal(shapes), "should have 2 sides"));
  shapes["image_encoder.blocks.3.attn.rel_pos_h"] = {27, 0};
  BOOST_TEST(says(refusal(shapes), "is empty"));
  shapes["image_encoder.blocks.3.attn.q.weight"] = {768, 768};
  BOOST_TEST(says(refusal(shapes), "while it is pruned"));
  auto tiny = tiny_vit(3);
  tiny["image_encoder.layers.2.blocks.0.attn.attention_biases"] = {5, 195};
  BOOST_TEST(says(refusal(tiny), "not of a square window"));
  BOOST_TEST(says(refusal({{"image_encoder.patch_embed.seq.0.c.weight", {32, 3, 3, 3}}}), "it lacks image_encoder.layers.0"));
}

BOOST_AUTO_TEST_SUITE_END()
