// Programs of promptable models as their users meet them, on narrow SAMs with random weights.

#include <cmath>
#include <string>
#include <vector>

#include "made_sam.hpp"

namespace {

const std::string without_boxes = "$P --weights sam.safetensors --data d --patch 64 --batch 2 --threads 1 --test-subjects s5 --seed 3 ", line = without_boxes + "--boxes 3 ";

/// Which parts of the network differ from the weights it started from.
std::string changed(const made_folder& folder, const std::string& out, const std::string& file = "checkpoint") {
  const auto before = made::tensors(folder, "sam.safetensors"), after = made::tensors(folder, out + "/" + file + ".safetensors");
  BOOST_TEST(before.size() == after.size());
  std::string parts;
  for (const auto& [name, bytes] : after) {
    const auto part = name.substr(0, name.find('.'));
    if (before.at(name) != bytes && parts.find(part) == std::string::npos) parts += part + " ";
  }
  return parts;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(programs_prompting)

BOOST_AUTO_TEST_CASE(the_decoder_alone_trains_on_embeddings_that_are_computed_once) {
  if (made::missing("neuro_sam_tiny-fp32-none-single")) return;
  const made_folder folder;
  made::paired(folder, "d");
  made::sam_weights(folder, "sam.safetensors");
  const auto first = made::run(folder, "neuro_sam_tiny-fp32-none-single", line + "--steps 6 --epoch-steps 3 --out a --cache kept");
  BOOST_REQUIRE_EQUAL(first.status, 0);
  BOOST_TEST(changed(folder, "a") == "mask_decoder ");
  const auto record = made::record(folder, "a");
  BOOST_TEST(record.at("prompts").at("origin") == "oracle");
  BOOST_TEST(record.at("prompts").at("embeddings").at("computed") > 3);
  for (const char* kind : {"axon", "fibre", "myelin"}) BOOST_TEST(record.at("test").at("prompted").at(kind).at("count") > 0);
  for (const char* name : {"axon", "myelin", "any"}) BOOST_TEST(record.at("test").at("mean").at("classes").contains(name));
  BOOST_TEST(record.at("losses").back() < record.at("losses").front());

  // the same bytes again, from the embeddings that the first run left, one of which is cut short
  for (const auto& item : std::filesystem::directory_iterator(folder.path() / "kept")) {
    std::filesystem::resize_file(item.path(), 100);
    break;
  }
  BOOST_REQUIRE_EQUAL(made::run(folder, "neuro_sam_tiny-fp32-none-single", line + "--steps 6 --epoch-steps 3 --out b --cache kept").status, 0);
  BOOST_TEST((made::content(folder.path() / "a/checkpoint.safetensors") == made::content(folder.path() / "b/checkpoint.safetensors")));
  BOOST_TEST(made::record(folder, "b").at("prompts").at("embeddings").at("computed") == 1);

  // nothing is kept where nothing may be
  BOOST_REQUIRE_EQUAL(made::run(folder, "neuro_sam_tiny-fp32-none-single", line + "--steps 1 --out c --cache empty --cache-gigabytes 0 --corrections 2").status, 0);
  BOOST_TEST(std::filesystem::is_empty(folder.path() / "empty"));
  // two further rounds from the same weights, with points where the first answer erred
  BOOST_TEST(made::record(folder, "c").at("losses").front() != record.at("losses").front());
}

BOOST_AUTO_TEST_CASE(a_killed_run_goes_on_to_the_same_weights) {
  if (made::missing("neuro_sam_tiny-fp32-none-single")) return;
  const made_folder folder;
  made::paired(folder, "d");
  made::sam_weights(folder, "sam.safetensors");
  const auto how = line + "--steps 40 --epoch-steps 4 --validation-boxes 2 --corrections 1 --cache kept ";
  BOOST_REQUIRE_EQUAL(made::run(folder, "neuro_sam_tiny-fp32-none-single", how + "--out whole").status, 0);
  int stops = 0;
  for (int attempt = 0; attempt < 40 && !std::filesystem::exists(folder.path() / "parts/results.json"); ++attempt) {
    const std::string signal = attempt % 2 == 0 ? "KILL" : "INT";
    stops += made::run(folder, "neuro_sam_tiny-fp32-none-single", "timeout -s " + signal + " " + std::to_string(0.8 + 0.4 * attempt) + " " + how + "--out parts --resume").status != 0;
  }
  BOOST_TEST(stops > 0);
  BOOST_TEST((made::content(folder.path() / "whole/checkpoint.safetensors") == made::content(folder.path() / "parts/checkpoint.safetensors")));
}

BOOST_AUTO_TEST_CASE(a_test_stops_within_a_micrograph_and_leaves_nothing_half_done) {
  if (made::missing("neuro_sam_tiny-fp32-none-single")) return;
  const made_folder folder;
  made::paired(folder, "d", 352);  // seconds of boxes in the one that is tested
  made::sam_weights(folder, "sam.safetensors");
  const auto how = line + "--steps 1 --validation-share 0 --cache kept --out o ";
  const auto stopped = made::run(folder, "neuro_sam_tiny-fp32-none-single",
                                 "{ " + how + "& pid=$!; while [ ! -e o/test ]; do sleep 0.02; kill -0 $pid || break; done; sleep 0.3; kill -INT $pid; wait $pid; }");
  BOOST_TEST(stopped.status == 130, stopped.err);
  BOOST_TEST(stopped.err.find("--resume") != std::string::npos, stopped.err);
  BOOST_TEST(std::filesystem::is_empty(folder.path() / "o/test"));
  BOOST_TEST(!std::filesystem::exists(folder.path() / "o/results.json"));
  BOOST_TEST(made::run(folder, "neuro_sam_tiny-fp32-none-single", how + "--resume").status == 0);
  BOOST_TEST(made::record(folder, "o").at("steps") == 1);
}

BOOST_AUTO_TEST_CASE(the_encoder_trains_in_med_sam_and_nothing_in_sam) {
  if (made::missing("med_sam_tiny-fp32-none-single") || made::missing("sam_tiny-fp32-none-single")) return;
  const made_folder folder;
  made::paired(folder, "d");
  made::sam_weights(folder, "sam.safetensors");
  BOOST_REQUIRE_EQUAL(made::run(folder, "med_sam_tiny-fp32-none-single", line + "--steps 2 --out med").status, 0);
  BOOST_TEST(changed(folder, "med") == "image_encoder mask_decoder ");
  BOOST_REQUIRE_EQUAL(made::run(folder, "med_sam_tiny-fp32-none-single", line + "--steps 2 --recompute --out less").status, 0);
  BOOST_TEST((made::content(folder.path() / "med/checkpoint.safetensors") == made::content(folder.path() / "less/checkpoint.safetensors")));
  BOOST_REQUIRE_EQUAL(made::run(folder, "sam_tiny-fp32-none-single", "$P --weights sam.safetensors --data d --patch 64 --threads 1 --test-subjects s5 --out sam").status, 0);
  BOOST_TEST(changed(folder, "sam") == "");
  BOOST_TEST(made::record(folder, "sam").at("steps") == 0);
}

BOOST_AUTO_TEST_CASE(an_encoder_is_rounded_when_training_has_ended) {
  if (made::missing("neuro_sam_tiny-int8-none-single") || made::missing("sam_tiny-int8-none-single")) return;
  const made_folder folder;
  made::paired(folder, "d");
  made::sam_weights(folder, "sam.safetensors");
  BOOST_REQUIRE_EQUAL(made::run(folder, "neuro_sam_tiny-int8-none-single", line + "--steps 4 --out n").status, 0);
  BOOST_TEST(changed(folder, "n", "unrounded") == "mask_decoder ");
  const auto rounded = made::tensors(folder, "n/checkpoint.safetensors");
  BOOST_TEST(rounded.contains("image_encoder.layers.1.blocks.0.attn.qkv.input_range"));
  BOOST_TEST(made::record(folder, "n").at("test").at("prompted").at("axon").at("count") > 0);
  const std::string tested = "$P --data d --patch 64 --threads 1 --test-subjects s5 --seed 3 ";
  BOOST_REQUIRE_EQUAL(made::run(folder, "sam_tiny-int8-none-single", tested + "--weights sam.safetensors --out s").status, 0);
  BOOST_TEST(made::tensors(folder, "s/checkpoint.safetensors").contains("image_encoder.neck.2.input_range"));
  const auto again = made::run(folder, "sam_tiny-int8-none-single", tested + "--weights s/checkpoint.safetensors --out again");
  BOOST_TEST(again.status == 1);
  BOOST_TEST(again.err.find("unrounded.safetensors") != std::string::npos, again.err);
}

BOOST_AUTO_TEST_CASE(the_encoder_is_narrowed_whatever_trains) {
  if (made::missing("sam_tiny-fp32-taylor-single") || made::missing("neuro_sam_tiny-fp32-magnitude-single") || made::missing("med_sam_tiny-bf16-alternate_slimming-single")) return;
  const made_folder folder;
  made::paired(folder, "d");
  made::sam_weights(folder, "sam.safetensors");
  const auto narrowed = [&](const std::string& program, const std::string& how, const std::string& out) {
    const auto ended = made::run(folder, program, how + "--out " + out);
    BOOST_REQUIRE_MESSAGE(ended.status == 0, ended.err);
    const auto record = made::record(folder, out);
    BOOST_TEST(record.at("parameters").get<double>() < record.at("parameters_before").get<double>());
    BOOST_TEST(record.at("macs").get<double>() < record.at("macs_before").get<double>(), out);
    return record;
  };
  const std::string tested = "$P --data d --patch 64 --threads 1 --test-subjects s5 --seed 3 ";
  narrowed("sam_tiny-fp32-taylor-single", tested + "--weights sam.safetensors --calibration 2 ", "s");
  // stopped after the encoder was narrowed, which does not train here, and taken up again
  narrowed("neuro_sam_tiny-fp32-magnitude-single", line + "--steps 6 --epoch-steps 3 ", "n");
  narrowed("neuro_sam_tiny-fp32-magnitude-single", line + "--steps 9 --epoch-steps 3 --resume ", "n");
  // by the whole encoder's embedding alone
  const auto taught = narrowed("med_sam_tiny-bf16-alternate_slimming-single", line + "--steps 12 --epoch-steps 6 --prune-at 0 --prune-until 0.3 --distil 1 --calibration 2 ", "m");
  BOOST_TEST(taught.at("losses").back().get<double>() < taught.at("losses").at(4).get<double>());
  const auto again = made::run(folder, "sam_tiny-fp32-none-single", tested + "--weights m/checkpoint.safetensors --out again");
  BOOST_TEST(again.status == 0, again.err);
  BOOST_TEST(made::record(folder, "again").at("parameters") == taught.at("parameters"));
}

BOOST_AUTO_TEST_CASE(two_ranks_have_the_losses_of_one) {
  if (made::missing("neuro_sam_tiny-fp32-none-single") || made::missing("neuro_sam_tiny-fp32-none-ddp")) return;
  const made_folder folder;
  made::paired(folder, "d");
  made::sam_weights(folder, "sam.safetensors");
  for (const std::string boxes : {"3", "1"}) {  // views of one box each are answered together, those of two ranks apart
    const auto how = without_boxes + "--steps 4 --boxes " + boxes + " --out ";
    BOOST_REQUIRE_EQUAL(made::run(folder, "neuro_sam_tiny-fp32-none-single", how + "one" + boxes).status, 0);
    const auto ended = made::run(folder, "neuro_sam_tiny-fp32-none-ddp", how + "two" + boxes + " --ranks 2");
    BOOST_REQUIRE_MESSAGE(ended.status == 0, ended.err);
    const auto a = made::record(folder, "one" + boxes).at("losses").get<std::vector<double>>(), b = made::record(folder, "two" + boxes).at("losses").get<std::vector<double>>();
    BOOST_REQUIRE_EQUAL(a.size(), 4u);
    BOOST_REQUIRE_EQUAL(b.size(), 4u);
    for (std::size_t i = 0; i < a.size(); ++i) BOOST_TEST(std::abs(a[i] - b[i]) < 1e-4);
  }
}

BOOST_AUTO_TEST_CASE(a_detectors_boxes_serve_where_nobody_drew_any) {
  if (made::missing("neuro_sam_tiny-fp32-none-single") || made::missing("unet-fp32-none-single") || made::missing("axonzoo-segment")) return;
  const made_folder folder;
  made::paired(folder, "d");
  made::sam_weights(folder, "sam.safetensors");
  BOOST_REQUIRE_EQUAL(made::run(folder, "neuro_sam_tiny-fp32-none-single", line + "--steps 20 --out n").status, 0);
  BOOST_REQUIRE_EQUAL(made::run(folder, "unet-fp32-none-single", "$P --data d --steps 300" + made::small_unet + "--out u").status, 0);
  const auto ended = made::run(folder, "axonzoo-segment", "$P --model n/checkpoint.safetensors --prompts-from u/checkpoint.safetensors --out s d/images/s5.png");
  BOOST_REQUIRE_MESSAGE(ended.status == 0, ended.err);
  BOOST_TEST(std::filesystem::exists(folder.path() / "s/s5_seg-axonmyelin.png"));
  // the SAM answered: its masks are not the detector's
  BOOST_REQUIRE_EQUAL(made::run(folder, "axonzoo-segment", "$P --model u/checkpoint.safetensors --out t d/images/s5.png").status, 0);
  BOOST_TEST((made::content(folder.path() / "s/s5_seg-axonmyelin.png") != made::content(folder.path() / "t/s5_seg-axonmyelin.png")));
  const auto alone = made::run(folder, "axonzoo-segment", "$P --model n/checkpoint.safetensors --out v d/images/s5.png");
  BOOST_TEST(alone.status == 1);
  BOOST_TEST(alone.err.find("--prompts-from") != std::string::npos, alone.err);

  made::paired(folder, "large", 352);  // seconds of boxes
  const std::string slow = "$P --model n/checkpoint.safetensors --prompts-from u/checkpoint.safetensors --out w large/images/s5.png ";
  const auto stopped = made::run(folder, "axonzoo-segment", "{ " + slow + "& pid=$!; while [ ! -e w ]; do sleep 0.02; kill -0 $pid || break; done; sleep 0.3; kill -INT $pid; wait $pid; }");
  BOOST_TEST(stopped.status == 130, stopped.err);
  BOOST_TEST(stopped.err.find("--resume") != std::string::npos, stopped.err);
  BOOST_TEST(std::filesystem::is_empty(folder.path() / "w"));
  BOOST_TEST(made::run(folder, "axonzoo-segment", slow + "--resume").status == 0);
  BOOST_TEST(std::filesystem::exists(folder.path() / "w/s5_seg-axonmyelin.png"));
}

BOOST_AUTO_TEST_CASE(a_unet_on_the_encoder_needs_no_prompts) {
  if (made::missing("neuro_sam_unet_tiny-fp32-none-single") || made::missing("axonzoo-segment")) return;
  const made_folder folder;
  made::paired(folder, "d");
  made::sam_weights(folder, "sam.safetensors");
  made::sam_weights(folder, "vit.safetensors", /*tiny=*/false);
  const auto how = "$P --data d --steps 10" + made::small_unet + "--out n --weights ";
  const auto ended = made::run(folder, "neuro_sam_unet_tiny-fp32-none-single", how + "sam.safetensors");
  BOOST_REQUIRE_MESSAGE(ended.status == 0, ended.err);
  const auto record = made::record(folder, "n");
  BOOST_TEST(record.at("weights") == "sam.safetensors");
  BOOST_TEST(!record.contains("prompts"));
  BOOST_TEST(record.at("losses").back() < record.at("losses").front());
  std::size_t of_encoder = 0;
  const auto given = made::tensors(folder, "sam.safetensors");
  for (const auto& [name, bytes] : made::tensors(folder, "n/checkpoint.safetensors")) {
    if (!name.starts_with("image_encoder.")) continue;
    BOOST_TEST((given.at(name) == bytes), name);
    ++of_encoder;
  }
  BOOST_TEST(of_encoder > 50u);
  // the checkpoint is all that inference needs: the masks of the program's own test
  std::filesystem::remove(folder.path() / "sam.safetensors");
  const auto segmented = made::run(folder, "axonzoo-segment", "$P --model n/checkpoint.safetensors --turns 1 --tile-overlap 0 --out s d/images/s5.png");
  BOOST_REQUIRE_MESSAGE(segmented.status == 0, segmented.err);
  BOOST_TEST((made::content(folder.path() / "s/s5_seg-axonmyelin.png") == made::content(folder.path() / "n/test/s5_seg-axonmyelin.png")));
  const auto wrong = made::run(folder, "neuro_sam_unet_tiny-fp32-none-single", how + "vit.safetensors");
  BOOST_TEST(wrong.status == 1);
  BOOST_TEST(wrong.err.find("without _tiny") != std::string::npos, wrong.err);
}

BOOST_AUTO_TEST_CASE(wrong_weights_get_a_sentence) {
  if (made::missing("neuro_sam_tiny-fp32-none-single")) return;
  const made_folder folder;
  made::paired(folder, "d");
  made::sam_weights(folder, "sam.safetensors");
  made::sam_weights(folder, "vit.safetensors", /*tiny=*/false);
  folder.text("text.pth", "no weights at all");
  const auto says = [&](const std::string& options, const std::string& sentence) {
    const auto ended = made::run(folder, "neuro_sam_tiny-fp32-none-single", "$P --data d --patch 64 --test-subjects s5 --threads 1 --out x " + options);
    BOOST_TEST(ended.status != 0);
    BOOST_TEST(ended.err.find(sentence) != std::string::npos, ended.err);
  };
  says("--steps 1", "--weights is required");
  says("--steps 1 --weights gone.pth", "gone.pth");
  says("--steps 1 --weights text.pth", "neither a file of torch.save nor a .safetensors");
  says("--steps 1 --weights vit.safetensors", "or give other weights");
  says("--weights sam.safetensors", "nothing says how long to train");
  says("--steps 1 --weights sam.safetensors --jitter 0.6", "--jitter");
  says("--steps 1 --weights sam.safetensors --corrections -1", "--corrections");
}

BOOST_AUTO_TEST_SUITE_END()
