#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include <axonzoo/core/error.hpp>
#include <axonzoo/io/image.hpp>
#include <axonzoo/io/npy.hpp>
#include <axonzoo/io/open_file.hpp>
#include <axonzoo/report/export_instances.hpp>
#include <axonzoo/report/morphometric_page.hpp>
#include <axonzoo/report/subject_groups.hpp>

#include "../data/made_folder.hpp"
#include "../measure/drawing.hpp"

namespace {

axonzoo::measured_image field(const std::string& name, const std::string& subject, double inner) {
  auto labels = drawing::blank(120, 200);
  for (int i = 0; i < 6; ++i) {
    drawing::disc(labels, 30 + 60 * (i / 3), 30 + 60 * (i % 3), 20.5, 1);
    drawing::disc(labels, 30 + 60 * (i / 3), 30 + 60 * (i % 3), inner, 2);
  }
  drawing::disc(labels, 60, 185, 5, 2);  // bare
  auto measured = axonzoo::measure_image(labels, {.pixel_size = 0.1});
  measured.name = name;
  measured.subject = subject;
  return measured;
}

bool holds(const std::string& page, const std::string& text) { return page.find(text) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_SUITE(report_morphometric_page)

BOOST_AUTO_TEST_CASE(a_page_says_each_axon_and_what_to_look_at) {
  axonzoo::morphometric_report report;
  report.images = {field("one <1>", "sub-1", 12.5), field("two", "sub-2", 14.5)};
  const axonzoo::image none = axonzoo::image::from_shape({0, 0, 1});
  for (const auto& image : report.images) report.pictures.push_back(axonzoo::draw_g_ratios(image, none, 100));
  BOOST_TEST(report.pictures[0].width == 100u);
  report.groups = {{"sub-1", "control"}, {"sub-2", "injured"}};
  const auto doubtful = axonzoo::doubtful_axons(report.images);
  BOOST_REQUIRE(doubtful.size() == 2u);
  BOOST_TEST(doubtful[0].why == "no myelin");
  const auto page = axonzoo::morphometric_page(report);
  BOOST_TEST(holds(page, "14 axons of 2 images of 2 subjects."));
  BOOST_TEST(holds(page, "<title>axon 0: g-ratio 0.6"));
  BOOST_TEST(holds(page, "one &lt;1&gt;"));
  BOOST_TEST(!holds(page, "one <1>"));
  BOOST_TEST(holds(page, "injured"));
  BOOST_TEST(holds(page, "data:image/jpeg;base64,"));
  BOOST_TEST(holds(page, "data:text/csv;base64,"));
  for (const char* outside : {"http://", "https://"}) {  // nothing but the name of SVG
    auto rest = page;
    for (std::size_t at; (at = rest.find("http://www.w3.org/2000/svg")) != std::string::npos;) rest.erase(at, 26);
    BOOST_TEST(!holds(rest, outside));
  }
}

BOOST_AUTO_TEST_CASE(a_page_of_nothing_is_a_page) {
  axonzoo::morphometric_report report;
  auto labels = drawing::blank(20, 20);
  report.images = {axonzoo::measure_image(labels, {.pixel_size = 1})};
  BOOST_TEST(holds(axonzoo::morphometric_page(report), "no axon"));
}

BOOST_AUTO_TEST_CASE(colours_fibres_by_their_g_ratio) {
  BOOST_TEST(axonzoo::g_ratio_colour(0.2)[2] == 84);
  BOOST_TEST(axonzoo::g_ratio_colour(0.9)[0] == 253);
  BOOST_TEST(axonzoo::g_ratio_colour(std::nan(""))[0] == 214);
  BOOST_TEST(axonzoo::g_ratio_colour(0.65)[1] == 145);
}

BOOST_AUTO_TEST_CASE(groups_come_from_participants) {
  const made_folder folder;
  const auto groups = axonzoo::read_subject_groups(
      folder.text("participants.tsv", "participant_id\tage\tgroup\r\nsub-1\t3\tcontrol\r\nsub-2\t4\tcase\r\n"));
  BOOST_TEST(groups.at("sub-2") == "case");
  BOOST_CHECK_THROW(axonzoo::read_subject_groups(folder.text("a.csv", "name,age\nx,3\n")), axonzoo::error);
}

BOOST_AUTO_TEST_CASE(outlines_run_along_pixels) {
  const auto corners = axonzoo::outline_of(axonzoo::runs_of(drawing::instances_of({"......", ".11...", "...1..", "...11."})));
  const std::vector<axonzoo::outline_corner> expected = {{1, 1}, {3, 1}, {3, 2}, {4, 2}, {4, 3},
                                                         {5, 3}, {5, 4}, {3, 4}, {3, 2}, {1, 2}};
  BOOST_TEST((corners == expected));
  double twice_area = 0;  // shoelace
  for (std::size_t i = 0; i < corners.size(); ++i) {
    const auto &a = corners[i], &b = corners[(i + 1) % corners.size()];
    twice_area += static_cast<double>(a.x) * b.y - static_cast<double>(b.x) * a.y;
  }
  BOOST_TEST(twice_area == 2 * 5);
}

BOOST_AUTO_TEST_CASE(exports_hold_the_instances) {
  const made_folder folder;
  const auto measured = field("a", "a", 12.5);
  for (const auto& format : axonzoo::export_formats())
    for (const auto& path : axonzoo::export_instances(folder.path(), measured, format))
      BOOST_TEST(std::filesystem::file_size(path) > 0u);
  const auto axons = axonzoo::paint(measured.measures.axons, 120, 200);
  BOOST_TEST((axonzoo::read_npy<std::int32_t>(folder.path() / "a_axons.npy") == axons));
  const auto read = axonzoo::read_image(folder.path() / "a_axons.tif");
  std::size_t other = 0;
  for (std::size_t i = 0; i < axons.size(); ++i) other += read.data()[i] != static_cast<float>(axons.data()[i]);
  BOOST_TEST(other == 0u);

  const auto coco = nlohmann::json::parse(axonzoo::read_file(folder.path() / "a_coco.json", "test"));
  axonzoo::instance_image drawn = axonzoo::instance_image::from_shape({120, 200});
  drawn.fill(0);
  for (const auto& one : coco["annotations"]) {
    if (one["category_id"] != 1) continue;
    std::size_t at = 0;
    bool on = false;
    for (const std::size_t count : one["segmentation"]["counts"]) {
      for (std::size_t i = 0; i < count && on; ++i) drawn((at + i) % 120, (at + i) / 120) = one["instance"];
      at += count;
      on = !on;
    }
    BOOST_TEST(at == 120u * 200);
  }
  BOOST_TEST((drawn == axons));
  const auto qupath = nlohmann::json::parse(axonzoo::read_file(folder.path() / "a.geojson", "test"));
  BOOST_TEST(qupath["features"].size() == 14u);
  BOOST_TEST(qupath["features"][0]["properties"]["measurements"]["gratio"].get<double>() == measured.measures.table[0].g_ratio);
  BOOST_CHECK_THROW(axonzoo::export_instances(folder.path(), measured, "docx"), axonzoo::error);
}

BOOST_AUTO_TEST_CASE(ticks_are_round) {
  BOOST_TEST(axonzoo::round_ticks(0, 1, 5).size() == 6u);
  BOOST_TEST(axonzoo::round_ticks(0, 1, 5)[3] == 0.6, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(axonzoo::round_ticks(7, 52, 5)[0] == 10);
  BOOST_TEST(axonzoo::short_number(0.12345) == "0.123");
  BOOST_TEST(axonzoo::short_number(123456.7) == "123457");
}

BOOST_AUTO_TEST_SUITE_END()
