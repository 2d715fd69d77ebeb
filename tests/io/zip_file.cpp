#include <cstdint>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include <axonzoo/io/zip_file.hpp>

#include "fresh.hpp"
#include "made_pickle.hpp"

using namespace axonzoo;
using namespace axonzoo::testing;

namespace {

/// What is wrong with a .zip, its entries' bytes included.
std::string refusal(const std::string& bytes) {
  const open_handle file = as_file(bytes);
  try {
    const zip_file zip(file.get(), bytes.size());
    for (const zip_entry& entry : zip.entries()) (void)zip.read(entry, 1 << 20);
  } catch (const unreadable& wrong) {
    return wrong.what();
  }
  return "";
}

std::string changed(std::string bytes, std::size_t at, const std::string& to) { return bytes.replace(at, to.size(), to); }

const std::string made = make_zip({{"a/data.pkl", "hello"}, {"a/data/0", std::string(100, 'x')}, {"a/empty", ""}});
const std::size_t directory = made.find("PK\1\2");
const std::size_t second = made.find("PK\1\2", directory + 1);

}  // namespace

BOOST_AUTO_TEST_SUITE(io_zip_file)

BOOST_AUTO_TEST_CASE(what_is_written_is_read) {
  auto random = fresh_random();
  for (int trial = 0; trial < 20; ++trial) {
    made_dict entries;
    for (std::uint64_t n = random() % 30; n > 0; --n) {
      std::string bytes(random() % 3000, '\0');
      for (char& byte : bytes) byte = static_cast<char>(random());
      entries.emplace_back("x/" + std::to_string(n), std::move(bytes));
    }
    const std::string bytes = make_zip(entries);
    const open_handle file = as_file(bytes);
    const zip_file zip(file.get(), bytes.size());
    BOOST_REQUIRE(zip.entries().size() == entries.size());
    for (const auto& [name, content] : entries) {
      const zip_entry* entry = zip.find(name);
      BOOST_REQUIRE(entry != nullptr);
      BOOST_TEST(entry->at % 64 == 0u);
      BOOST_TEST((zip.read(*entry, 1 << 20) == content));
    }
    BOOST_TEST(zip.find("x") == nullptr);
  }
}

// As Python's zipfile writes it: no 64-bit end, sizes in the entry's own header, no padding.
BOOST_AUTO_TEST_CASE(a_file_of_another_writer) {
  const std::string sum = make_zip({{"b", "c"}}).substr(14, 4);
  const std::string facts =
      std::string("\x14\0\0\0\0\0\0\0\x21\0", 10) + sum + bytes_of(1, 4) + bytes_of(1, 4) + bytes_of(1, 2) + bytes_of(0, 2);
  const std::string head = "PK\3\4" + facts + "b" + "c";
  const std::string entry =
      "PK\1\2" + bytes_of(0x314, 2) + facts + std::string(6, '\0') + bytes_of(0x1800000, 4) + bytes_of(0, 4) + "b";
  const std::string bytes = head + entry + "PK\5\6" + bytes_of(0, 4) + bytes_of(1, 2) + bytes_of(1, 2) +
                            bytes_of(entry.size(), 4) + bytes_of(head.size(), 4) + bytes_of(0, 2);
  BOOST_TEST(refusal(bytes) == "");
  BOOST_TEST(says(refusal(changed(bytes, bytes.size() - 10, bytes_of(entry.size() - 2, 4))), "directory is not where"));
}

BOOST_AUTO_TEST_CASE(every_prefix_and_every_longer_file_is_refused) {
  BOOST_TEST(refusal(made) == "");
  for (std::size_t n = 0; n < made.size(); ++n) BOOST_TEST(refusal(made.substr(0, n)) != "", n);
  BOOST_TEST(says(refusal(made + "x"), "goes on after its end"));
  BOOST_TEST(says(refusal(made + made), "goes on after its end"));
}

BOOST_AUTO_TEST_CASE(hostile_archives_are_sentences) {
  BOOST_TEST(says(refusal(changed(made, directory + 10, bytes_of(8, 2))), "'a/data.pkl' is compressed"));
  BOOST_TEST(says(refusal(changed(made, directory + 8, bytes_of(1, 2))), "'a/data.pkl' is encrypted"));
  BOOST_TEST(says(refusal(changed(made, directory + 24, bytes_of(6, 4))), "has two sizes"));
  // a size of 4 GB, and where the second entry is the first again: the bombs that need no compression
  BOOST_TEST(
      says(refusal(changed(made, directory + 20, bytes_of(0xfffffffe, 4) + bytes_of(0xfffffffe, 4))), "goes beyond the file"));
  BOOST_TEST(says(refusal(changed(made, directory + 20, bytes_of(0xffffffff, 4) + bytes_of(0xffffffff, 4))), "unknown size"));
  BOOST_TEST(says(refusal(changed(made, second + 42, bytes_of(0, 4))), "overlaps another"));
  BOOST_TEST(says(refusal(changed(made, second + 42, bytes_of(1, 4))), "overlaps another"));
  BOOST_TEST(says(refusal(changed(made, second + 42, bytes_of(made.size(), 4))), "goes beyond"));
  BOOST_TEST(says(refusal(changed(made, directory + 42, bytes_of(1, 4))), "is not where the directory says"));
  BOOST_TEST(says(refusal(changed(made, 30, "b")), "another than the directory says"));
  BOOST_TEST(says(refusal(changed(made, 18, bytes_of(4, 4))), "another than the directory says"));
  BOOST_TEST(says(refusal(changed(made, 64, "j")), "'a/data.pkl' is damaged: its checksum is wrong"));
  BOOST_TEST(says(refusal(make_zip({{"a", "1"}, {"a", "2"}})), "the entry 'a' twice"));
  const std::size_t end = made.size() - 22, wide = made.find("PK\6\6");
  BOOST_TEST(says(refusal(changed(made, end + 8, bytes_of(4, 2) + bytes_of(4, 2))), "two ends disagree"));
  const std::string many = bytes_of(std::uint64_t{1} << 60, 8);
  BOOST_TEST(says(refusal(changed(changed(made, wide + 24, many + many), end + 8, "\xff\xff\xff\xff")),
                  "more entries than it can have"));
  BOOST_TEST(says(refusal(changed(made, wide + 40, many)), "two ends disagree"));
  BOOST_TEST(says(refusal(changed(changed(made, wide + 40, many), end + 12, "\xff\xff\xff\xff")), "is not where its end says"));
  BOOST_TEST(says(refusal(std::string("PK\5\6", 4) + std::string(18, '\0') + "PK\3\4"), "cut short"));
  const std::string nothing = make_zip({});
  BOOST_TEST(refusal(nothing) == "");
}

BOOST_AUTO_TEST_CASE(archives_without_checksums_are_read) {
  std::string bytes = make_zip({{"a", "hello"}});
  bytes = changed(changed(bytes, 14, bytes_of(0, 4)), bytes.find("PK\1\2") + 16, bytes_of(0, 4));
  BOOST_TEST(refusal(bytes) == "");
}

BOOST_AUTO_TEST_CASE(random_changes_are_refused_or_read) {
  auto random = fresh_random();
  for (int trial = 0; trial < 3000; ++trial) {
    std::string bytes = made;
    for (std::uint64_t n = 1 + random() % 4; n > 0; --n) bytes[random() % bytes.size()] = static_cast<char>(random());
    (void)refusal(bytes);
  }
}

BOOST_AUTO_TEST_SUITE_END()
