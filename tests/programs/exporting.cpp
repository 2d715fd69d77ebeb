// axonzoo-export as its users meet it. What the models give is held against ONNX Runtime in tests/parity/onnx.py.

#include "made_sam.hpp"

BOOST_AUTO_TEST_SUITE(programs_exporting)

BOOST_AUTO_TEST_CASE(a_sam_becomes_two_models_and_the_rest_sentences) {
  if (made::missing("axonzoo-export")) return;
  const made_folder folder;
  made::sam_weights(folder, "sam.safetensors");
  const auto ended = made::run(folder, "axonzoo-export", "$P --model sam.safetensors --out a/b");
  BOOST_REQUIRE_MESSAGE(ended.status == 0, ended.err);
  BOOST_TEST(made::content(folder.path() / "stdout") == "a/b/image_encoder.onnx\na/b/mask_decoder.onnx\n");
  const auto decoder = made::content(folder.path() / "a/b/mask_decoder.onnx");
  for (const char* name : {"image_embeddings", "point_coords", "point_labels", "mask_input", "has_mask_input", "low_res_masks", "iou_predictions", "LiteMedSAM"})
    BOOST_TEST(decoder.find(name) != std::string::npos, name);

  folder.text("text.pth", "no weights at all");
  const auto says = [&](const std::string& arguments, const std::string& sentence, int status) {
    const auto refused = made::run(folder, "axonzoo-export", "$P " + arguments);
    BOOST_TEST(refused.status == status, refused.err);
    BOOST_TEST(refused.err.starts_with("axonzoo-export: "), refused.err);
    BOOST_TEST(refused.err.find(sentence) != std::string::npos, refused.err);
  };
  says("--model sam.safetensors", "--out is required", 2);
  says("--model gone.pth --out c", "gone.pth", 1);
  says("--model text.pth --out c", "neither a file of torch.save nor a .safetensors", 1);
  says("--model sam.safetensors --out text.pth/d", "text.pth/d", 1);
  BOOST_TEST(!std::filesystem::exists(folder.path() / "c"));
}

BOOST_AUTO_TEST_SUITE_END()
