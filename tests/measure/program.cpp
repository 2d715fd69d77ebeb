// axonzoo-morphometrics as its user meets it: exit status, sentences, tables.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>
#include <sys/wait.h>

#include <axonzoo/io/open_file.hpp>
#include <axonzoo/io/table.hpp>
#include <axonzoo/io/tiled_tiff.hpp>

#include "../data/made_folder.hpp"

namespace {

/// The program stands beside the tests; a build of tests alone has none.
std::filesystem::path program() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "axonzoo-morphometrics";
}

bool missing() {
  if (std::filesystem::exists(program())) return false;
  BOOST_TEST_MESSAGE("skipped: axonzoo-morphometrics is not built");
  return true;
}

struct outcome {
  int status;
  std::string err;
};

/// In the folder, so that names in sentences are short.
outcome run(const made_folder& folder, const std::string& arguments) {
  const auto err = folder.at("stderr");
  const int status = std::system(
      ("cd '" + folder.path().string() + "' && '" + program().string() + "' " + arguments + " >stdout 2>stderr").c_str());
  std::ifstream file(err, std::ios::binary);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, std::string(std::istreambuf_iterator<char>(file), {})};
}

/// Whether a line begins with `who` and says the rest.
bool has_line(const std::string& text, const std::string& who, const std::vector<std::string>& parts) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(who + ": ")) return says(line, parts);
  return false;
}

bool fails(const made_folder& folder, const std::string& arguments, const std::vector<std::string>& parts, int status = 1) {
  const auto ended = run(folder, arguments);
  BOOST_TEST(ended.status == status);
  return has_line(ended.err, "axonzoo-morphometrics", parts);
}

/// A square axon of `axon` px with myelin to `fibre` px around it, in 40 x 40 px.
auto square(int axon, int fibre) {
  return [=](std::size_t y, std::size_t x) {
    const auto within = [&](int side) {
      const auto from = static_cast<std::size_t>(20 - side / 2), to = from + static_cast<std::size_t>(side);
      return y >= from && y < to && x >= from && x < to;
    };
    return within(axon) ? 255 : within(fibre) ? 127 : 0;
  };
}

}  // namespace

BOOST_AUTO_TEST_SUITE(measure_program)

