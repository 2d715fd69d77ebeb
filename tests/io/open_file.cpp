#include <string>

#include <boost/test/unit_test.hpp>

#include <axonzoo/io/open_file.hpp>

#include "fresh.hpp"

using namespace axonzoo;
using namespace axonzoo::testing;

BOOST_AUTO_TEST_SUITE(io_open_file)

BOOST_AUTO_TEST_CASE(reads_all_bytes_with_zeros_among_them) {
  const fresh_folder folder;
  auto random = fresh_random();
  std::string bytes(200000 + random() % 1000, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  put(folder / "a.bin", bytes);
  BOOST_TEST((read_file(folder / "a.bin", "cannot read") == bytes));
}

BOOST_AUTO_TEST_CASE(missing_empty_and_folder_are_sentences) {
  const fresh_folder folder;
  put(folder / "empty", "");
  const auto of = [](const std::filesystem::path& path) { return sentence_of([&] { (void)read_file(path, "cannot read it"); }); };
  BOOST_TEST(of(folder / "missing") == "cannot read it: No such file or directory; check the path and its permissions");
  BOOST_TEST(of(folder / "empty") == "cannot read it: the file is empty; copy it again from its source");
  BOOST_TEST(of(folder.path) == "cannot read it: it is a folder; name a file in it");
}

BOOST_AUTO_TEST_SUITE_END()
