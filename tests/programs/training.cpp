// Variant programs as their users meet them: the same result from the same seed, from a resumed run and from two ranks.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

#include "made_runs.hpp"

BOOST_AUTO_TEST_SUITE(programs_training)

BOOST_AUTO_TEST_CASE(same_seed_same_weights_and_another_seed_others) {
  if (made::missing("unet-fp32-none-single")) return;
  const made_folder folder;
  made::paired(folder, "d");
  const auto line = "$P --data d --steps 6" + made::small_unet;
  BOOST_TEST(made::run(folder, "unet-fp32-none-single", line + "--out a --seed 3").status == 0);
  BOOST_TEST(made::run(folder, "unet-fp32-none-single", line + "--out b --seed 3 --workers 3").status == 0);
  BOOST_TEST(made::run(folder, "unet-fp32-none-single", line + "--out c --seed 4").status == 0);
  const auto weights = made::content(folder.path() / "a/checkpoint.safetensors");
  BOOST_TEST(weights.size() > 1000u);
  BOOST_TEST((weights == made::content(folder.path() / "b/checkpoint.safetensors")));
  BOOST_TEST((weights != made::content(folder.path() / "c/checkpoint.safetensors")));
}

BOOST_AUTO_TEST_CASE(stopped_and_resumed_equals_uninterrupted) {
  if (made::missing("unet-fp32-magnitude-single")) return;
  const made_folder folder;
  made::paired(folder, "d");
  const auto line = "$P --data d --steps 400 --prune-at 0.5" + made::small_unet;
  BOOST_TEST(made::run(folder, "unet-fp32-magnitude-single", line + "--out whole").status == 0);
  int stops = 0;
  for (int attempt = 0; attempt < 40 && !std::filesystem::exists(folder.path() / "parts/results.json"); ++attempt) {
    // killed without a word at times: then the last epoch's state counts
    const std::string signal = attempt % 2 == 0 ? "INT" : "KILL";
    const auto ended = made::run(folder, "unet-fp32-magnitude-single", "timeout -s " + signal + " " + std::to_string(0.7 + 0.2 * attempt) + " " + line + "--out parts --resume");
    stops += ended.status != 0;
  }
  BOOST_TEST(stops > 0);
  BOOST_TEST((made::content(folder.path() / "whole/checkpoint.safetensors") == made::content(folder.path() / "parts/checkpoint.safetensors")));
  const auto whole = made::record(folder, "whole"), parts = made::record(folder, "parts");
  BOOST_TEST((whole.at("test").at("images") == parts.at("test").at("images")));
  BOOST_TEST(whole.at("history").size() == parts.at("history").size());
  BOOST_TEST(whole.at("parameters").get<int>() < whole.at("parameters_before").get<int>() / 2);
}

BOOST_AUTO_TEST_CASE(what_is_rounded_to_eight_bits_trains_as_what_lies_between_goes_on_and_segments) {
  if (made::missing("unet-int8-none-single") || made::missing("unet-fp32-none-single") || made::missing("unet-bf16-none-single")) return;
  const made_folder folder;
  made::paired(folder, "d");
  auto line = made::small_unet + "--steps 20";
  line.replace(line.find("--width 4"), 9, "--width 8");
  BOOST_TEST(made::run(folder, "unet-fp32-none-single", "$P --data d --out f" + line).status == 0);
  BOOST_TEST(made::run(folder, "unet-bf16-none-single", "$P --data d --out b" + line).status == 0);
  BOOST_TEST(made::run(folder, "unet-int8-none-single", "$P --data d --out i" + line).status == 0);
  const auto rounded = made::record(folder, "i");
  const auto trained_as = [&](const std::string& out) { return made::record(folder, out).at("losses") == rounded.at("losses"); };
  BOOST_TEST((trained_as("f") || trained_as("b")));  // by what the processor multiplies
  const auto weights = made::content(folder.path() / "i/checkpoint.safetensors");
  BOOST_TEST(weights.size() < made::content(folder.path() / "f/checkpoint.safetensors").size() / 2);
  BOOST_TEST(made::run(folder, "unet-int8-none-single", "$P --data d --resume --out i" + line).status == 0);
  BOOST_TEST((weights == made::content(folder.path() / "i/checkpoint.safetensors")));
  const auto ended = made::run(folder, "axonzoo-segment", "$P --model i/checkpoint.safetensors --out o --pixel-size 0.1 d/images/s5.png");
  BOOST_TEST(ended.status == 0, ended.err);
}

