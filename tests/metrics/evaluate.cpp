#include <boost/test/unit_test.hpp>

#include <axonzoo/metrics/evaluate.hpp>

#include "../measure/drawing.hpp"

namespace {

const std::vector<std::string> tissue = {"background", "myelin", "axon"};

}  // namespace

BOOST_AUTO_TEST_SUITE(metrics_evaluate)

BOOST_AUTO_TEST_CASE(a_mask_agrees_with_itself) {
  const auto labels = drawing::random_tissue(80, 90, 5);
  const auto scores = axonzoo::evaluate(labels, labels, tissue);
  for (const char* name : {"axon", "myelin", "any"}) {
    BOOST_TEST(scores.classes.at(name).iou == 1);
    BOOST_TEST(scores.classes.at(name).dice == 1);
  }
  for (const char* name : {"axon", "myelin", "all"}) BOOST_TEST(scores.instance_iou.at(name) == 1);
  BOOST_TEST(scores.f1 == 1);
}

BOOST_AUTO_TEST_CASE(squares_with_known_scores) {
  // Two fibres of 6 x 6 with axons of 2 x 2. The first is predicted with a sheath of 4 x 4, the second not at all.
  auto manual = drawing::blank(20, 30), predicted = drawing::blank(20, 30);
  drawing::rectangle(manual, 2, 2, 6, 6, 1);
  drawing::rectangle(manual, 4, 4, 2, 2, 2);
  drawing::rectangle(manual, 2, 20, 6, 6, 1);
  drawing::rectangle(manual, 4, 22, 2, 2, 2);
  drawing::rectangle(predicted, 3, 3, 4, 4, 1);
  drawing::rectangle(predicted, 4, 4, 2, 2, 2);
  const auto scores = axonzoo::evaluate(predicted, manual, tissue);
  BOOST_TEST(scores.classes.at("axon").iou == 4. / 8);
  BOOST_TEST(scores.classes.at("myelin").iou == 12. / 64);
  BOOST_TEST(scores.classes.at("myelin").dice == 24. / 76);
  BOOST_TEST(scores.classes.at("any").iou == 16. / 72);
  BOOST_TEST(scores.instance_iou.at("axon") == 0.5);
  BOOST_TEST(scores.instance_iou.at("myelin") == 12. / 32 / 2);
  BOOST_TEST(scores.instance_iou.at("all") == (1 + 12. / 32) / 4);
  BOOST_TEST(scores.precision == 1);
  BOOST_TEST(scores.recall == 0.5);
  BOOST_TEST(scores.f1 == 2. / 3, boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(concentric_discs) {
  auto manual = drawing::blank(201, 201), predicted = drawing::blank(201, 201);
  drawing::disc(manual, 100, 100, 80, 2);
  drawing::disc(predicted, 100, 100, 60, 2);
  const auto scores = axonzoo::evaluate(predicted, manual, tissue);
  BOOST_TEST(scores.classes.at("axon").iou == 60. * 60 / (80 * 80), boost::test_tools::tolerance(0.01));
  BOOST_TEST(scores.instance_iou.at("axon") == scores.classes.at("axon").iou);
}

BOOST_AUTO_TEST_CASE(the_order_of_classes_does_not_matter) {
  const auto one = drawing::random_tissue(60, 60, 11), other = drawing::random_tissue(60, 60, 12);
  const auto swapped = [](axonzoo::label_image labels) {
    for (auto& label : labels) label = label == 0 ? 0 : 3 - label;
    return labels;
  };
  const nlohmann::json expected = axonzoo::evaluate(one, other, tissue);
  const nlohmann::json found = axonzoo::evaluate(swapped(one), swapped(other), {"background", "axon", "myelin"});
  BOOST_TEST((found["classes"] == expected["classes"]));
  BOOST_TEST(found["instances"]["f1"].get<double>() == expected["instances"]["f1"].get<double>());
  BOOST_TEST(found["instances"]["all"].get<double>() == expected["instances"]["all"].get<double>(),
             boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(one_class) {
  const auto scores = axonzoo::evaluate(drawing::blank(1, 1, 1), drawing::blank(1, 1, 1), {"background", "neuron"});
  BOOST_TEST(scores.classes.size() == 1u);
  BOOST_TEST(scores.instance_iou.at("neuron") == 1);
  BOOST_TEST(scores.instance_iou.at("all") == 1);
  const auto missed = axonzoo::evaluate(drawing::blank(1, 1, 0), drawing::blank(1, 1, 1), {"background", "neuron"});
  BOOST_TEST(missed.classes.at("neuron").dice == 0);
  BOOST_TEST(missed.recall == 0);
}

BOOST_AUTO_TEST_CASE(empty_images_score_one_and_speckle_zero) {
  const auto empty = drawing::blank(9, 9), speckle = drawing::labels_of({"A", "."});
  BOOST_TEST(axonzoo::evaluate(empty, empty, tissue).instance_iou.at("all") == 1);
  BOOST_TEST(axonzoo::evaluate(speckle, drawing::blank(2, 1), tissue).instance_iou.at("all") == 0);
}

BOOST_AUTO_TEST_CASE(the_mean_and_json_keep_every_score) {
  const auto one = axonzoo::evaluate(drawing::random_tissue(60, 60, 1), drawing::random_tissue(60, 60, 2), tissue);
  const auto other = axonzoo::evaluate(drawing::random_tissue(60, 60, 3), drawing::random_tissue(60, 60, 4), tissue);
  const auto mean = axonzoo::mean({one, other});
  BOOST_TEST(mean.classes.at("axon").dice == (one.classes.at("axon").dice + other.classes.at("axon").dice) / 2);
  BOOST_TEST(mean.instance_iou.at("all") == (one.instance_iou.at("all") + other.instance_iou.at("all")) / 2);
  BOOST_TEST(mean.f1 == (one.f1 + other.f1) / 2);
  const nlohmann::json written = mean;
  BOOST_TEST(written.at("classes").at("myelin").at("iou").get<double>() == mean.classes.at("myelin").iou);
  BOOST_TEST(written.at("instances").at("recall").get<double>() == mean.recall);
  BOOST_TEST((nlohmann::json(nlohmann::json::parse(written.dump()).get<axonzoo::image_scores>()) == written));
}

BOOST_AUTO_TEST_CASE(nothing_to_score_is_a_sentence) {
  BOOST_CHECK_THROW(axonzoo::mean({}), axonzoo::error);
  BOOST_CHECK_THROW(axonzoo::evaluate(drawing::blank(1, 1), drawing::blank(1, 1), {"background"}), axonzoo::error);
  BOOST_CHECK_THROW(axonzoo::evaluate(drawing::blank(1, 1), drawing::blank(2, 1), tissue), axonzoo::error);
}

BOOST_AUTO_TEST_SUITE_END()
