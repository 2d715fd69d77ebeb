#include <string>

#include <boost/test/unit_test.hpp>

#include <axonzoo/metrics/overlap.hpp>

#include "../measure/drawing.hpp"

namespace {

const std::vector<std::string> tissue = {"background", "myelin", "axon"};

bool says(const axonzoo::error& failed, const std::string& words) {
  return std::string(failed.what()).find(words) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(metrics_overlap)

BOOST_AUTO_TEST_CASE(a_square_shifted_by_a_quarter) {
  auto predicted = drawing::blank(40, 40), manual = drawing::blank(40, 40);
  drawing::rectangle(manual, 5, 5, 12, 12, 2);
  drawing::rectangle(predicted, 5, 8, 12, 12, 2);
  const auto scores = axonzoo::class_overlaps(predicted, manual, tissue);
  BOOST_TEST(scores.at("axon").iou == 9. / 15);  // 9 of 12 columns are shared, 15 are covered
  BOOST_TEST(scores.at("axon").dice == 18. / 24);
  BOOST_TEST(scores.at("any").iou == 9. / 15);
}

BOOST_AUTO_TEST_CASE(any_does_not_mind_axon_taken_for_myelin) {
  const auto scores = axonzoo::class_overlaps(drawing::labels_of({"AAoo"}), drawing::labels_of({"AooA"}), tissue);
  BOOST_TEST(scores.at("any").iou == 1);
  BOOST_TEST(scores.at("axon").iou == 1. / 3);
  BOOST_TEST(scores.at("axon").dice == 1. / 2);
  BOOST_TEST(scores.at("myelin").iou == 1. / 3);
}

BOOST_AUTO_TEST_CASE(empty_against_empty_is_one_and_against_something_zero) {
  const auto empty = drawing::blank(3, 3), something = drawing::labels_of({"...", ".A.", "..."});
  BOOST_TEST(axonzoo::class_overlaps(empty, empty, tissue).at("axon").dice == 1);
  BOOST_TEST(axonzoo::class_overlaps(empty, something, tissue).at("axon").iou == 0);
  BOOST_TEST(axonzoo::class_overlaps(something, empty, tissue).at("axon").dice == 0);
  BOOST_TEST(axonzoo::class_overlaps(something, empty, tissue).at("myelin").iou == 1);
}

BOOST_AUTO_TEST_CASE(classes_are_found_by_their_place) {
  const auto scores =
      axonzoo::class_overlaps(drawing::labels_of({"A"}), drawing::labels_of({"o"}), {"background", "axon", "myelin"});
  BOOST_TEST(scores.at("axon").iou == 0);
  BOOST_TEST(scores.at("any").iou == 1);
  BOOST_TEST(axonzoo::class_overlaps(drawing::blank(1, 1, 1), drawing::blank(1, 1, 1), {"background", "neuron"}).size() == 1u);
}

BOOST_AUTO_TEST_CASE(other_sizes_and_labels_without_a_class_are_sentences) {
  const auto pixel = drawing::blank(1, 1), wide = drawing::blank(1, 2);
  BOOST_CHECK_EXCEPTION(axonzoo::class_overlaps(pixel, wide, tissue), axonzoo::error,
                        [](const auto& e) { return says(e, "1 x 1 px") && says(e, "1 x 2"); });
  BOOST_CHECK_EXCEPTION(axonzoo::class_overlaps(drawing::blank(1, 1, 7), pixel, tissue), axonzoo::error,
                        [](const auto& e) { return says(e, "label 7") && says(e, "3 classes"); });
}

BOOST_AUTO_TEST_SUITE_END()
