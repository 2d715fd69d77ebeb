// axonzoo-evaluate as its user meets it: exit status, sentences, the table.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>
#include <sys/wait.h>

#include <axonzoo/io/table.hpp>

#include "../data/made_folder.hpp"

namespace {

/// The program stands beside the tests; a build of tests alone has none.
std::filesystem::path program() { return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "axonzoo-evaluate"; }

bool missing() {
  if (std::filesystem::exists(program())) return false;
  BOOST_TEST_MESSAGE("skipped: axonzoo-evaluate is not built");
  return true;
}

struct outcome {
  int status;
  std::string out, err;
};

outcome run(const made_folder& folder, const std::string& arguments) {
  const auto out = folder.at("stdout"), err = folder.at("stderr");
  const int status =
      std::system(("'" + program().string() + "' " + arguments + " >'" + out.string() + "' 2>'" + err.string() + "'").c_str());
  const auto content = [](const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, content(out), content(err)};
}

std::string folders(const made_folder& folder) {
  return "--predicted '" + (folder.path() / "p").string() + "' --manual '" + (folder.path() / "m").string() + "' --out '" +
         (folder.path() / "metrics.csv").string() + "'";
}

/// One line, after notes perhaps, and a status that scripts see.
bool fails_with(const outcome& ended, const std::vector<std::string>& parts) {
  BOOST_TEST(ended.status == 1);
  if (ended.err.empty() || ended.err.back() != '\n') return false;
  const auto lines = ended.err.substr(0, ended.err.size() - 1);
  const auto last = lines.substr(lines.rfind('\n') + 1);
  return last.starts_with("axonzoo-evaluate: ") && says(last, parts);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(metrics_program)

BOOST_AUTO_TEST_CASE(a_table_with_known_scores) {
  if (missing()) return;
  const made_folder folder;
  const auto square = [](std::size_t from) {
    return [from](std::size_t y, std::size_t x) { return y >= 4 && y < 16 && x >= from && x < from + 12 ? 255 : 0; };
  };
  folder.png("p/a_seg-axon.png", 32, 32, square(7));
  folder.png("m/a_seg-axon-manual.png", 32, 32, square(4));
  folder.png("p/b_seg-axon.png", 1, 1, 255);
  folder.png("m/b_seg-axon-manual.png", 1, 1, 0);
  const auto ended = run(folder, folders(folder));
  BOOST_TEST(ended.status == 0);
  BOOST_TEST(ended.out.find("axon_dice") != std::string::npos);
  const auto table = axonzoo::read_csv(folder.path() / "metrics.csv");
  BOOST_REQUIRE(table.size() == 3u);
  BOOST_TEST(table.text(0, "image") == "a");
  BOOST_TEST(table.number(0, "axon_iou") == 9. / 15);
  BOOST_TEST(table.number(0, "axon_dice") == 18. / 24);
  BOOST_TEST(table.number(0, "axon_instance_iou") == 9. / 15);
  BOOST_TEST(table.number(0, "f1") == 1);
  BOOST_TEST(table.number(1, "axon_iou") == 0);
  BOOST_TEST(table.text(2, "image") == "mean");
  BOOST_TEST(table.number(2, "axon_iou") == 4.5 / 15);
  BOOST_TEST(run(folder, folders(folder) + " --threshold 0.7").status == 0);
  BOOST_TEST(axonzoo::read_csv(folder.path() / "metrics.csv").number(0, "f1") == 0);
}

BOOST_AUTO_TEST_CASE(help_names_the_columns) {
  if (missing()) return;
  const made_folder folder;
  const auto ended = run(folder, "--help");
  BOOST_TEST(ended.status == 0);
  BOOST_TEST(ended.out.find("all_instance_iou") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(bad_input_is_one_sentence_and_leaves_the_old_table) {
  if (missing()) return;
  const made_folder folder;
  folder.text("metrics.csv", "kept");
  std::filesystem::create_directories(folder.path() / "p");
  folder.png("m/a_seg-axon.png", 4, 4, 255);
  BOOST_TEST(fails_with(run(folder, folders(folder)), {"/p'", "it holds no image"}));
  folder.png("p/b_seg-axon.png", 4, 4, 255);
  BOOST_TEST(fails_with(run(folder, folders(folder)), {"no image is in both"}));
  folder.png("p/a_seg-axon.png", 5, 4, 255);
  BOOST_TEST(fails_with(run(folder, folders(folder)), {"no manual mask for 'b'"}));
  BOOST_TEST(
      fails_with(run(folder, folders(folder) + " --partial"), {"p/a_seg-axon.png' is 4 x 5", "m/a_seg-axon.png' is 4 x 4"}));
  folder.text("p/a_seg-axon.png", "\x89PNG\r\n\x1a\n");
  std::filesystem::remove(folder.path() / "p/b_seg-axon.png");
  BOOST_TEST(fails_with(run(folder, folders(folder)), {"p/a_seg-axon.png"}));
  BOOST_TEST(fails_with(run(folder, folders(folder) + " --threshold 0"), {"--threshold"}));
  BOOST_TEST(fails_with(run(folder, folders(folder) + " --colour"), {"--colour", "--help"}));
  BOOST_TEST(fails_with(run(folder, ""), {"--predicted"}));
  std::ifstream old(folder.path() / "metrics.csv");
  BOOST_TEST(std::string(std::istreambuf_iterator<char>(old), {}) == "kept");
}

BOOST_AUTO_TEST_SUITE_END()
