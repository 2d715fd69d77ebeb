#include <boost/test/unit_test.hpp>

#include <cmath>
#include <cstddef>
#include <random>

#include <axonzoo/data/normalise.hpp>

using namespace axonzoo;

BOOST_AUTO_TEST_SUITE(data_normalise)

BOOST_AUTO_TEST_CASE(mean_zero_and_deviation_one_for_each_channel) {
  std::mt19937 random(std::random_device{}());
  image pixels = image::from_shape({60, 70, 3});
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels.data()[i] = static_cast<float>(random() % 200) + 20000.f * static_cast<float>(i % 3);
  z_score(pixels);
  for (std::size_t c = 0; c < 3; ++c) {
    double sum = 0, squares = 0;
    for (std::size_t i = c; i < pixels.size(); i += 3) {
      sum += static_cast<double>(pixels.data()[i]);
      squares += std::pow(static_cast<double>(pixels.data()[i]), 2);
    }
    BOOST_TEST(std::abs(sum / 4200) < 1e-5);
    BOOST_TEST(squares / 4200 == 1, boost::test_tools::tolerance(1e-5));
  }
}

BOOST_AUTO_TEST_CASE(closed_form) {
  image pixels = image::from_shape({1, 4, 1});
  const float from[] = {1, 3, 1, 3}, to[] = {-1, 1, -1, 1};
  for (std::size_t i = 0; i < 4; ++i) pixels.data()[i] = from[i];
  z_score(pixels);
  for (std::size_t i = 0; i < 4; ++i) BOOST_TEST(pixels.data()[i] == to[i]);
}

BOOST_AUTO_TEST_CASE(constants_become_zeros) {
  for (const float level : {0.f, 65535.f, 0.1f, -3e8f}) {
    image pixels = image::from_shape({37, 41, 1});
    pixels.fill(level);
    z_score(pixels);
    for (const float value : pixels) BOOST_REQUIRE_EQUAL(value, 0.f);
  }
  image one = image::from_shape({1, 1, 3});
  one.fill(9);
  z_score(one);
  BOOST_TEST(one(0, 0, 1) == 0.f);
}

BOOST_AUTO_TEST_SUITE_END()
