#include <stdexcept>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include <boost/test/unit_test.hpp>
#include <sys/wait.h>

#include <axonzoo/io/replace_file.hpp>

#include "fresh.hpp"

using namespace axonzoo;
using namespace axonzoo::testing;

BOOST_AUTO_TEST_SUITE(io_replace_file)

BOOST_AUTO_TEST_CASE(writes_and_replaces_leaving_nothing_else) {
  const fresh_folder folder;
  replace_file(folder / "a.txt", std::string("old\0old", 7));
  BOOST_TEST(get(folder / "a.txt") == std::string("old\0old", 7));
  replace_file(folder / "a.txt", [](std::ostream& out) { out << "new" << 7; });
  BOOST_TEST(get(folder / "a.txt") == "new7");
  replace_file(folder / "a.txt", "");
  BOOST_TEST(get(folder / "a.txt").empty());
  BOOST_TEST(folder.files() == 1u);
}

BOOST_AUTO_TEST_CASE(a_relative_path_and_a_long_name) {
  const fresh_folder folder;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path);
  const std::string name(250, 'n');
  replace_file(name, "here");
  std::filesystem::current_path(before);
  BOOST_TEST(get(folder / name) == "here");
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_a_sentence_and_leaves_the_old_file) {
  const fresh_folder folder;
  replace_file(folder / "a.bin", "old");
  const std::string large(1 << 20, 'x');
  std::string sentence;
  {
    const small_disk full(1 << 16);
    sentence = sentence_of([&] { replace_file(folder / "a.bin", large); });
  }
  BOOST_TEST(says(sentence, "cannot write '" + (folder / "a.bin").string() + "'", "File too large", "free some space"), sentence);
  BOOST_TEST(get(folder / "a.bin") == "old");
  BOOST_TEST(folder.files() == 1u);
}

BOOST_AUTO_TEST_CASE(a_full_device_is_a_sentence_and_stays_a_device) {
  if (!std::filesystem::is_character_file("/dev/full")) return;
  const std::string sentence = sentence_of([] { replace_file("/dev/full", "some bytes"); });
  BOOST_TEST(says(sentence, "cannot write '/dev/full'", "No space left on device", "free some space"), sentence);
  replace_file("/dev/null", "some bytes");
  BOOST_TEST(std::filesystem::is_character_file("/dev/full"));
  BOOST_TEST(std::filesystem::is_character_file("/dev/null"));
}

BOOST_AUTO_TEST_CASE(a_folder_and_a_missing_folder_are_sentences) {
  const fresh_folder folder;
  std::string sentence = sentence_of([&] { replace_file(folder.path, "x"); });
  BOOST_TEST(says(sentence, folder.path.string(), "Is a directory"), sentence);
  sentence = sentence_of([&] { replace_file(folder / "none/a.txt", "x"); });
  BOOST_TEST(says(sentence, "none/a.txt", "No such file or directory", "create its folder"), sentence);
  sentence = sentence_of([&] { replace_file("", "x"); });
  BOOST_TEST(says(sentence, "cannot write ''"), sentence);
}

BOOST_AUTO_TEST_CASE(an_exception_of_the_writer_passes_through_and_leaves_the_old_file) {
  const fresh_folder folder;
  replace_file(folder / "a.txt", "old");
  BOOST_CHECK_THROW(replace_file(folder / "a.txt",
                                 [](std::ostream& out) {
                                   out << "half";
                                   throw std::runtime_error("stop");
                                 }),
                    std::runtime_error);
  BOOST_TEST(get(folder / "a.txt") == "old");
  BOOST_TEST(folder.files() == 1u);
}

BOOST_AUTO_TEST_CASE(killed_within_leaves_the_old_file) {
  const fresh_folder folder;
  replace_file(folder / "a.txt", "old");
  const pid_t child = ::fork();
  if (child == 0) replace_file(folder / "a.txt", [](std::ostream& out) { out << "half" << std::flush, ::raise(SIGKILL); });
  int status = 0;
  BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
  BOOST_TEST(WIFSIGNALED(status));
  BOOST_TEST(get(folder / "a.txt") == "old");
}

BOOST_AUTO_TEST_CASE(links_and_permissions_stay) {
  const fresh_folder folder;
  put(folder / "real.txt", "old");
  std::filesystem::permissions(folder / "real.txt", std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  std::filesystem::create_symlink("real.txt", folder / "link.txt");
  replace_file(folder / "link.txt", "new");
  BOOST_TEST(std::filesystem::is_symlink(folder / "link.txt"));
  BOOST_TEST(get(folder / "real.txt") == "new");
  BOOST_TEST((std::filesystem::status(folder / "real.txt").permissions() == std::filesystem::perms(0600)));
}

BOOST_AUTO_TEST_CASE(many_threads_leave_one_whole_file) {
  const fresh_folder folder;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      for (int n = 0; n < 5; ++n) replace_file(folder / "a.txt", std::string(100000, static_cast<char>('a' + i)));
    });
  for (auto& each : threads) each.join();
  const std::string bytes = get(folder / "a.txt");
  BOOST_TEST(bytes.size() == 100000u);
  BOOST_TEST((bytes.find_first_not_of(bytes[0]) == std::string::npos));
  BOOST_TEST(folder.files() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
