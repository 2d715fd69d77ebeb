#include <boost/test/unit_test.hpp>

#include <optional>

#include <axonzoo/data/pixel_size.hpp>

#include "made_folder.hpp"

using namespace axonzoo;

BOOST_AUTO_TEST_SUITE(data_pixel_size)

BOOST_AUTO_TEST_CASE(a_missing_size_names_the_option) {
  micrograph one;
  one.path = "neuron-001.jpg";
  BOOST_TEST(says(sentence_of([&] { (void)require_pixel_size(one, std::nullopt); }), {"neuron-001.jpg", "--pixel-size"}));
  BOOST_TEST(says(sentence_of([&] { (void)require_pixel_size(one, -1); }), {"neuron-001.jpg", "positive"}));
  BOOST_TEST(require_pixel_size(one, 0.5) == 0.5);
  one.pixel_size = 0.1;
  BOOST_TEST(require_pixel_size(one, 0.5) == 0.1);
}

BOOST_AUTO_TEST_SUITE_END()
