#include <cmath>

#include <boost/test/unit_test.hpp>

#include <axonzoo/report/comparison.hpp>
#include <axonzoo/report/comparison_figures.hpp>
#include <axonzoo/report/comparison_files.hpp>
#include <axonzoo/report/comparison_tables.hpp>
#include <axonzoo/report/published_study.hpp>
#include <axonzoo/report/scratch_folder.hpp>

#include "made_record.hpp"

namespace {

using axonzoo::compared_run;

compared_run run(const std::string& variant, std::uint64_t seed, double dice, double speed = 1) {
  const auto record = made_record(variant, seed, dice, speed);
  const auto& v = record["variant"];
  return {.axes = {v["model"], v["precision"], v["pruning"], v["parallel"]},
          .seed = seed,
          .how = compared_run::state::finished,
          .record = record};
}

axonzoo::comparison three() {
  compared_run failed{.axes = {"segnet", "fp32", "none", "single"},
                      .seed = 1,
                      .how = compared_run::state::failed,
                      .reason = "cannot do it: no; try again"};
  compared_run missing{.axes = {"unet", "int8", "none", "single"},
                       .seed = 1,
                       .how = compared_run::state::missing,
                       .reason = "not built: no program"};
  return axonzoo::comparison({run("unet/fp32/none/single", 1, 0.90), run("unet/fp32/none/single", 2, 0.92),
                              run("unet/fp32/none/single", 3, 0.94), run("unet/bf16/none/single", 1, 0.91, 2), failed, missing});
}

axonzoo::compared_measure measure(const axonzoo::comparison& all, const std::string& key) {
  for (const auto& one : all.measures())
    if (one.key == key) return one;
  BOOST_FAIL("no measure " + key);
  return {};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(report_comparison)

BOOST_AUTO_TEST_CASE(mean_spread_and_change) {
  const auto all = three();
  const auto dice = measure(all, "dice_axon"), speed = measure(all, "train_images_per_second"),
             latency = measure(all, "inference_seconds_per_megapixel");
  const auto value = all.value("unet/fp32/none/single", dice);  // the images' mean is 0.1 below
  BOOST_REQUIRE(value.has_value());
  BOOST_TEST(value->mean == 0.82, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(value->deviation == 0.02, boost::test_tools::tolerance(1e-9));  // of 0.80, 0.82, 0.84 with n - 1
  BOOST_TEST(value->runs == 3u);
  const auto one = all.value("unet/bf16/none/single", dice);
  BOOST_TEST(std::isnan(one->deviation));
  BOOST_TEST(*all.change("unet/bf16/none/single", dice) == -0.01, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(*all.change("unet/bf16/none/single", speed) == 2, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(*all.change("unet/bf16/none/single", latency) == 0.5, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(!all.change("unet/fp32/none/single", dice).has_value());
  BOOST_TEST(!all.value("segnet/fp32/none/single", dice).has_value());
  BOOST_TEST(!all.change("segnet/bf16/none/single", dice).has_value());
  BOOST_TEST(all.models() == std::vector<std::string>{"unet"}, boost::test_tools::per_element());
  BOOST_TEST(all.scored_classes() == (std::vector<std::string>{"axon", "myelin", "any"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(only_what_the_records_have) {
  auto neurons = run("unet/fp32/none/single", 1, 0.8);
  auto& mean = neurons.record["test"]["mean"];
  mean["classes"] = {{"neuron", {{"dice", 0.7}, {"iou", 0.6}}}};
  mean["instances"] = {{"neuron", 0.5}, {"all", 0.5}, {"f1", nullptr}};
  neurons.record.erase("peak_memory_bytes");
  std::string keys;
  for (const auto& one : axonzoo::comparison({neurons}).measures()) keys += one.key + ' ';
  BOOST_TEST(keys ==
             "dice_neuron iou_neuron instance_iou_neuron instance_iou_all train_seconds steps train_images_per_second "
             "inference_images_per_second "
             "inference_seconds_per_megapixel parameters macs ");
  BOOST_TEST(*axonzoo::mean_dice(mean) == 0.7);
}

BOOST_AUTO_TEST_CASE(records_that_cannot_be_read) {
  const axonzoo::scratch_folder folder;
  const auto good = made_record("unet/fp32/none/single", 1, 0.9);
  const auto refused = [&](const std::string& text, const std::string& part) {
    write_text(folder / "results.json", text);
    BOOST_CHECK_EXCEPTION((void)axonzoo::read_record(folder / "results.json"), axonzoo::error, [&](const auto& e) {
      return contains(e.what(), "cannot read the results '") && contains(e.what(), part);
    });
  };
  write_text(folder / "results.json", good.dump());
  BOOST_TEST((axonzoo::read_record(folder / "results.json") == good));
  refused("", "not a JSON object");
  refused(good.dump().substr(0, 300), "not a JSON object");
  refused("[1]", "not a JSON object");
  auto other = good;
  other["schema"] = 2;
  refused(other.dump(), "schema is not 1");
  for (const std::string path : {"/test/images", "/history", "/data/split", "/variant/name", "/seed"}) {
    auto without = good;
    without[nlohmann::json::json_pointer(path)] = nullptr;
    refused(without.dump(), "'" + path + "'");
    const auto pointer = nlohmann::json::json_pointer(path);
    without[pointer.parent_pointer()].erase(pointer.back());
    refused(without.dump(), "'" + path + "'");
  }
  std::filesystem::remove(folder / "results.json");
  BOOST_CHECK_THROW((void)axonzoo::read_record(folder / "results.json"), axonzoo::error);
}

BOOST_AUTO_TEST_CASE(tables) {
  const auto all = three();
  const auto text = axonzoo::variant_text(all);
  BOOST_TEST(contains(text, "0.820 \u00b10.020"));
  BOOST_TEST(contains(text, "-0.010"));
  BOOST_TEST(contains(text, "2.00x"));
  BOOST_TEST(contains(text, "failed: cannot do it: no; try again"));
  BOOST_TEST(contains(text, "not built: no program"));
  const auto table = axonzoo::variant_table(all, all.measures(), "");
  BOOST_REQUIRE(table.rows.size() == 4u);
  BOOST_TEST(table.rows[0].cells.size() == table.columns.size());
  BOOST_TEST(table.rows[0].cells[2].text == "0.820");
  BOOST_TEST(table.rows[0].cells[2].best);
  BOOST_TEST(table.rows[1].cells[2].detail == "\u22120.010");
  BOOST_TEST(!table.rows[1].cells[2].best);
  BOOST_TEST(table.rows[2].reason == "failed: cannot do it: no; try again");
  const auto published = axonzoo::published_table(all);
  BOOST_TEST(published.rows[2].cells[0].text == "U-Net");
  BOOST_TEST(published.rows[2].cells[8].text == "0.551");
  BOOST_TEST(contains(published.rows[2].cells[1].text, "oracle"));
  BOOST_TEST(published.rows.back().cells[1].text == "none");
}

BOOST_AUTO_TEST_CASE(names_are_shortened_by_what_all_share) {
  using axonzoo::detail::short_names;
  BOOST_TEST(short_names({"sub-rat5_sample-1_SEM", "sub-rat8_sample-2_SEM"}) ==
                 (std::vector<std::string>{"sub-rat5\nsample-1", "sub-rat8\nsample-2"}),
             boost::test_tools::per_element());
  BOOST_TEST(short_names({"a", "b"}) == (std::vector<std::string>{"a", "b"}), boost::test_tools::per_element());
  BOOST_TEST(short_names({"sub-a_SEM", "sub-a_TEM"}) == (std::vector<std::string>{"SEM", "TEM"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(files_hold_every_run) {
  const axonzoo::scratch_folder folder;
  const auto all = three();
  axonzoo::write_comparison_csv(folder / "results.csv", all);
  const auto rows = axonzoo::read_csv(folder / "results.csv");
  BOOST_TEST(rows.size() == 6u);
  BOOST_TEST(rows.number(1, "dice_axon") == 0.82, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(rows.number(3, "inference_seconds_per_megapixel") == 1.0);
  BOOST_TEST(rows.text(4, "state") == "failed");
  BOOST_TEST(rows.text(4, "reason") == "cannot do it: no; try again");
  axonzoo::write_comparison_json(folder / "results.json", all, "the command");
  const auto json = nlohmann::json::parse(text_of(folder / "results.json"));
  BOOST_TEST(json["runs"].size() == 6u);
  BOOST_TEST(json["command"] == "the command");
  BOOST_TEST(json["summary"]["unet/fp32/none/single"]["dice_axon"]["deviation"].get<double>() == 0.02,
             boost::test_tools::tolerance(1e-9));
  BOOST_TEST(json["summary"]["unet/bf16/none/single"]["train_images_per_second"]["change"].get<double>() == 2,
             boost::test_tools::tolerance(1e-9));
}

BOOST_AUTO_TEST_CASE(what_manual_masks_helped_to_says_so) {
  auto helped = run("neuro_sam_tiny/fp32/none/single", 1, 0.95);
  helped.record["prompts"] = {{"origin", "oracle"}};
  const axonzoo::comparison all({run("unet/fp32/none/single", 1, 0.9), helped});
  const auto text = axonzoo::variant_text(all);
  BOOST_TEST(!contains(text, "unet/fp32/none/single (oracle boxes)"));
  BOOST_TEST(contains(text, "neuro_sam_tiny/fp32/none/single (oracle boxes)"));
}

BOOST_AUTO_TEST_CASE(an_oracle_stands_apart) {
  auto helped = run("sam_tiny/fp32/none/single", 1, 0.95), plain = run("unet/fp32/none/single", 1, 0.9);
  helped.record["prompts"] = {{"origin", "oracle"}};
  helped.record["test"]["prompted"] = {{"axon", {{"dice", 0.8}, {"iou", 0.7}}}};
  compared_run failed{
      .axes = {"med_sam", "fp32", "none", "single"}, .seed = 1, .how = compared_run::state::failed, .reason = "cannot"};
  const axonzoo::comparison all({helped, failed, plain});
  const auto groups = axonzoo::variant_groups(all);
  BOOST_REQUIRE(groups.size() == 3u);
  BOOST_TEST(groups[0].variants.at(0) == "unet/fp32/none/single");
  BOOST_TEST(groups[1].variants.at(0) == "sam_tiny/fp32/none/single");
  BOOST_TEST(groups[2].variants.at(0) == "med_sam/fp32/none/single");
  const auto table = axonzoo::variant_table(all, all.measures(), "");
  BOOST_REQUIRE(table.rows.size() == 6u);
  BOOST_TEST((table.rows[0].heading && table.rows[2].heading && table.rows[4].heading));
  BOOST_TEST(table.rows[3].cells[0].text == "sam_tiny/fp32/none/single (oracle boxes)");
  BOOST_TEST(table.rows[3].cells[0].detail == "prompts: oracle");
  BOOST_TEST(!table.rows[3].cells[2].best);  // nothing of its kind is beside it
  BOOST_TEST(table.rows[5].reason == "failed: cannot");
  const auto published = axonzoo::published_table(all);
  BOOST_TEST(published.rows[5].cells[5].text == "0.368");  // of classes
  BOOST_TEST(published.rows[5].cells[2].text == "\u2013");
  BOOST_TEST(published.rows[7].cells[1].text == "none");
  BOOST_TEST(published.rows[7].cells[9].text == "\u2013");
  BOOST_TEST(contains(published.rows[8].cells[0].text, "2 test micrographs. Oracle"));
  BOOST_TEST(published.rows[9].cells[1].text == "manual boxes (oracle)");
  BOOST_TEST(published.rows[9].cells[9].text == "0.700");
  const auto text = axonzoo::variant_text(all);
  BOOST_TEST(text.find("unet/") < text.find("\nOracle: "));
  BOOST_TEST(text.find("\nOracle: ") < text.find("sam_tiny/"));
  const axonzoo::scratch_folder folder;
  axonzoo::write_comparison_csv(folder / "results.csv", all);
  const auto rows = axonzoo::read_csv(folder / "results.csv");
  BOOST_TEST(rows.text(0, "prompts") == "");
  BOOST_TEST(rows.text(2, "prompts") == "oracle");
  BOOST_TEST(rows.number(2, "prompted_iou_axon") == 0.7);
}

BOOST_AUTO_TEST_CASE(contrasts_have_their_own_means) {
  auto one = run("unet/fp32/none/single", 1, 0.9);
  one.record["test"]["images"][1]["contrast"] = "TEM";  // its Dice is 0.2 less
  auto without = run("unet/bf16/none/single", 1, 0.9);  // tested on SEM alone
  const axonzoo::comparison all({one, without});
  BOOST_TEST(all.contrasts() == (std::vector<std::string>{"all", "SEM", "TEM"}), boost::test_tools::per_element());
  const auto of = [&all](const std::string& variant, const std::string& key) {
    return all.value(variant, measure(all, key))->mean;
  };
  const std::string unet = "unet/fp32/none/single";
  const auto close = boost::test_tools::tolerance(1e-9);
  BOOST_TEST(of(unet, "dice_axon_SEM") == 0.9, close);
  BOOST_TEST(of(unet, "dice_axon_TEM") == 0.7, close);
  BOOST_TEST(of(unet, "instance_iou_myelin_TEM") == 0.4, close);
  BOOST_TEST(of(unet, "iou_classes_SEM") == (0.9 / 1.1 + 0.8 / 1.2) / 2, close);
  BOOST_TEST(of(unet, "iou_classes") == (0.9 / 1.1 + 0.8 / 1.2 + 0.7 / 1.3 + 0.6 / 1.4) / 4, close);
  BOOST_TEST(!all.value("unet/bf16/none/single", measure(all, "dice_axon_TEM")).has_value());
  const auto published = axonzoo::published_table(all);
  BOOST_REQUIRE(published.rows.size() == 14u);  // the study's 6, then all: 1 + 2, SEM: 1 + 2, TEM: 1 + 2, less none
  BOOST_TEST(contains(published.rows[12].cells[0].text, "1 TEM test micrograph"));
}

BOOST_AUTO_TEST_SUITE_END()
