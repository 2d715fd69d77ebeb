#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <axonzoo/core/digest.hpp>
#include <axonzoo/data/found_masks.hpp>
#include <axonzoo/data/prompts.hpp>
#include <axonzoo/data/views.hpp>
#include <axonzoo/metrics/prompted.hpp>

#include "../measure/drawing.hpp"

namespace {

const std::vector<std::string> classes{"background", "myelin", "axon"};

std::vector<axonzoo::found_mask> manual_masks(const axonzoo::prompted_masks& manual) {
  std::vector<axonzoo::found_mask> masks;
  for (const auto& object : manual.objects) {
    axonzoo::found_mask mask{object.kind, object.instance, {}, 1};
    for (const auto& run : axonzoo::runs_of(manual.instances[object.kind])) {
      if (run.instance == object.instance) mask.runs.push_back(run);
    }
    masks.push_back(mask);
  }
  return masks;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(data_prompts)

BOOST_AUTO_TEST_CASE(boxes_are_tight_around_axons_and_fibres) {
  const auto found = axonzoo::prompted_masks_of(drawing::labels_of({"........", ".ooo....", ".oAAo...", ".oooo..A", "........"}), classes);
  BOOST_REQUIRE_EQUAL(found.objects.size(), 4u);  // the lone axon is its own fibre
  const auto says = [](const axonzoo::prompted_object& object, std::size_t kind, int instance, double left, double top, double right, double bottom, int area) {
    BOOST_TEST(object.kind == kind);
    BOOST_TEST(object.instance == instance);
    BOOST_TEST(object.box.left == left);
    BOOST_TEST(object.box.top == top);
    BOOST_TEST(object.box.right == right);
    BOOST_TEST(object.box.bottom == bottom);
    BOOST_TEST(object.area == area);
  };
  says(found.objects[0], 0, 1, 2, 2, 3, 2, 2);
  says(found.objects[1], 0, 2, 7, 3, 7, 3, 1);
  says(found.objects[2], 1, 1, 1, 1, 4, 3, 11);
  says(found.objects[3], 1, 2, 7, 3, 7, 3, 1);
  BOOST_TEST(axonzoo::prompted_masks_of(drawing::labels_of({".A.AA"}), classes, 2).objects.size() == 2u);
  BOOST_TEST(axonzoo::prompt_kinds({"background", "neuron"}) == std::vector<std::string>{"neuron"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(views_see_every_box_with_its_surroundings) {
  std::mt19937 random(std::random_device{}());
  for (int round = 0; round < 30; ++round) {
    const std::int64_t height = 20 + random() % 400, width = 20 + random() % 400, side = 64;
    std::vector<axonzoo::pixel_box> boxes;
    for (int i = 0; i < 60; ++i) {
      const double left = random() % width, top = random() % height;
      boxes.push_back({left, top, std::min<double>(static_cast<double>(width - 1), left + random() % (i < 50 ? 20 : 200)),
                       std::min<double>(static_cast<double>(height - 1), top + random() % (i < 50 ? 20 : 200))});
    }
    std::vector<int> asked(boxes.size(), 0);
    const auto plan = axonzoo::plan_views(boxes, height, width, side, /*each_once=*/true);
    for (const auto& one : plan) {
      for (const auto i : one.objects) {
        ++asked[i];
        const auto margin = (std::max(boxes[i].right - boxes[i].left, boxes[i].bottom - boxes[i].top) + 1) / 8;
        const auto &where = one.where;
        BOOST_TEST(std::max(0.0, boxes[i].left - margin) >= where.left);
        BOOST_TEST(std::max(0.0, boxes[i].top - margin) >= where.top);
        BOOST_TEST(std::min<double>(width - 1, boxes[i].right + margin) <= where.left + where.side - 1);
        BOOST_TEST(std::min<double>(height - 1, boxes[i].bottom + margin) <= where.top + where.side - 1);
      }
    }
    BOOST_TEST(std::all_of(asked.begin(), asked.end(), [](int times) { return times == 1; }));
    std::set<std::size_t> seen;
    for (const auto& one : axonzoo::plan_views(boxes, height, width, side, /*each_once=*/false)) seen.insert(one.objects.begin(), one.objects.end());
    BOOST_TEST(seen.size() == boxes.size());
  }
}

BOOST_AUTO_TEST_CASE(a_view_is_scaled_by_its_own_extremes_and_nothing_lies_beyond_the_image) {
  auto pixels = axonzoo::image::from_shape({6, 10, 1});
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels.data()[i] = static_cast<float>(i);
  const auto part = axonzoo::view_pixels(pixels, {2, 4, 8}, 8);  // rows 2 to 5 and columns 4 to 9 are there: levels 24 to 59
  for (std::size_t y = 0; y < 8; ++y) {
    for (std::size_t x = 0; x < 8; ++x) {
      const float expected = y < 4 && x < 6 ? (static_cast<float>((y + 2) * 10 + x + 4) - 24) / 35 : 0;
      BOOST_TEST(std::abs(part(y, x, 0) - expected) < 1e-6f);
    }
  }
  BOOST_TEST(axonzoo::view_pixels(pixels, {0, 0, 16}, 8)(2, 4, 0) > 0.9f);  // half the size
  BOOST_TEST(axonzoo::view_pixels(pixels, {0, 0, 16}, 8)(3, 4, 0) == 0.f);
}

BOOST_AUTO_TEST_CASE(manual_masks_give_back_the_manual_classes_and_score_one) {
  auto labels = drawing::blank(90, 120);
  for (int i = 0; i < 12; ++i) {
    drawing::disc(labels, 12 + 22 * (i / 4), 14 + 30 * (i % 4), 9 + i % 3, 1);
    drawing::disc(labels, 12 + 22 * (i / 4), 14 + 30 * (i % 4), 5, 2);
  }
  const auto manual = axonzoo::prompted_masks_of(labels, classes);
  auto masks = manual_masks(manual);
  const auto back = axonzoo::labels_of_masks(masks, manual.kinds, classes, 90, 120);
  BOOST_TEST((back == labels));
  axonzoo::prompted_tally tally;
  tally.add(masks, manual);
  const auto scores = tally.scores();
  for (const char* kind : {"axon", "fibre", "myelin"}) {
    BOOST_TEST(scores.at(kind).at("count") == 12);
    BOOST_TEST(scores.at(kind).at("dice") == 1.0);
    BOOST_TEST(scores.at(kind).at("iou") == 1.0);
  }
  // half of an axon's rows: Dice 2 a / (a + A)
  auto& first = masks.front();
  std::int64_t whole = manual.objects.front().area, left = 0;
  first.runs.resize(first.runs.size() / 2);
  for (const auto& run : first.runs) left += run.end - run.begin;
  axonzoo::prompted_tally halved;
  halved.add({first}, manual);
  BOOST_TEST(std::abs(halved.scores().at("axon").at("dice").get<double>() - 2.0 * static_cast<double>(left) / static_cast<double>(left + whole)) < 1e-12);
}

BOOST_AUTO_TEST_CASE(where_neurons_overlap_the_more_confident_counts) {
  const std::vector<axonzoo::found_mask> masks{{1, 1, {{0, 0, 3, 1}}, 0.9}, {0, 1, {{0, 2, 5, 1}}, 0.5}};
  const auto labels = axonzoo::labels_of_masks(masks, {"soma", "dendrite"}, {"background", "soma", "dendrite"}, 1, 6);
  const std::vector<int> expected{2, 2, 2, 1, 1, 0};
  for (std::size_t x = 0; x < 6; ++x) BOOST_TEST(labels(0, x) == expected[x]);
}

BOOST_AUTO_TEST_CASE(jittered_boxes_move_at_most_as_said) {
  axonzoo::random_stream lots(std::random_device{}());
  double widest = 0;
  for (int i = 0; i < 200; ++i) {
    const auto moved = axonzoo::jitter({10, 20, 29, 119}, 0.1, 5, lots);
    widest = std::max(widest, std::abs(moved.top - 20));
    BOOST_TEST((std::abs(moved.left - 10) <= 2 && std::abs(moved.right - 29) <= 2 && std::abs(moved.top - 20) <= 5 && std::abs(moved.bottom - 119) <= 5));
  }
  BOOST_TEST(widest > 3);
}

BOOST_AUTO_TEST_CASE(a_fingerprint_tells_bytes_and_their_bounds_apart) {
  std::mt19937 random(std::random_device{}());
  std::string bytes(1000, '\0');
  for (auto& byte : bytes) byte = static_cast<char>(random());
  const auto of = [](const std::string& text) {
    axonzoo::digest sum;
    sum.add(text);
    return sum.hex();
  };
  std::set<std::string> seen{of(bytes)};
  for (int i = 0; i < 2000; ++i) {
    auto other = bytes;
    other[random() % 1000] ^= static_cast<char>(1 << random() % 8);
    seen.insert(of(other));
  }
  BOOST_TEST(seen.size() > 1700u);  // some of the 8000 flips come twice
  axonzoo::digest one, two;
  one.add("ab"), one.add("c");
  two.add("a"), two.add("bc");
  BOOST_TEST(one.hex() != two.hex());
  BOOST_TEST(of(bytes) == of(bytes));
}

BOOST_AUTO_TEST_SUITE_END()