BOOST_AUTO_TEST_CASE(one_mask_gives_axondeepseg_s_columns) {
  if (missing()) return;
  const made_folder folder;
  folder.png("a.png", 40, 40, square(10, 20));
  BOOST_REQUIRE(run(folder, "--masks a.png --pixel-size 0.5 --out t.csv").status == 0);
  const auto table = axonzoo::read_csv(folder.path() / "t.csv");
  const std::vector<std::string> columns = {"x0 (px)",
                                            "y0 (px)",
                                            "gratio",
                                            "axon_area (um^2)",
                                            "axon_perimeter (um)",
                                            "myelin_area (um^2)",
                                            "axon_diam (um)",
                                            "myelin_thickness (um)",
                                            "axonmyelin_area (um^2)",
                                            "axonmyelin_perimeter (um)",
                                            "eccentricity",
                                            "orientation",
                                            "fiber_eccentricity",
                                            "fiber_orientation",
                                            "solidity",
                                            "image_border_touching",
                                            "bbox_min_y",
                                            "bbox_min_x",
                                            "bbox_max_y",
                                            "bbox_max_x"};
  BOOST_TEST(table.columns() == columns, boost::test_tools::per_element());
  BOOST_REQUIRE(table.size() == 1u);
  BOOST_TEST(table.number(0, "gratio") == 0.5, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(table.number(0, "axon_area (um^2)") == 25);
  BOOST_TEST(table.number(0, "axon_perimeter (um)") == 18);
  BOOST_TEST(table.text(0, "image_border_touching") == "False");
  BOOST_TEST(table.number(0, "bbox_max_x") == 30);
  const auto images = axonzoo::read_csv(folder.path() / "t_images.csv");
  BOOST_TEST(images.number(0, "axon_density_mm2") == 1 / (400e-6), boost::test_tools::tolerance(1e-12));
  BOOST_TEST(images.number(0, "gratio_aggr") == 0.5, boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(a_set_in_all_forms_of_masks_and_tables) {
  if (missing()) return;
  const made_folder folder;
  folder.text("d/dataset_description.json", "{}");
  folder.text("d/SEM.json", "{\"PixelSize\": [0.2, 0.2]}");
  folder.png("d/sub-1/micr/sub-1_SEM.png", 40, 40, 50);
  const std::string labels = "d/derivatives/labels/sub-1/micr/sub-1_SEM_seg-";
  folder.png(labels + "axon-manual.png", 40, 40,
             [](std::size_t y, std::size_t x) { return square(10, 20)(y, x) == 255 ? 255 : 0; });
  folder.png(labels + "myelin-manual.png", 40, 40,
             [](std::size_t y, std::size_t x) { return square(10, 20)(y, x) == 127 ? 255 : 0; });
  folder.png("sub-2_seg-axonmyelin.png", 40, 40, square(6, 12));
  folder.text("pixel_size_in_micrometer.txt", "0.1");
  BOOST_REQUIRE(run(folder, labels + "axon-manual.png sub-2_seg-axonmyelin.png --out t.csv").status == 0);
  const auto table = axonzoo::read_csv(folder.path() / "t.csv");
  BOOST_REQUIRE(table.size() == 2u);
  BOOST_TEST(table.text(0, "image") == "sub-1_SEM");
  BOOST_TEST(table.text(1, "subject") == "sub-2");
  BOOST_TEST(table.number(0, "axon_area (um^2)") == 4, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(table.number(1, "axon_area (um^2)") == 0.36, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(axonzoo::read_csv(folder.path() / "t_subjects.csv").size() == 10u);
  BOOST_TEST(
      run(folder, "--axon " + labels + "axon-manual.png --myelin " + labels + "myelin-manual.png --out t.json --pixel-size 1")
          .status == 0);
  BOOST_TEST(axonzoo::read_file(folder.path() / "t.json", "test").find("\"gratio\": [\n   0.5\n  ]") != std::string::npos);
  BOOST_TEST(run(folder, "d --out t.xlsx").status == 0);
  BOOST_TEST(axonzoo::read_file(folder.path() / "t.xlsx", "test").find("<t>axon_diam (um)</t>") != std::string::npos);
  BOOST_TEST(run(folder, "--unmyelinated " + labels + "axon-manual.png --out u.csv").status == 0);
  BOOST_TEST(axonzoo::read_csv(folder.path() / "u.csv").columns().size() == 13u);
}

BOOST_AUTO_TEST_CASE(bands_of_a_tiled_tiff_give_the_same_table) {
  if (missing()) return;
  const made_folder folder;
  folder.png("m.png", 40, 40, square(10, 20));
  axonzoo::label_image levels = axonzoo::label_image::from_shape({40, 40});
  for (std::size_t y = 0; y < 40; ++y)
    for (std::size_t x = 0; x < 40; ++x) levels(y, x) = static_cast<std::uint8_t>(square(10, 20)(y, x));
  axonzoo::tiled_tiff_writer writer(folder.path() / "m.tif", 40, 40);
  writer.add(levels);
  writer.finish();
  BOOST_REQUIRE(run(folder, "m.png --pixel-size 0.5 --out a.csv").status == 0);
  BOOST_REQUIRE(run(folder, "m.tif --pixel-size 0.5 --band 7 --threads 2 --out b.csv").status == 0);
  BOOST_TEST(axonzoo::read_file(folder.path() / "a.csv", "test") == axonzoo::read_file(folder.path() / "b.csv", "test"));
  BOOST_TEST(fails(folder, "m.tif --pixel-size 0.5 --band 7 --holes fill --out b.csv", {"--band", "leave --band out"}));
}

BOOST_AUTO_TEST_CASE(bad_input_is_one_sentence_and_what_was_done_stays) {
  if (missing()) return;
  const made_folder folder;
  folder.text("t.csv", "kept");
  folder.png("a.png", 40, 40, square(10, 20));
  folder.png("grey.png", 40, 40, [](std::size_t y, std::size_t x) { return static_cast<int>(3 * y + x); });
  folder.png("s_seg-axon.png", 40, 40, 255);
  folder.png("small.png", 40, 39, 255);
  BOOST_TEST(fails(folder, "a.png --out t.csv", {"a.png", "pixel size", "--pixel-size"}));
  BOOST_TEST(fails(folder, "a.png --pixel-size 0 --out t.csv", {"pixel size is 0"}));
  BOOST_TEST(fails(folder, "a.png --pixel-size -1 --out t.csv", {"pixel size is -1"}));
  BOOST_TEST(fails(folder, "a.png --pixel-size 1 --out t.txt", {"t.txt", ".csv"}));
  BOOST_TEST(fails(folder, "none.png --pixel-size 1 --out t.csv", {"none.png"}));
  BOOST_TEST(fails(folder, "grey.png --pixel-size 1 --out t.csv", {"grey.png", "mean no classes"}));
  BOOST_TEST(fails(folder, "s_seg-axon.png --pixel-size 1 --out t.csv", {"no mask of myelin"}));
  BOOST_TEST(fails(folder, "--axon a.png --myelin small.png --pixel-size 1 --out t.csv", {"differ in size"}));
  BOOST_TEST(fails(folder, "a.png --nerve small.png --pixel-size 1 --out t.csv", {"39 x 40", "40 x 40"}));
  BOOST_TEST(fails(folder, "--axon a.png --pixel-size 1 --out t.csv", {"--myelin"}));
  BOOST_TEST(fails(folder, "--pixel-size 1 --out t.csv", {"no mask is given"}));
  BOOST_TEST(fails(folder, "a.png --colour --out t.csv", {"--colour", "--help"}, 2));
  BOOST_TEST(fails(folder, "a.png --pixel-size 1 --out no/t.csv", {"no/t.csv", "create its folder"}));
  BOOST_TEST(axonzoo::read_file(folder.path() / "t.csv", "test") == "kept");
  BOOST_TEST(fails(folder, "grey.png a.png --pixel-size 1 --out t.csv", {"grey.png"}));  // the other one is measured
  BOOST_TEST(axonzoo::read_csv(folder.path() / "t.csv").size() == 1u);
  folder.png("none.png", 40, 40, [](std::size_t y, std::size_t) { return y < 20 ? 0 : 127; });
  const auto ended = run(folder, "none.png --pixel-size 1 --out t.csv");
  BOOST_TEST(ended.status == 0);
  BOOST_TEST(has_line(ended.err, "note", {"'none' holds no axon"}));
  BOOST_TEST(axonzoo::read_csv(folder.path() / "t.csv").size() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
