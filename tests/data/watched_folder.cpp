#include <boost/test/unit_test.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

#include <axonzoo/data/watched_folder.hpp>

#include "made_folder.hpp"

using namespace axonzoo;

namespace {

/// Comes between two looks: `at_look` does something in the folder, and the watch ends after a number of looks.
template <class AtLook>
std::string next_of(watched_folder& watched, int looks, const AtLook& at_look) {
  int look = 0;
  const auto found = watched.next([&] {
    at_look(look);
    return look++ >= looks;
  });
  return found ? found->filename().string() : "";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(data_watched_folder)

BOOST_AUTO_TEST_CASE(a_file_that_grows_is_waited_for_and_one_that_is_written_anew_comes_again) {
  const made_folder made;
  std::filesystem::create_directories(made.path() / "in");
  watched_folder watched(made.path() / "in", [](const std::filesystem::path& path) { return path.extension() == ".png"; }, std::chrono::milliseconds(0));
  const auto nothing = [](int) {};
  BOOST_TEST(next_of(watched, 5, nothing) == "");

  const auto grow = [&made](int look) {
    if (look < 20) std::ofstream(made.at("in/b.png"), std::ios::app) << "part";
  };
  BOOST_TEST(next_of(watched, 100, grow) == "b.png");
  BOOST_TEST(std::filesystem::file_size(made.path() / "in/b.png") == 80U);
  BOOST_TEST(next_of(watched, 5, nothing) == "");

  // Of one look by name; what is not wanted and what is empty does not come.
  made.text("in/d.png", "d");
  made.text("in/c.png", "c");
  made.text("in/a.txt", "a");
  made.text("in/e.png", "");
  BOOST_TEST(next_of(watched, 5, nothing) == "c.png");
  BOOST_TEST(next_of(watched, 5, nothing) == "d.png");
  BOOST_TEST(next_of(watched, 5, nothing) == "");

  made.text("in/b.png", "anew");
  BOOST_TEST(next_of(watched, 5, nothing) == "b.png");
  std::filesystem::remove_all(made.path() / "in");
  BOOST_TEST(says(sentence_of([&] { next_of(watched, 5, nothing); }), {"in'"}));
}

BOOST_AUTO_TEST_SUITE_END()
