#include <map>
#include <random>
#include <utility>

#include <boost/test/unit_test.hpp>

#include <axonzoo/measure/instances.hpp>
#include <axonzoo/metrics/instances.hpp>

#include "../measure/drawing.hpp"

BOOST_AUTO_TEST_SUITE(metrics_instances)

BOOST_AUTO_TEST_CASE(overlaps_equal_to_counting_pixels) {
  const unsigned first = std::random_device{}();
  for (unsigned seed = first; seed < first + 10; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      const auto predicted = axonzoo::label_axons(drawing::random_tissue(50, 60, seed), 2);
      const auto manual = axonzoo::label_axons(drawing::random_tissue(50, 60, seed + 1), 2);
      const auto found = axonzoo::count_overlaps(predicted, manual);
      std::map<std::pair<std::int32_t, std::int32_t>, std::uint64_t> shared;
      for (std::size_t i = 0; i < manual.size(); ++i) {
        if (manual.data()[i] != 0 && predicted.data()[i] != 0) ++shared[{manual.data()[i], predicted.data()[i]}];
      }
      BOOST_REQUIRE(found.pairs.size() == shared.size());
      for (const auto& pair : found.pairs) {
        BOOST_TEST(
            (pair.pixels == shared[{static_cast<std::int32_t>(pair.manual) + 1, static_cast<std::int32_t>(pair.predicted) + 1}]));
        BOOST_TEST(found.manual_areas[pair.manual] ==
                   static_cast<std::uint64_t>(std::count(manual.begin(), manual.end(), pair.manual + 1)));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(iou_of_shifted_squares) {
  // Columns shared and covered: 4/4, 3/5 (shifted by 1), none.
  const auto manual = drawing::instances_of({"1111..2222..3333"}), predicted = drawing::instances_of({"5555...7777....."});
  const auto overlaps = axonzoo::count_overlaps(predicted, manual);
  const auto iou = axonzoo::matched_iou(overlaps);
  BOOST_REQUIRE(iou.size() == 3);
  BOOST_TEST(iou[0] == 1);
  BOOST_TEST(iou[1] == 0.6);
  BOOST_TEST(iou[2] == 0);
  BOOST_TEST(axonzoo::mean_iou(iou, 2) == 1.6 / 3, boost::test_tools::tolerance(1e-12));
  const auto found = axonzoo::detect(overlaps, 0.3);
  BOOST_TEST(found.precision == 1);
  BOOST_TEST(found.recall == 2. / 3);
  BOOST_TEST(found.f1 == 0.8);
  BOOST_TEST(axonzoo::detect(overlaps, 0.61).recall == 1. / 3);
  BOOST_TEST(axonzoo::detect(overlaps, 0.6).recall == 2. / 3);  // reaching the threshold is enough
}

BOOST_AUTO_TEST_CASE(one_prediction_serves_one_manual_instance) {
  const auto overlaps = axonzoo::count_overlaps(drawing::instances_of({"1111111"}), drawing::instances_of({"111.222"}));
  const auto iou = axonzoo::matched_iou(overlaps);
  BOOST_TEST(std::max(iou[0], iou[1]) == 3. / 7);
  BOOST_TEST(std::min(iou[0], iou[1]) == 0);
  const auto found = axonzoo::detect(overlaps, 0.3);
  BOOST_TEST(found.precision == 1);
  BOOST_TEST(found.recall == 0.5);
}

BOOST_AUTO_TEST_CASE(detection_finds_the_most_pairs) {
  // Manual 1 overlaps predictions 1 (IoU 4/7) and 2 (3/9), manual 2 overlaps prediction 1 alone (2/6): both can be detected.
  const auto manual = drawing::instances_of({"1111111..22...."}), predicted = drawing::instances_of({"222222...11...."});
  BOOST_TEST(axonzoo::detect(axonzoo::count_overlaps(predicted, manual), 0.3).recall == 1);
  const auto crossed_manual = drawing::instances_of({"111111122"}), crossed = drawing::instances_of({"222111111"});
  const auto overlaps = axonzoo::count_overlaps(crossed, crossed_manual);
  BOOST_TEST(axonzoo::detect(overlaps, 0.3).recall == 1);  // 1 with 2 (3/7), 2 with 1 (2/6); greedy would take 1 with 1 (4/9)
  const auto iou = axonzoo::matched_iou(overlaps);
  BOOST_TEST(iou[0] + iou[1] == 3. / 7 + 2. / 6, boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(empty_sides) {
  const auto none = drawing::instances_of({"..."}), one = drawing::instances_of({".1."});
  const auto both = axonzoo::detect(axonzoo::count_overlaps(none, none));
  BOOST_TEST(both.precision == 1);
  BOOST_TEST(both.f1 == 1);
  for (const auto& found :
       {axonzoo::detect(axonzoo::count_overlaps(none, one)), axonzoo::detect(axonzoo::count_overlaps(one, none))}) {
    BOOST_TEST(found.precision == 0);
    BOOST_TEST(found.recall == 0);
    BOOST_TEST(found.f1 == 0);
  }
  BOOST_TEST(axonzoo::mean_iou({}, 0) == 1);
  BOOST_TEST(axonzoo::mean_iou({}, 3) == 0);
}

BOOST_AUTO_TEST_CASE(no_threshold_and_other_sizes_are_sentences) {
  const auto one = drawing::instances_of({"1"});
  BOOST_CHECK_THROW(axonzoo::detect(axonzoo::count_overlaps(one, one), 0), axonzoo::error);
  BOOST_CHECK_THROW(axonzoo::count_overlaps(one, drawing::instances_of({"11"})), axonzoo::error);
}

BOOST_AUTO_TEST_SUITE_END()
