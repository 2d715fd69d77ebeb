#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include <boost/test/unit_test.hpp>

#include <axonzoo/measure/distance.hpp>
#include <axonzoo/measure/watershed.hpp>

#include "drawing.hpp"

namespace {

/// The algorithm in one plain loop: a binary heap of (value, age) with every pixel in it.
axonzoo::instance_image plain_watershed(const xt::xtensor<std::int32_t, 2>& height, std::vector<axonzoo::seed> seeds,
                                        const axonzoo::label_image& inside, bool raster) {
  struct item {
    long value, age;
    std::size_t y, x;
  };
  const auto smaller = [](const item& a, const item& b) { return std::pair(a.value, a.age) < std::pair(b.value, b.age); };
  std::vector<item> heap;
  const auto push = [&](item next) {
    heap.push_back(next);
    for (std::size_t child = heap.size() - 1; child > 0 && smaller(heap[child], heap[(child - 1) / 2]); child = (child - 1) / 2) {
      std::swap(heap[child], heap[(child - 1) / 2]);
    }
  };
  const auto pop = [&] {
    const item top = heap.front();
    std::swap(heap.front(), heap.back());
    heap.pop_back();
    for (std::size_t i = 0;;) {
      std::size_t smallest = i;
      for (const std::size_t child : {2 * i + 1, 2 * i + 2}) {
        if (child < heap.size() && smaller(heap[child], heap[smallest])) smallest = child;
      }
      if (smallest == i) return top;
      std::swap(heap[i], heap[smallest]);
      i = smallest;
    }
  };

  axonzoo::instance_image labels = axonzoo::instance_image::from_shape(inside.shape());
  labels.fill(0);
  for (const auto& s : seeds) {
    if (inside(s.row, s.column) != 0) labels(s.row, s.column) = s.label;
  }
  long age = 0;
  for (std::size_t y = 0; y < labels.shape(0); ++y) {
    for (std::size_t x = 0; x < labels.shape(1); ++x) {
      if (labels(y, x) != 0) push({-long{height(y, x)}, raster ? ++age : 0, y, x});
    }
  }
  while (!heap.empty()) {
    const item here = pop();
    for (const auto& [dy, dx] : {std::pair(-1, 0), std::pair(0, -1), std::pair(0, 1), std::pair(1, 0)}) {
      const std::size_t y = here.y + dy, x = here.x + dx;  // -1 wraps to more than any size
      if (y >= labels.shape(0) || x >= labels.shape(1) || inside(y, x) == 0 || labels(y, x) != 0) continue;
      labels(y, x) = labels(here.y, here.x);
      push({std::max(-long{height(y, x)}, here.value), ++age, y, x});
    }
  }
  return labels;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(measure_watershed)

BOOST_AUTO_TEST_CASE(equal_to_the_plain_algorithm_on_random_heights) {
  const unsigned first = std::random_device{}();
  for (unsigned seed = first; seed < first + 300; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      std::mt19937 random(seed);
      const std::size_t rows = 1 + random() % 60, columns = 1 + random() % 60;
      const unsigned heights = seed % 2 == 0 ? 4 : 2000000;  // many ties; and heights beyond the queues
      xt::xtensor<std::int32_t, 2> height = xt::xtensor<std::int32_t, 2>::from_shape({rows, columns});
      for (auto& h : height) h = static_cast<std::int32_t>(random() % heights);
      auto inside = drawing::blank(rows, columns);
      for (auto& keep : inside) keep = random() % 4 != 0;
      std::vector<axonzoo::seed> seeds;
      for (std::int32_t i = 1; i <= 12; ++i) {
        seeds.push_back({static_cast<std::int32_t>(random() % rows), static_cast<std::int32_t>(random() % columns), i});
      }
      for (const auto order : {axonzoo::seed_order::scikit_image, axonzoo::seed_order::raster}) {
        BOOST_TEST((axonzoo::watershed(height, seeds, inside, order) ==
                    plain_watershed(height, seeds, inside, order == axonzoo::seed_order::raster)));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(two_basins_meet_on_the_ridge) {
  xt::xtensor<std::int32_t, 2> height = {{3, 4, 3, 0, 3, 4, 3}};
  const auto labels = axonzoo::watershed(height, {{0, 1, 1}, {0, 5, 2}}, drawing::blank(1, 7, 1));
  BOOST_TEST((labels == drawing::instances_of({"1111222"})));  // the ridge goes to the first to reach it
}

BOOST_AUTO_TEST_CASE(what_no_seed_reaches_stays_background) {
  xt::xtensor<std::int32_t, 2> height = {{1, 1, 1, 1, 1}};
  auto inside = drawing::blank(1, 5, 1);
  inside(0, 2) = 0;
  BOOST_TEST((axonzoo::watershed(height, {{0, 0, 7}, {0, 2, 8}}, inside) == drawing::instances_of({"77..."})));
}

BOOST_AUTO_TEST_SUITE_END()
