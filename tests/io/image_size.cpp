#include <string>

#include <boost/test/unit_test.hpp>

#include <axonzoo/io/image_size.hpp>

#include "fresh.hpp"

using namespace axonzoo;
using namespace axonzoo::testing;

BOOST_AUTO_TEST_SUITE(io_image_size)

BOOST_AUTO_TEST_CASE(sizes_are_held_against_the_limit_and_the_file) {
  const fresh_folder folder;
  put(folder / "a", std::string(100, 'x'));
  const auto of = [&](image_size size, std::uint64_t ratio) {
    return sentence_of([&] { check_image_size(folder / "a", size, ratio); });
  };
  BOOST_TEST(of({10, 10, 1, 8}, 1) == "");
  BOOST_TEST(of({std::size_t{1} << 15, std::size_t{1} << 15, 3, 16}, 0) == "");
  BOOST_TEST(says(of({0, 10, 1, 8}, 0), "10 x 0 pixels"));
  BOOST_TEST(says(of({10, 0, 1, 8}, 0), "0 x 10 pixels"));
  BOOST_TEST(says(of({(std::size_t{1} << 15) + 1, std::size_t{1} << 15, 1, 8}, 0), "32768 x 32769 pixels, more than 1073741824"));
  BOOST_TEST(says(of({0xFFFFFFFF, 0xFFFFFFFF, 3, 16}, 0), "4294967295 x 4294967295 pixels, more than"));
  BOOST_TEST(says(of({20, 10, 1, 8}, 1), "10 x 20 pixels", "only 100 bytes"));
}

BOOST_AUTO_TEST_SUITE_END()
