#include <cmath>
#include <cstdlib>
#include <regex>
#include <set>

#include <boost/test/unit_test.hpp>

#include <axonzoo/report/plot.hpp>

#include "made_record.hpp"

namespace {

/// Where the markers of a plot stand, in px of the SVG.
std::vector<std::pair<double, double>> markers(const std::string& svg) {
  std::vector<std::pair<double, double>> places;
  const std::regex pattern("gpPt\\d+' transform='translate\\(([0-9.]+),([0-9.]+)\\)");
  for (auto at = std::sregex_iterator(svg.begin(), svg.end(), pattern); at != std::sregex_iterator(); ++at)
    places.emplace_back(std::stod((*at)[1]), std::stod((*at)[2]));
  return places;
}

axonzoo::plot_series points() {
  return {.title = "a <series> & 'more'", .x = {0, 5, 10}, .y = {1, 10, 100}, .notes = {"first \"note\"", "b", "c"}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(report_plot)

BOOST_AUTO_TEST_CASE(points_stand_where_their_numbers_say) {
  axonzoo::plot_axes axes{.x = "x (um)", .y = "y"};
  auto series = points();
  auto at = markers(axonzoo::plot_scatter(axes, {series}));
  BOOST_REQUIRE(at.size() == 3);
  BOOST_TEST(at[1].first - at[0].first == at[2].first - at[1].first, boost::test_tools::tolerance(0.01));
  BOOST_TEST((at[0].second - at[1].second) / (at[0].second - at[2].second) == 9. / 99, boost::test_tools::tolerance(0.02));
  axes.log_y = true;
  at = markers(axonzoo::plot_scatter(axes, {series}));
  BOOST_REQUIRE(at.size() == 3);
  BOOST_TEST(at[0].second - at[1].second == at[1].second - at[2].second, boost::test_tools::tolerance(0.01));
  BOOST_TEST(at[0].second > at[2].second);
}

BOOST_AUTO_TEST_CASE(a_page_can_hold_it) {
  const auto svg = axonzoo::plot_lines({.x = "time", .y = "Dice"}, {points()}), other = axonzoo::plot_lines({}, {points()});
  BOOST_TEST(svg.starts_with("<svg "));
  BOOST_TEST(contains(svg, "var(--series-1, #0072b2)"));
  BOOST_TEST(contains(svg, "a &lt;series&gt; &amp; &#39;more&#39;"));
  BOOST_TEST(contains(svg, "<title>first 'note'</title>"));
  for (const char* unwanted : {"rgb(", "<script", "onmouse", "sans-serif", "<?xml", "color='white'"})
    BOOST_TEST(!contains(svg, unwanted), unwanted);
  std::set<std::string> names;
  const std::regex id("id=['\"]([^'\"]+)");
  for (auto at = std::sregex_iterator(svg.begin(), svg.end(), id); at != std::sregex_iterator(); ++at) names.insert((*at)[1]);
  for (auto at = std::sregex_iterator(other.begin(), other.end(), id); at != std::sregex_iterator(); ++at)
    if ((*at)[1] != "gnuplot_canvas") BOOST_TEST(names.count((*at)[1]) == 0, (*at)[1].str());
}

BOOST_AUTO_TEST_CASE(gaps_and_spreads) {
  auto series = points();
  series.y[1] = std::nan("");
  BOOST_TEST(markers(axonzoo::plot_scatter({}, {series})).size() == 2);
  series.y_spread = {0.5, 0, 5};
  BOOST_CHECK_NO_THROW((void)axonzoo::plot_scatter({}, {series}));
  BOOST_CHECK_NO_THROW((void)axonzoo::plot_lines({}, {{.title = "one point", .x = {1}, .y = {1}}}));
}

BOOST_AUTO_TEST_CASE(text_is_never_a_command) {
  const axonzoo::plot_axes axes{.x = "'; system('touch /tmp/axonzoo-injected'); `id` \\", .y = "$(id)\nEOD"};
  auto series = points();
  series.title = axes.x;
  series.notes[0] = "EOD\n" + axes.x;
  const auto svg = axonzoo::plot_scatter(axes, {series});
  BOOST_TEST(contains(svg, "; system("));
  BOOST_TEST(contains(svg, "`id` \\<"));
  BOOST_TEST(!contains(svg, "uid="));
  BOOST_TEST(!std::filesystem::exists("/tmp/axonzoo-injected"));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_drawn) {
  const auto says = [](const std::string& part) { return [part](const axonzoo::error& e) { return contains(e.what(), part); }; };
  BOOST_CHECK_EXCEPTION((void)axonzoo::plot_lines({}, {}), axonzoo::error, says("no point"));
  BOOST_CHECK_EXCEPTION((void)axonzoo::plot_lines({}, {{.title = "", .x = {std::nan("")}, .y = {1}}}), axonzoo::error,
                        says("no point"));
  BOOST_CHECK_EXCEPTION((void)axonzoo::gnuplot_svg("plot nonsense", 100, 100), axonzoo::error,
                        says("cannot draw a plot with gnuplot"));
  BOOST_CHECK_EXCEPTION((void)axonzoo::gnuplot_colour("pink"), axonzoo::error, says("no colour 'pink'"));
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", "/nowhere", 1);
  BOOST_CHECK_EXCEPTION((void)axonzoo::plot_lines({}, {points()}), axonzoo::error, says("cannot start 'gnuplot'"));
  ::setenv("PATH", path.c_str(), 1);
}

BOOST_AUTO_TEST_SUITE_END()
