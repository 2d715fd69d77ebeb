#include <cmath>
#include <random>

#include <boost/test/unit_test.hpp>

#include <axonzoo/core/normal_quantile.hpp>

using namespace axonzoo;

BOOST_AUTO_TEST_SUITE(core_normal_quantile)

// sqrt(2) erfinv(2 p - 1) by mpmath with 40 digits, at the doubles nearest to p
BOOST_AUTO_TEST_CASE(known_quantiles) {
  const double known[][2] = {{0.975, 1.9599639845400538556},  {0.5, 0},
                             {0.075, -1.4395314709384559349}, {0.074999, -1.4395385353452306883},
                             {0.001, -3.0902323061678135354}, {1e-9, -5.9978070150076868614},
                             {1e-12, -7.0344838253011319326}, {0x1p-53, -8.2095361516013868556},
                             {0.3, -0.52440051270804081597},  {0.999999, 4.7534243088170877657}};
  for (const auto& [p, x] : known) BOOST_TEST(std::fabs(normal_quantile(p) - x) <= 4e-16 * (1 + std::fabs(x)), p);
}

BOOST_AUTO_TEST_CASE(inverts_the_distribution_and_rises) {
  std::mt19937_64 random(std::random_device{}());
  for (int i = 0; i < 10000; ++i) {
    const double p = std::ldexp(static_cast<double>(random() >> 11) + 0.5, -53 - static_cast<int>(random() % 20));
    if (p >= 1) continue;
    const double x = normal_quantile(p);
    BOOST_REQUIRE(std::fabs(0.5 * std::erfc(-x / std::sqrt(2.)) - p) <= 1e-13 * p);
    BOOST_REQUIRE(normal_quantile(std::nextafter(p, 1.)) >= x - 1e-15 * (1 + std::fabs(x)));
  }
}

BOOST_AUTO_TEST_CASE(the_logarithm_is_right_without_the_library) {
  std::mt19937_64 random(std::random_device{}());
  for (int i = 0; i < 10000; ++i) {
    const double x = std::ldexp(static_cast<double>(random() >> 11) + 1, -53 - static_cast<int>(random() % 60));
    const double expected = std::log(x);
    BOOST_REQUIRE(std::fabs(axonzoo::detail::log_of(x) - expected) <= 4e-16 * std::max(1., std::fabs(expected)));
  }
}

BOOST_AUTO_TEST_SUITE_END()
