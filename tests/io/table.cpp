#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include <axonzoo/io/table.hpp>

#include "fresh.hpp"

using namespace axonzoo;
using namespace axonzoo::testing;

namespace {

std::string refusal(const std::filesystem::path& path, const std::string& bytes) {
  put(path, bytes);
  return sentence_of([&] { (void)read_csv(path); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(io_table)

BOOST_AUTO_TEST_CASE(what_is_written_is_read_with_its_kinds) {
  const fresh_folder folder;
  auto random = fresh_random();
  const std::string letters = "ab \",\n\r0123.-e";
  for (int trial = 0; trial < 50; ++trial) {
    const std::size_t columns = 1 + random() % 4;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < columns; ++i)
      names.push_back("name," + std::to_string(random() % 1000) + '"' + std::to_string(i));
    table rows(names);
    for (std::uint64_t n = random() % 6; n > 0; --n) {
      std::vector<table::cell> row;
      for (std::size_t i = 0; i < columns; ++i) {
        const auto bits = random();
        std::string text;
        for (std::uint64_t k = random() % 5; k > 0; --k) text += letters[random() % letters.size()];
        const double real = std::bit_cast<double>(bits);
        if (bits % 3 == 0)
          row.emplace_back(static_cast<std::int64_t>(bits));
        else if (bits % 3 == 1)
          row.emplace_back(std::isnan(real) ? 0.5 : real);
        else
          row.emplace_back(text);
      }
      rows.add(row);
    }
    write_csv(folder / "a.csv", rows);
    BOOST_TEST((read_csv(folder / "a.csv") == rows));
  }
}

BOOST_AUTO_TEST_CASE(cells_that_are_hard_to_keep) {
  const fresh_folder folder;
  table rows({""});
  for (const table::cell& cell :
       {table::cell(""), table::cell("12"), table::cell("007"), table::cell("nan"), table::cell("-inf"), table::cell(3.0),
        table::cell(1e300), table::cell(-0.0), table::cell(5e-324), table::cell(0.1),
        table::cell(std::numeric_limits<double>::infinity()), table::cell(std::numeric_limits<std::int64_t>::min()),
        table::cell("\xef\xbb\xbfx"), table::cell("rat \xc3\xa9")})
    rows.add({cell});
  write_csv(folder / "a.csv", rows);
  BOOST_TEST((read_csv(folder / "a.csv") == rows));
  table missing({"x"});
  missing.add({std::nan("")});
  write_csv(folder / "a.csv", missing);
  BOOST_TEST(get(folder / "a.csv") == "x\nnan\n");
  BOOST_TEST(std::isnan(read_csv(folder / "a.csv").number(0, "x")));
}

BOOST_AUTO_TEST_CASE(tables_of_spreadsheets_and_pandas) {
  const fresh_folder folder;
  put(folder / "a.csv",
      "\xef\xbb\xbfname,\"g, ratio\",note\r\nrat1,0.7,\r\n007,-2,\"two\r\nlines, \"\"quoted\"\"\"\r\n\r\nrat3,1e2,12a");
  const table rows = read_csv(folder / "a.csv");
  BOOST_TEST((rows.columns() == std::vector<std::string>{"name", "g, ratio", "note"}));
  BOOST_REQUIRE(rows.size() == 3u);
  BOOST_TEST(rows.number(0, "g, ratio") == 0.7);
  BOOST_TEST(rows.text(0, "note") == "");
  BOOST_TEST(rows.text(1, "name") == "007");
  BOOST_TEST(rows.number(1, "g, ratio") == -2);
  BOOST_TEST(rows.text(1, "note") == "two\r\nlines, \"quoted\"");
  BOOST_TEST(rows.number(2, "g, ratio") == 100);
  BOOST_TEST(rows.text(2, "note") == "12a");
}

BOOST_AUTO_TEST_CASE(what_is_wrong_names_the_line) {
  const fresh_folder folder;
  const auto path = folder / "a.csv";
  BOOST_TEST(says(refusal(path, "a,b\n1,2\n1\n"), path.string(), "line 3: 1 cells for 2 columns"));
  BOOST_TEST(says(refusal(path, "a,b\n\"x\ny\",2\n1,2,3\n"), "line 4: 3 cells"));
  BOOST_TEST(says(refusal(path, "a\n\"open\n\n"), "line 2: a quote is never closed"));
  BOOST_TEST(says(refusal(path, "a\n\"x\"y\n"), "line 2: text follows a closing quote"));
  BOOST_TEST(says(refusal(path, "a,b,a\n"), "two columns are named 'a'"));
  BOOST_TEST(says(refusal(path, "\n\r\n"), "no line of column names"));
  BOOST_TEST(says(refusal(path, ""), "the file is empty"));
}

BOOST_AUTO_TEST_CASE(misuse_is_a_sentence) {
  table rows({"a", "b"});
  rows.add({std::int64_t{1}, "text"});
  BOOST_TEST(says(sentence_of([] { (void)table({"a", "a"}); }), "two columns are named 'a'"));
  BOOST_TEST(says(sentence_of([] { (void)table(std::vector<std::string>{}); }), "no columns"));
  BOOST_TEST(says(sentence_of([&] { rows.add({1.0}); }), "1 cells for 2 columns"));
  BOOST_TEST(says(sentence_of([&] { (void)rows.column("c"); }), "'c'", "a, b"));
  BOOST_TEST(says(sentence_of([&] { (void)rows.at(1, "a"); }), "row 1"));
  BOOST_TEST(says(sentence_of([&] { (void)rows.number(0, "b"); }), "'b'", "it holds 'text'"));
  BOOST_TEST(says(sentence_of([&] { (void)rows.text(0, "a"); }), "'a'", "it holds a number"));
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_a_sentence) {
  const fresh_folder folder;
  put(folder / "a.csv", "old");
  table rows({"a"});
  for (int i = 0; i < 5000; ++i) rows.add({0.1});
  std::string sentence;
  {
    const small_disk full(1 << 12);
    sentence = sentence_of([&] { write_csv(folder / "a.csv", rows); });
  }
  BOOST_TEST(says(sentence, (folder / "a.csv").string(), "File too large"), sentence);
  BOOST_TEST(get(folder / "a.csv") == "old");
}

BOOST_AUTO_TEST_SUITE_END()
