#include <cmath>
#include <regex>

#include <boost/test/unit_test.hpp>

#include <axonzoo/report/plot_bars.hpp>

#include "made_record.hpp"

namespace {

struct box {
  double left, right, opacity;
};

/// The filled rectangles of a plot, in its order.
std::vector<box> boxes(const std::string& svg) {
  std::vector<box> found;
  const std::regex pattern("<polygon ([^/]*)points *= *'([0-9.]+),[0-9.]+ ([0-9.]+),"), shade("fill-opacity='([0-9.]+)'");
  for (auto at = std::sregex_iterator(svg.begin(), svg.end(), pattern); at != std::sregex_iterator(); ++at) {
    const std::string attributes = (*at)[1];
    std::smatch opacity;
    found.push_back(
        {std::stod((*at)[2]), std::stod((*at)[3]), std::regex_search(attributes, opacity, shade) ? std::stod(opacity[1]) : 1});
  }
  return found;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(report_plot_bars)

BOOST_AUTO_TEST_CASE(lengths_follow_the_values) {
  const auto bars = boxes(axonzoo::plot_bars(
      {.x = "%"}, {"a", "b"}, {{.title = "p", .values = {10, 40}, .spread = {1, 2}, .labels = {"ten", "forty"}}}, false));
  BOOST_REQUIRE(bars.size() == 2);
  BOOST_TEST((bars[1].right - bars[1].left) / (bars[0].right - bars[0].left) == 4, boost::test_tools::tolerance(0.02));
}

BOOST_AUTO_TEST_CASE(stacked_bars_follow_one_another) {
  const auto bars = boxes(axonzoo::plot_bars(
      {.x = "s"}, {"a"},
      {{.title = "p", .values = {10}}, {.title = "q", .values = {std::nan("")}}, {.title = "r", .values = {30}, .opacity = 0.5}},
      true));
  BOOST_REQUIRE(bars.size() >= 2);
  BOOST_TEST(bars.front().right == bars.back().left, boost::test_tools::tolerance(0.01));
  BOOST_TEST((bars.back().right - bars.back().left) / (bars.front().right - bars.front().left) == 3,
             boost::test_tools::tolerance(0.02));
  BOOST_TEST(bars.back().opacity == 0.5, boost::test_tools::tolerance(0.05));
}

BOOST_AUTO_TEST_CASE(heat_follows_the_values) {
  const auto svg = axonzoo::plot_heat_map({}, {"r1", "r2"}, {"c1\nbelow", "c2"}, {{0.5, 0.7}, {0.9, std::nan("")}}, 0.5, 0.9);
  const auto fields = boxes(svg);
  BOOST_REQUIRE(fields.size() == 3);
  BOOST_TEST(fields[0].opacity < fields[1].opacity);
  BOOST_TEST(fields[1].opacity < fields[2].opacity);
  for (const char* text : {">0.50<", ">0.70<", ">0.90<", ">r1<", ">below<"}) BOOST_TEST(contains(svg, text), text);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_drawn) {
  BOOST_CHECK_THROW((void)axonzoo::plot_bars({}, {}, {}, true), axonzoo::error);
  BOOST_CHECK_THROW((void)axonzoo::plot_heat_map({}, {"a", "b"}, {"c"}, {{1}}, 0, 1), axonzoo::error);
}

BOOST_AUTO_TEST_SUITE_END()
