#include <boost/test/unit_test.hpp>

#include <axonzoo/io/image.hpp>
#include <axonzoo/report/comparison_page.hpp>
#include <axonzoo/report/scratch_folder.hpp>

#include "made_record.hpp"

namespace {

/// Two micrographs of 80 x 100 px with a disc each, as images/ and masks/, and predictions of a run that are shifted by two
/// pixels.
void write_data(const axonzoo::scratch_folder& folder) {
  for (const char* name : {"sub-a_sample-1_SEM", "sub-b_sample-1_SEM"}) {
    axonzoo::rgb_image picture = axonzoo::rgb_image::from_shape({80, 100, 3});
    axonzoo::label_image mask = axonzoo::label_image::from_shape({80, 100}), predicted = mask;
    const auto level = [](std::size_t y, std::size_t x) {
      return (y - 40.) * (y - 40.) + (x - 50.) * (x - 50.) < 200   ? 255
             : (y - 40.) * (y - 40.) + (x - 50.) * (x - 50.) < 500 ? 127
                                                                   : 0;
    };
    for (std::size_t y = 0; y < 80; ++y)
      for (std::size_t x = 0; x < 100; ++x) {
        for (std::size_t c = 0; c < 3; ++c) picture(y, x, c) = static_cast<std::uint8_t>(2 * x + y / 2);
        mask(y, x) = static_cast<std::uint8_t>(level(y, x));
        predicted(y, x) = static_cast<std::uint8_t>(level(y, x + 2));
      }
    for (const char* place : {"data/images", "data/masks", "run/test"}) std::filesystem::create_directories(folder / place);
    axonzoo::write_png(folder / "data/images" / (std::string(name) + ".png"), picture);
    axonzoo::write_png(folder / "data/masks" / (std::string(name) + ".png"), mask);
    for (const char* kind : {"axon", "axonmyelin", "myelin"})  // of the three that a run writes, one has both classes
      axonzoo::write_png(
          folder / "run/test" / (std::string(name) + "_seg-" + kind + ".png"),
          std::string(kind) == "axonmyelin" ? predicted : axonzoo::label_image(xt::zeros<std::uint8_t>({80, 100})));
  }
}

axonzoo::compared_run run(const axonzoo::scratch_folder& folder, const std::string& variant, std::uint64_t seed, double dice,
                          double speed) {
  auto record = made_record(variant, seed, dice, speed);
  record["data"]["folders"] = {(folder / "data").string()};
  const auto& v = record["variant"];
  return {.axes = {v["model"], v["precision"], v["pruning"], v["parallel"]},
          .seed = seed,
          .folder = folder / "run",
          .how = axonzoo::compared_run::state::finished,
          .record = record};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(report_comparison_page)

BOOST_AUTO_TEST_CASE(says_everything_once) {
  const axonzoo::scratch_folder folder;
  write_data(folder);
  axonzoo::compared_run failed{.axes = {"segnet", "fp32", "none", "single"},
                               .seed = 1,
                               .how = axonzoo::compared_run::state::failed,
                               .reason = "cannot <train>: no; try"};
  const axonzoo::comparison all({run(folder, "unet/fp32/none/single", 1, 0.90, 1),
                                 run(folder, "unet/fp32/none/single", 2, 0.92, 1),
                                 run(folder, "unet/bf16/magnitude/single", 1, 0.91, 2), failed});
  std::vector<std::string> problems;
  const auto page = axonzoo::comparison_page(
      all, {.command = "axonzoo-compare --data 'a b'", .made = "today", .budget = "1 min of training each"}, problems);
  BOOST_TEST(problems.empty());
  BOOST_TEST(count_of(page, "data:image/jpeg;base64,") == 6u);  // the best and the worst, three pictures each
  for (const char* part :
       {"3 of 4", "0.810", "\u2212", "axonzoo-compare --data &#39;a b&#39;", "a processor, 2 cores, 8 GiB, GPU: none",
        "cannot &lt;train&gt;: no; try", "oracle", "242 micrographs", "0.239", "unet: best test micrograph, sub-a_sample-1_SEM",
        "unet: worst test micrograph, sub-b_sample-1_SEM", "n = 2 test micrographs", "sample standard deviation", "LibTorch",
        "wait for patches", "1 image of 1 subject: c", "1 min of training each"})
    BOOST_TEST(contains(page, part), part);
  BOOST_TEST(!contains(page, "src=\"http"));
  BOOST_TEST(count_of(page, "<svg ") >= 7u);
}

BOOST_AUTO_TEST_CASE(prompts_and_contrasts_are_shown) {
  const axonzoo::scratch_folder folder;
  write_data(folder);
  auto helped = run(folder, "sam_tiny/fp32/none/single", 1, 0.99, 1);
  helped.record["prompts"] = {{"origin", "oracle"}, {"weights", "sam.pth"}};
  helped.record["test"]["prompted"] = {{"axon", {{"dice", 0.8}, {"iou", 0.654}}}};
  helped.record["history"] = nlohmann::json::array();
  helped.record["test"]["images"][1]["contrast"] = "TEM";
  std::vector<std::string> problems;
  const auto page =
      axonzoo::comparison_page(axonzoo::comparison({helped, run(folder, "unet/fp32/none/single", 1, 0.9, 1)}), {}, problems);
  BOOST_TEST(problems.empty());
  for (const char* part :
       {"Automatic: given the image alone", "Oracle: told by the manual masks", "sam_tiny/fp32/none/single (oracle boxes)",
        "0.654", "IoU by box", "contrast <b>TEM</b>", "<small>unet/fp32/none/single</small>"})
    BOOST_TEST(contains(page, part), part);
  BOOST_TEST(!contains(page, "<dd>0.890"));  // the oracle's is no champion
}

BOOST_AUTO_TEST_CASE(the_prediction_with_both_classes_is_read) {
  const axonzoo::scratch_folder folder;
  write_data(folder);
  const auto labels = axonzoo::read_prediction(folder / "run", "sub-a_sample-1_SEM");
  BOOST_TEST(int(labels(40, 48)) == 2);
  BOOST_TEST(int(labels(40, 30)) == 1);
  BOOST_TEST(int(labels(0, 0)) == 0);
  for (const char* kind : {"axonmyelin", "myelin"})
    std::filesystem::remove(folder / "run/test" / (std::string("sub-a_sample-1_SEM_seg-") + kind + ".png"));
  BOOST_TEST(int(axonzoo::read_prediction(folder / "run", "sub-a_sample-1_SEM")(40, 48)) == 0);
}

BOOST_AUTO_TEST_CASE(data_that_has_gone_is_said) {
  const axonzoo::scratch_folder folder;
  write_data(folder);
  const auto one = run(folder, "unet/fp32/none/single", 1, 0.9, 1);
  for (const char* kind : {"axon", "axonmyelin", "myelin"})
    std::filesystem::remove(folder / "run/test" / (std::string("sub-b_sample-1_SEM_seg-") + kind + ".png"));
  std::vector<std::string> problems;
  auto page = axonzoo::comparison_page(axonzoo::comparison({one}), {}, problems);
  BOOST_REQUIRE(problems.size() == 1u);
  BOOST_TEST(contains(problems[0], "cannot draw the prediction of 'sub-b_sample-1_SEM': there is none"));
  BOOST_TEST(contains(page, "there is none in"));
  std::filesystem::remove_all(folder / "data");
  problems.clear();
  page = axonzoo::comparison_page(axonzoo::comparison({one}), {}, problems);
  BOOST_TEST(problems.size() == 2u);
  BOOST_TEST(contains(page, "0.800"));  // the tables stand all the same
}

BOOST_AUTO_TEST_CASE(nothing_finished) {
  std::vector<std::string> problems;
  const axonzoo::comparison all({{.axes = {"unet", "fp32", "none", "single"}, .seed = 1}});
  const auto page = axonzoo::comparison_page(all, {.command = "again"}, problems);
  BOOST_TEST(contains(page, "No run has finished"));
  BOOST_TEST(contains(page, "not run yet"));
}

BOOST_AUTO_TEST_CASE(the_window_shown_is_the_median) {
  axonzoo::label_image manual = axonzoo::label_image::from_shape({10, 30}), predicted = manual;
  manual.fill(0);
  predicted.fill(0);
  for (std::size_t i = 0; i < 10; ++i) predicted(i, 25) = 1;           // 10 wrong in the windows on the right
  for (std::size_t i = 0; i < 5; ++i) predicted(i, 2) = 1;             // 5 in that on the left
  const auto window = axonzoo::typical_window(predicted, manual, 10);  // windows at 0, 5, 10, 15, 20: 5, 0, 0, 0 and 10 wrong
  BOOST_TEST(window.left >= 5u);
  BOOST_TEST(window.left <= 15u);
  BOOST_TEST(window.height == 10u);
  const auto small = axonzoo::typical_window(predicted, manual, 1000);
  BOOST_TEST(small.width == 30u);
}

BOOST_AUTO_TEST_SUITE_END()
