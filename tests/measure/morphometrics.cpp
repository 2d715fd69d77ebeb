#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <random>
#include <utility>
#include <vector>

#include <boost/test/unit_test.hpp>

#include <axonzoo/core/error.hpp>
#include <axonzoo/data/phantom.hpp>
#include <axonzoo/measure/measured_image.hpp>

#include "drawing.hpp"

namespace {

struct point {
  long y, x;
};

long cross(point a, point b, point c) { return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x); }

/// By definition: the hull of the middles of all pixels' sides, wrapped corner by corner, and each pixel against each side of it.
long convex_area_by_wrapping(const axonzoo::instance_image& image, std::int32_t instance) {
  std::vector<point> points;  // half pixels
  for (long y = 0; y < static_cast<long>(image.shape(0)); ++y)
    for (long x = 0; x < static_cast<long>(image.shape(1)); ++x)
      if (image(y, x) == instance)
        for (const point step : {point{-1, 0}, point{1, 0}, point{0, -1}, point{0, 1}})
          points.push_back({2 * y + step.y, 2 * x + step.x});
  const auto first =
      *std::min_element(points.begin(), points.end(), [](point a, point b) { return a.y != b.y ? a.y < b.y : a.x < b.x; });
  std::vector<point> hull;
  for (point at = first; hull.empty() || at.y != first.y || at.x != first.x;) {
    hull.push_back(at);
    point next = points.front().y == at.y && points.front().x == at.x ? points.back() : points.front();
    for (const point p : points) {
      const long side = cross(at, next, p);
      const auto far = [&](point q) { return (q.y - at.y) * (q.y - at.y) + (q.x - at.x) * (q.x - at.x); };
      if (side < 0 || (side == 0 && far(p) > far(next))) next = p;
    }
    at = next;
  }
  long area = 0;
  for (long y = 0; y < static_cast<long>(image.shape(0)); ++y) {
    for (long x = 0; x < static_cast<long>(image.shape(1)); ++x) {
      bool inside = true;
      for (std::size_t i = 0; i < hull.size(); ++i) inside &= cross(hull[i], hull[(i + 1) % hull.size()], {2 * y, 2 * x}) >= 0;
      area += inside;
    }
  }
  return area;
}

