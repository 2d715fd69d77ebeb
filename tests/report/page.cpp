#include <boost/test/unit_test.hpp>

#include <axonzoo/report/page.hpp>

#include "made_record.hpp"

BOOST_AUTO_TEST_SUITE(report_page)

BOOST_AUTO_TEST_CASE(one_file_that_needs_no_other) {
  axonzoo::page page("Title & <more>");
  page.lead("a <b>lead</b>");
  page.contents();
  page.section("one", "First <section>");
  page.figure({axonzoo::plot_lines({}, {{.title = "line", .x = {1, 2}, .y = {1, 2}}}), "second panel"}, "caption");
  page.preformatted("a < b");
  const auto text = page.str();
  BOOST_TEST(text.starts_with("<!doctype html>"));
  BOOST_TEST(contains(text, "<title>Title &amp; &lt;more&gt;</title>"));
  BOOST_TEST(contains(text, "<a href=\"#one\">First &lt;section&gt;</a>"));
  BOOST_TEST(contains(text, "<pre>a &lt; b</pre>"));
  BOOST_TEST(contains(text, "prefers-color-scheme:dark"));
  BOOST_TEST(contains(text, "@media print"));
  for (const char* outside : {"src=\"http", "href=\"http", "url(", "@import", "<link", "src=\"//"})
    BOOST_TEST(!contains(text, outside), outside);
  for (const char* tag : {"div", "figure", "svg", "g", "p"})
    BOOST_TEST(count_of(text, std::string("<") + tag + '>') + count_of(text, std::string("<") + tag + ' ') ==
                   count_of(text, std::string("</") + tag + '>'),
               tag);
}

BOOST_AUTO_TEST_CASE(tables_sort_by_numbers) {
  axonzoo::page_table table{
      .columns = {
          {"", "name", "", true}, {"Dice", "axon", "tip", false}, {"Dice", "myelin", "", false}, {"Other", "x", "", false}}};
  table.rows.push_back({.cells = {{.text = "<script>"},
                                  {.text = "0.91", .spread = "+- 0.01", .detail = "-0.02", .sort = 0.9123, .best = true},
                                  {.text = "-"},
                                  {.text = "1", .sort = 1}}});
  table.rows.push_back({.cells = {{.text = "b"}}, .reason = "failed & why"});
  table.caption = "what it <b>says</b>";
  axonzoo::page page("t");
  page.table(table);
  const auto text = page.str();
  BOOST_TEST(!contains(text, "<td class=\"words\" data-sort=\"<script>"));
  BOOST_TEST(contains(text, "&lt;script&gt;</td>"));
  BOOST_TEST(contains(
      text, "<td class=\" best\" data-sort=\"0.9123\">0.91 <span class=\"spread\">+- 0.01</span><small>-0.02</small></td>"));
  BOOST_TEST(contains(text, "<th colspan=\"2\" scope=\"colgroup\"><span>Dice</span></th>"));
  BOOST_TEST(contains(text, "<td class=\"reason\" colspan=\"3\">failed &amp; why</td>"));
  BOOST_TEST(contains(text, "data-column=\"3\""));
  BOOST_TEST(count_of(text, "<tr") - count_of(text, "<tr class=\"groups\">") == 3u);
}

BOOST_AUTO_TEST_SUITE_END()