BOOST_AUTO_TEST_CASE(pruned_weights_stay_zero_and_the_table_of_layers_says_so) {
  if (made::missing("unet-fp32-unstructured-single")) return;
  const made_folder folder;
  made::paired(folder, "d");
  const auto line = "$P --data d --keep 0.25 --prune-at 0.2 --prune-until 0.4 --rounds 2 --gradual 1" + made::small_unet + "--out o ";
  BOOST_TEST(made::run(folder, "unet-fp32-unstructured-single", line + "--steps 20").status == 0);
  // a run that is taken up again knows its masks
  BOOST_TEST(made::run(folder, "unet-fp32-unstructured-single", line + "--steps 40 --resume").status == 0);
  const auto record = made::record(folder, "o");
  BOOST_TEST(record.at("steps").get<int>() == 40);
  const double median = record.at("median_step_seconds");
  BOOST_TEST((median > 0 && 10 * median < record.at("seconds").at("train").get<double>()));  // half of the 20 steps after the resume take as long or longer
  BOOST_TEST(record.at("parameters") == record.at("parameters_before"));
  for (const auto& row : record.at("layers")) {
    double whole = 1;
    for (const auto& size : row.at("after")) whole *= size.get<double>();
    BOOST_TEST(std::abs(row.at("nonzero").get<double>() / whole - 0.25) < 0.03, row);
  }
  BOOST_TEST(made::content(folder.path() / "stdout").find("down1a.conv.weight") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(two_ranks_have_the_losses_of_one) {
  // Courses are chaotic at usual rates, SegNet's most of all: a rounding error grows tenfold with each of its steps. So 20 steps at those, 50 at lower ones.
  const struct {
    std::size_t steps;
    std::string unet, segnet;
  } courses[] = {{20, "2e-3", "1e-5"}, {50, "2e-4", "1e-6"}};
  const std::string ways[][2] = {{"unet", "ddp"}, {"unet", "sharded --shard-parameters on"}, {"segnet", "ddp"}};
  for (const auto& [model, way] : ways) {
    const auto parallel = way.substr(0, way.find(' ')), one = model + "-fp32-none-single", two = model + "-fp32-none-" + parallel;
    if (made::missing(one) || made::missing(two)) return;
    for (const auto& course : courses) {
      const made_folder folder;
      made::paired(folder, "d");
      const auto line = "$P --data d --patch 32 --batch 4 --threads 1 --turns 1 --tile-overlap 0 --test-subjects s5 --width 4 --steps " + std::to_string(course.steps) +
                        (model == "unet" ? " --levels 3 --learning-rate " + course.unet : " --optimizer sgd --learning-rate " + course.segnet);
      BOOST_TEST(made::run(folder, one, line + " --out one").status == 0);
      const auto ended = made::run(folder, two, line + " --out two --ranks 2" + way.substr(parallel.size()));
      BOOST_TEST(ended.status == 0, ended.err);
      const auto a = made::record(folder, "one").at("losses").get<std::vector<double>>(), b = made::record(folder, "two").at("losses").get<std::vector<double>>();
      BOOST_REQUIRE_EQUAL(a.size(), course.steps);
      BOOST_REQUIRE_EQUAL(b.size(), course.steps);
      for (std::size_t i = 0; i < a.size(); ++i) {
        BOOST_TEST(std::abs(a[i] - b[i]) < 1e-5, model << " " << way << " step " << i + 1 << " of " << course.steps << ": " << a[i] << " and " << b[i]);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_slide_gets_the_masks_and_the_table_of_the_whole_image_and_goes_on_where_it_stopped) {
  if (made::missing("unet-fp32-none-single") || made::missing("axonzoo-segment")) return;
  const made_folder folder;
  made::paired(folder, "d");
  BOOST_REQUIRE(made::run(folder, "unet-fp32-none-single", "$P --data d --steps 150" + made::small_unet + "--out u").status == 0);
  made::paired(folder, "e", 700);
  const std::string line = "$P --model u/checkpoint.safetensors --pixel-size 0.1 --tile-overlap 0.25 ", images = " e/images/s1.png e/images/s2.png";
  BOOST_REQUIRE(made::run(folder, "axonzoo-segment", line + "--out whole --border drop --morphometrics whole/t.csv" + images).status == 0);
  // A disk that fills: a sentence, and the rows that were done stay.
  const auto full = made::run(folder, "axonzoo-segment", "ulimit -f 8; trap '' XFSZ; " + line + "--out rows --masks tiff" + images);
  BOOST_TEST(full.status == 1);
  BOOST_TEST(full.err.find("free some space") != std::string::npos, full.err);
  BOOST_TEST(full.err.find("--resume goes on") != std::string::npos, full.err);
  BOOST_TEST(std::filesystem::file_size(folder.path() / "rows/.s1.rows") > 1000u);
  BOOST_TEST(!std::filesystem::exists(folder.path() / "rows/s1_seg-axonmyelin.tif"));
  const auto resumed = made::run(folder, "axonzoo-segment", line + "--out rows --masks tiff --resume --border drop --morphometrics rows/t.csv" + images);
  BOOST_TEST(resumed.status == 0, resumed.err);
  BOOST_TEST(!std::filesystem::exists(folder.path() / "rows/.s1.rows"));
  const auto table = made::content(folder.path() / "whole/t.csv");
  BOOST_TEST(table.size() > 2000u);
  BOOST_TEST((made::content(folder.path() / "rows/t.csv") == table));
  for (const std::string stem : {"s1", "s2"}) {
    const auto a = axonzoo::read_image(folder.path() / "whole" / (stem + "_seg-axonmyelin.png")), b = axonzoo::read_image(folder.path() / "rows" / (stem + "_seg-axonmyelin.tif"));
    BOOST_TEST((a == b));
  }
  // Finished images are passed over, and stand in the table all the same.
  std::filesystem::remove(folder.path() / "rows/s1_seg-axon.tif");
  BOOST_TEST(made::run(folder, "axonzoo-segment", line + "--out rows --masks tiff --resume --border drop --morphometrics rows/u.csv" + images).status == 0);
  BOOST_TEST(!std::filesystem::exists(folder.path() / "rows/s1_seg-axon.tif"));
  BOOST_TEST((made::content(folder.path() / "rows/u.csv") == table));
  // As a BIDS derivative, which axonzoo-morphometrics reads back.
  std::filesystem::copy(folder.path() / "e/images/s1.png", folder.path() / "sub-1_SEM.png");
  const auto bids = made::run(folder, "axonzoo-segment", line + "--model u/checkpoint.safetensors --out b --layout bids sub-1_SEM.png");
  BOOST_TEST(bids.status == 0, bids.err);
  const auto masks = folder.path() / "b/derivatives/labels/sub-1/micr/sub-1_SEM_seg-axonmyelin";
  BOOST_TEST((axonzoo::read_image(masks.string() + ".png") == axonzoo::read_image(folder.path() / "whole/s1_seg-axonmyelin.png")));
  BOOST_TEST(nlohmann::json::parse(made::content(masks.string() + ".json")).at("PixelSize").at(0) == 0.1);
  BOOST_TEST(nlohmann::json::parse(made::content(folder.path() / "b/derivatives/labels/dataset_description.json")).at("DatasetType") == "derivative");
  const auto unnamed = made::run(folder, "axonzoo-segment", line + "--out b --layout bids" + images);
  BOOST_TEST(unnamed.status == 1);
  BOOST_TEST(unnamed.err.find("begin with a subject") != std::string::npos, unnamed.err);

  // A folder that fills, with a file that stops half way, until it is whole, has the masks and the table of the same files at once.
  const std::string watched = "$P --model u/checkpoint.safetensors --pixel-size 0.1 --out ", wait = "do sleep 0.05; kill -0 $pid || break; done; ";
  BOOST_REQUIRE(made::run(folder, "axonzoo-segment", watched + "l --morphometrics l.csv d/images/s0.png d/images/s1.png d/images/s2.png").status == 0);
  const auto live = made::run(folder, "axonzoo-segment",
                              "{ mkdir in; " + watched + "w --morphometrics w.csv --watch in & pid=$!; cp d/images/s0.png in; while [ ! -e w/s0_overlay.png ]; " + wait +
                                  "head -c 900 d/images/s1.png >in/s1.png; while ! grep -q s1.png stderr; " + wait +
                                  "tail -c +901 d/images/s1.png >>in/s1.png; while [ ! -e w/s1_overlay.png ]; " + wait +
                                  "cp d/images/s2.png in; while [ ! -e w/s2_overlay.png ]; " + wait + "sleep 0.2; kill -TERM $pid; wait $pid; }");
  BOOST_TEST(live.status == 0, live.err);
  const auto latency = made::content(folder.path() / "stdout");
  for (const std::string stem : {"s0", "s1", "s2"}) {
    BOOST_TEST((made::content(folder.path() / "w" / (stem + "_seg-axonmyelin.png")) == made::content(folder.path() / "l" / (stem + "_seg-axonmyelin.png"))));
    BOOST_TEST(latency.find(stem + ".png: ") != std::string::npos, latency);
  }
  BOOST_TEST(std::count(latency.begin(), latency.end(), '\n') == 4, latency);
  BOOST_TEST((made::content(folder.path() / "w.csv") == made::content(folder.path() / "l.csv")));
  BOOST_TEST(made::run(folder, "axonzoo-segment", watched + "q --fast --turns 2 d/images/s0.png").status == 2);
  BOOST_TEST(made::run(folder, "axonzoo-segment", watched + "q --fast d/images/s0.png").status == 0);
}

BOOST_AUTO_TEST_CASE(a_killed_rank_ends_all_with_its_name) {
  if (made::missing("unet-fp32-none-ddp")) return;
  const made_folder folder;
  made::paired(folder, "d");
  const auto begin = std::chrono::steady_clock::now();
  const auto ended = made::run(folder, "unet-fp32-none-ddp",
                               "{ $P --data d --steps 1000000 --ranks 2 --out k" + made::small_unet +
                                   "& pid=$!; while [ ! -e k/training_state.safetensors ]; do sleep 0.1; kill -0 $pid || break; done; "
                                   "pkill -KILL -P $pid -o; wait $pid; }");
  BOOST_TEST(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() < 60);
  BOOST_TEST(ended.status != 0);
  BOOST_TEST(ended.err.find("rank 0 was killed by signal 9") != std::string::npos, ended.err);
  BOOST_TEST(ended.err.find("axonzoo: rank 1 cannot go on with the others: ") != std::string::npos, ended.err);
}

BOOST_AUTO_TEST_CASE(a_rank_that_hangs_is_named_and_killed_when_another_has_failed) {
  if (made::missing("unet-fp32-none-ddp")) return;
  const made_folder folder;
  made::paired(folder, "d");
  const auto ended = made::run(folder, "unet-fp32-none-ddp",
                               "{ $P --data d --steps 1000000 --ranks 2 --out k" + made::small_unet +
                                   "& pid=$!; while [ ! -e k/training_state.safetensors ]; do sleep 0.1; kill -0 $pid || break; done; "
                                   "pkill -STOP -P $pid -n; pkill -KILL -P $pid -o; wait $pid; }");
  BOOST_TEST(ended.status != 0);
  BOOST_TEST(ended.err.find("axonzoo: rank 1 did not end with the others and is killed") != std::string::npos, ended.err);
}

BOOST_AUTO_TEST_SUITE_END()