double perimeter_by_definition(const axonzoo::instance_image& image, std::int32_t instance) {
  const long height = static_cast<long>(image.shape(0)), width = static_cast<long>(image.shape(1));
  const auto own = [&](long y, long x) { return y >= 0 && x >= 0 && y < height && x < width && image(y, x) == instance; };
  const auto border = [&](long y, long x) {
    return own(y, x) && !(own(y - 1, x) && own(y + 1, x) && own(y, x - 1) && own(y, x + 1));
  };
  double perimeter = 0;
  for (long y = 0; y < height; ++y) {
    for (long x = 0; x < width; ++x) {
      if (!border(y, x)) continue;
      const int sides = border(y - 1, x) + border(y + 1, x) + border(y, x - 1) + border(y, x + 1);
      const int corners = border(y - 1, x - 1) + border(y - 1, x + 1) + border(y + 1, x - 1) + border(y + 1, x + 1);
      if ((sides == 2 || sides == 3) && corners < 3) perimeter += 1;
      if ((sides == 0 && corners == 2) || (sides == 1 && corners == 3)) perimeter += std::numbers::sqrt2;
      if (sides == 1 && (corners == 1 || corners == 2)) perimeter += (1 + std::numbers::sqrt2) / 2;
    }
  }
  return perimeter;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(measure_morphometrics)

BOOST_AUTO_TEST_CASE(a_rectangle_has_closed_forms) {
  auto labels = drawing::blank(40, 50);
  drawing::rectangle(labels, 3, 7, 21, 9, 2);
  const auto one = axonzoo::measure_regions(axonzoo::component_runs(labels, 2)).at(0);
  BOOST_TEST(one.pixels == 21 * 9);
  BOOST_TEST(one.row == 13);
  BOOST_TEST(one.column == 11);
  BOOST_TEST(one.perimeter == 2 * (21 + 9) - 4);
  BOOST_TEST(one.major_axis == 4 * std::sqrt((21 * 21 - 1) / 12.), boost::test_tools::tolerance(1e-14));
  BOOST_TEST(one.minor_axis == 4 * std::sqrt((9 * 9 - 1) / 12.), boost::test_tools::tolerance(1e-14));
  BOOST_TEST(one.eccentricity == std::sqrt(1 - 80. / 440), boost::test_tools::tolerance(1e-14));
  BOOST_TEST(one.orientation == 0);
  BOOST_TEST(one.solidity == 1);
  BOOST_TEST(one.top == 3);
  BOOST_TEST(one.right == 16);
}

BOOST_AUTO_TEST_CASE(one_pixel_and_a_slanted_line) {
  const auto runs = axonzoo::runs_of(drawing::instances_of({"1..2", "..2.", ".2.."}));
  const auto found = axonzoo::measure_regions(runs);
  BOOST_TEST(found[0].perimeter == 0);
  BOOST_TEST(found[0].minor_axis == 0);
  BOOST_TEST(found[0].eccentricity == 0);
  BOOST_TEST(found[0].solidity == 1);
  BOOST_TEST(found[1].orientation == -std::numbers::pi / 4, boost::test_tools::tolerance(1e-14));
  BOOST_TEST(found[1].eccentricity == 1, boost::test_tools::tolerance(1e-14));
}

BOOST_AUTO_TEST_CASE(perimeter_and_solidity_are_those_of_the_definition) {
  const unsigned first = std::random_device{}();
  for (unsigned seed = first; seed < first + 8; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      const auto labels = drawing::random_tissue(24, 20 + seed % 20, seed);
      const auto axons = axonzoo::component_runs(labels, 2);
      for (const auto& runs : {axons, axonzoo::fibre_runs(labels, axons, 2, 1)}) {
        const auto image = axonzoo::paint(runs, labels.shape(0), labels.shape(1));
        const auto found = axonzoo::measure_regions(runs);
        for (std::size_t i = 0; i < found.size(); ++i) {
          if (found[i].pixels == 0) continue;
          const auto instance = static_cast<std::int32_t>(i + 1);
          BOOST_TEST(found[i].perimeter == perimeter_by_definition(image, instance), boost::test_tools::tolerance(1e-13));
          BOOST_TEST(found[i].solidity * static_cast<double>(convex_area_by_wrapping(image, instance)) ==
                         static_cast<double>(found[i].pixels),
                     boost::test_tools::tolerance(1e-13));
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(parts_that_are_joined_are_the_whole) {
  const auto labels = drawing::random_tissue(30, 40, 5);
  axonzoo::region_sums whole, parts[3];
  for (const auto& run : axonzoo::component_runs(labels, 2)) {
    whole.add(run, true);
    parts[run.row % 3 == 0 ? 2 : run.begin % 2].add(run, true);
  }
  parts[0].join(parts[1]);
  parts[2].join(parts[0]);
  const auto one = whole.finish(), other = parts[2].finish();
  BOOST_TEST(one.orientation == other.orientation);
  BOOST_TEST(one.minor_axis == other.minor_axis);
  BOOST_TEST(one.solidity == other.solidity);
  BOOST_TEST(one.top == other.top);
  BOOST_TEST(one.bottom == other.bottom);
}

BOOST_AUTO_TEST_CASE(a_round_fibre_is_measured_in_um) {
  auto labels = drawing::blank(120, 120);
  drawing::disc(labels, 60, 60, 50.5, 1);
  drawing::disc(labels, 60, 60, 30.5, 2);
  for (const auto shape : {axonzoo::axon_shape::circle, axonzoo::axon_shape::ellipse}) {
    const auto found = axonzoo::measure_axons(labels, 2, 1, {.pixel_size = 0.1, .shape = shape});
    BOOST_REQUIRE(found.table.size() == 1);
    const auto& one = found.table[0];
    BOOST_TEST(one.x == 60);
    BOOST_TEST(one.g_ratio == 30.5 / 50.5, boost::test_tools::tolerance(2e-3));
    BOOST_TEST(one.axon_diameter == 6.1, boost::test_tools::tolerance(5e-3));
    BOOST_TEST(one.myelin_thickness == 2., boost::test_tools::tolerance(1e-2));
    BOOST_TEST(one.fibre_area == std::numbers::pi * 5.05 * 5.05, boost::test_tools::tolerance(5e-3));
    BOOST_TEST(one.myelin_area + one.axon_area == one.fibre_area, boost::test_tools::tolerance(1e-12));
    BOOST_TEST(!one.touches_border);
  }
}

BOOST_AUTO_TEST_CASE(g_ratios_of_a_phantom_are_near_the_truth) {
  axonzoo::phantom_options options;
  options.height = options.width = 700;
  const auto made = axonzoo::make_phantom(options, 7);
  const auto found = axonzoo::measure_axons(made.labels, 2, 1, {.pixel_size = made.pixel_size});
  double error = 0, signed_error = 0;
  int axons = 0;
  for (const auto& one : found.table) {
    const auto number = made.axons(static_cast<std::size_t>(one.y), static_cast<std::size_t>(one.x));
    if (number == 0 || one.touches_border) continue;
    const double difference = one.g_ratio - made.table[static_cast<std::size_t>(number) - 1].g_ratio;
    error += std::abs(difference);
    signed_error += difference;
    ++axons;
  }
  BOOST_TEST(axons > 300);
  BOOST_TEST_MESSAGE("mean error " << error / axons << ", bias " << signed_error / axons << " of " << axons);
  BOOST_TEST(error / axons < 0.01);
  BOOST_TEST(std::abs(signed_error / axons) < 0.005);
}

BOOST_AUTO_TEST_CASE(axons_without_myelin_or_fibre_are_said_so) {
  const auto labels = drawing::labels_of({"AA....AAAAA", "AA....A...A", "......AAAAA"});
  const auto found = axonzoo::measure_axons(labels, 2, 1, {.pixel_size = 1});
  BOOST_REQUIRE(found.table.size() == 2);
  BOOST_TEST(found.table[0].g_ratio == 1);
  BOOST_TEST(found.table[0].myelin_area == 0);
  BOOST_TEST(!found.table[1].has_fibre);
  BOOST_TEST(std::isnan(found.table[1].g_ratio));
  BOOST_TEST(axonzoo::measure_axons(labels, 2, 1, {.pixel_size = 1, .keep_border = false}).table.empty());
  BOOST_CHECK_THROW(axonzoo::measure_axons(labels, 2, 1, {.pixel_size = 0}), axonzoo::error);
  BOOST_CHECK_THROW(axonzoo::measure_axons(labels, 2, 1, {.pixel_size = std::nan("")}), axonzoo::error);
}

BOOST_AUTO_TEST_CASE(an_image_of_one_axon_and_one_of_none) {
  const auto whole = axonzoo::measure_axons(drawing::blank(30, 20, 2), 2, 1, {.pixel_size = 0.5});
  BOOST_REQUIRE(whole.table.size() == 1);
  BOOST_TEST(whole.table[0].axon_area == 150);
  BOOST_TEST(whole.table[0].touches_border);
  BOOST_TEST(whole.table[0].solidity == 1);
  BOOST_TEST(axonzoo::measure_axons(drawing::blank(30, 20), 2, 1, {.pixel_size = 0.5}).table.empty());
}

BOOST_AUTO_TEST_CASE(more_axons_than_16_bits_count) {
  auto labels = drawing::blank(600, 600);
  for (std::size_t y = 0; y < 600; y += 2)
    for (std::size_t x = 0; x < 600; x += 2) labels(y, x) = 2;
  const auto found = axonzoo::measure_axons(labels, 2, 1, {.pixel_size = 1});
  BOOST_TEST(found.table.size() == 90000u);
  BOOST_TEST(found.table.back().number == 90000);
}

BOOST_AUTO_TEST_CASE(holes_become_myelin_unless_they_reach_the_border) {
  auto labels = drawing::labels_of({"ooooo.", "oA.oo.", "oAoo.o", "ooo.oo", "oooooo"});
  BOOST_TEST(axonzoo::fill_holes(labels, 0, 1) == 3u);  // the one at (2, 4) meets the outside at a corner only
  BOOST_TEST((labels == drawing::labels_of({"ooooo.", "oAooo.", "oAoooo", "oooooo", "oooooo"})));
}

BOOST_AUTO_TEST_CASE(a_nerve_keeps_what_lies_in_it) {
  auto labels = drawing::labels_of({"oA.oA.", "......", ".oAo.A"});
  const auto nerve = drawing::labels_of({"AA....", "......", "AAAAAA"});
  const auto measured = axonzoo::measure_image(labels, {.pixel_size = 2}, false, nerve);
  BOOST_REQUIRE(measured.fascicles.size() == 2);
  BOOST_TEST(measured.fascicles[0].area == 2 * 4);
  BOOST_TEST(measured.fascicles[1].axons == 2u);
  BOOST_TEST((measured.in_fascicle == std::vector<std::size_t>{0, 1, 1}));
  BOOST_TEST(measured.aggregates.density == 3 / (8 * 4e-6), boost::test_tools::tolerance(1e-12));
  BOOST_TEST(measured.aggregates.axon_volume_fraction == 3 / 8.);
  BOOST_CHECK_THROW(axonzoo::measure_image(labels, {.pixel_size = 2}, false, drawing::blank(3, 7, 1)), axonzoo::error);
  BOOST_CHECK_THROW(axonzoo::measure_image(labels, {.pixel_size = 2}, false, drawing::blank(3, 6)), axonzoo::error);
}

// A thick and a thin sheath that touch: the watershed splits what is between them in halves.
BOOST_AUTO_TEST_CASE(sheaths_are_as_thick_where_they_touch_as_elsewhere) {
  auto labels = drawing::blank(60, 90);
  for (const auto& [column, radius] : {std::pair(30, 22.), std::pair(64, 14.)}) drawing::disc(labels, 30, column, radius, 1);
  for (const int column : {30, 64}) drawing::disc(labels, 30, column, 10, 2);
  const auto by_seed = axonzoo::measure_axons(labels, 2, 1, {.pixel_size = 0.1}).table;
  const auto by_shape = axonzoo::measure_axons(labels, 2, 1, {.pixel_size = 0.1, .split = axonzoo::sheath_splitting::thickness}).table;
  BOOST_REQUIRE(by_shape.size() == 2u);
  BOOST_TEST(std::abs(by_shape[0].g_ratio - 10 / 22.) < 0.015);
  BOOST_TEST(std::abs(by_shape[1].g_ratio - 10 / 14.) < 0.025);
  for (const std::size_t i : {0, 1}) BOOST_TEST(std::abs(by_shape[i].g_ratio - 10 / (i == 0 ? 22. : 14.)) < std::abs(by_seed[i].g_ratio - 10 / (i == 0 ? 22. : 14.)));
}

BOOST_AUTO_TEST_CASE(a_phantoms_touching_sheaths_are_split_better_by_thickness) {
  axonzoo::phantom_options options;
  options.height = options.width = 400;
  const auto phantom = axonzoo::make_phantom(options, std::random_device{}());
  const auto wrong = [&](axonzoo::sheath_splitting split) {
    const auto found = axonzoo::measure_axons(phantom.labels, 2, 1, {.pixel_size = options.pixel_size, .split = split});
    std::vector<std::int32_t> truth(found.table.size() + 1);
    for (const auto& run : found.axons) truth[static_cast<std::size_t>(run.instance)] = phantom.axons(run.row, run.begin);
    std::size_t pixels = 0;
    for (const auto& run : found.fibres)
      for (auto x = run.begin; x < run.end; ++x) pixels += phantom.labels(run.row, x) == 1 && phantom.fibres(run.row, x) != truth[static_cast<std::size_t>(run.instance)];
    return pixels;
  };
  const auto by_seed = wrong(axonzoo::sheath_splitting::seed), by_shape = wrong(axonzoo::sheath_splitting::thickness);
  BOOST_TEST_MESSAGE(by_seed << " pixels of myelin with the wrong axon by seed, " << by_shape << " by thickness");
  BOOST_TEST(by_shape < by_seed);
}

BOOST_AUTO_TEST_CASE(statistics_of_bins) {
  std::vector<axonzoo::measured_axon> axons(4);
  axons[0].axon_diameter = 0.5;
  axons[1].axon_diameter = 0.9;
  axons[2].axon_diameter = 1.75;
  axons[3].axon_diameter = 0.6;
  for (auto& axon : axons) axon.g_ratio = 0.6;
  axons[3].g_ratio = 1;  // left out, as AxonDeepSeg does
  const auto bins = axonzoo::bin_by_diameter(axons);
  BOOST_REQUIRE(bins.size() == 5);
  BOOST_TEST(bins[0].diameter.count == 2u);
  BOOST_TEST(bins[0].diameter.mean == 0.7, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(bins[0].diameter.deviation == 0.2 * std::numbers::sqrt2, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(bins[0].diameter.median == 0.7, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(bins[4].diameter.count == 1u);
  BOOST_TEST(std::isnan(bins[4].diameter.deviation));
  BOOST_TEST(std::isnan(bins[1].g_ratio.mean));
}

BOOST_AUTO_TEST_SUITE_END()
