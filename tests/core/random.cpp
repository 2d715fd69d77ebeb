#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <random>
#include <set>
#include <vector>

#include <boost/test/unit_test.hpp>

#include <axonzoo/core/random.hpp>

using namespace axonzoo;

namespace {

using block = std::array<std::uint64_t, 4>;

std::uint64_t fresh_seed() {
  const auto seed = static_cast<std::uint64_t>(std::random_device{}()) << 32 | std::random_device{}();
  BOOST_TEST_MESSAGE("seed " << seed);
  return seed;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(core_random)

// numpy.random.Philox and the known answers of Random123 agree on these.
BOOST_AUTO_TEST_CASE(philox_has_its_published_answers) {
  constexpr std::uint64_t all = ~std::uint64_t{0};
  BOOST_TEST((random_stream::philox({0, 0, 0, 0}, {0, 0}) ==
              block{0x16554d9eca36314c, 0xdb20fe9d672d0fdc, 0xd7e772cee186176b, 0x7e68b68aec7ba23b}));
  BOOST_TEST((random_stream::philox({all, all, all, all}, {all, all}) ==
              block{0x87b092c3013fe90b, 0x438c3c67be8d0224, 0x9cc7d7c69cd777b6, 0xa09caebf594f0ba0}));
  random_stream stream(5, 6, 7, 8);
  for (const std::uint64_t expected :
       std::initializer_list<std::uint64_t>{0x5b13038b6df8abf3, 0x69961e64f99cddf0, 0x01afef7a7c506ae8, 0x0acf204c8d579352,
                                            0x3d5331662c044fc7, 0x24401541cfd9fa9f, 0xec0f870c136ac6c7, 0x40ae2f1e325c562d})
    BOOST_TEST(stream.bits() == expected);
}

BOOST_AUTO_TEST_CASE(a_stream_repeats_and_each_of_its_numbers_matters) {
  const std::uint64_t seed = fresh_seed();
  random_stream first(seed, 1, 2, 3), again(seed, 1, 2, 3);
  for (int i = 0; i < 100; ++i) BOOST_TEST(first.bits() == again.bits());
  std::set<std::uint64_t> starts;
  for (std::uint64_t s : {0, 1})
    for (std::uint64_t a : {0, 1})
      for (std::uint64_t b : {0, 1})
        for (std::uint64_t c : {0, 1}) starts.insert(random_stream(seed + s, a, b, c).bits());
  BOOST_TEST(starts.size() == 16u);
}

BOOST_AUTO_TEST_CASE(uniform_and_normal_have_their_moments) {
  random_stream stream(fresh_seed());
  constexpr int n = 200000;
  double sum = 0, squares = 0, normal_sum = 0, normal_squares = 0, normal_fourth = 0;
  for (int i = 0; i < n; ++i) {
    const double u = stream.uniform(), z = stream.normal();
    BOOST_REQUIRE((u >= 0 && u < 1 && std::isfinite(z)));
    sum += u;
    squares += u * u;
    normal_sum += z;
    normal_squares += z * z;
    normal_fourth += z * z * z * z;
  }
  // six standard deviations of each mean
  BOOST_TEST(std::fabs(sum / n - 0.5) < 6 * std::sqrt(1. / 12 / n));
  BOOST_TEST(std::fabs(squares / n - 1. / 3) < 6 * std::sqrt(4. / 45 / n));
  BOOST_TEST(std::fabs(normal_sum / n) < 6 * std::sqrt(1. / n));
  BOOST_TEST(std::fabs(normal_squares / n - 1) < 6 * std::sqrt(2. / n));
  BOOST_TEST(std::fabs(normal_fourth / n - 3) < 6 * std::sqrt(96. / n));
}

BOOST_AUTO_TEST_CASE(uniform_keeps_its_limits) {
  random_stream stream(fresh_seed());
  for (int i = 0; i < 1000; ++i) {
    const double x = stream.uniform(-3, 5);
    BOOST_REQUIRE((x >= -3 && x <= 5));
  }
  BOOST_TEST(stream.uniform(2, 2) == 2);
}

BOOST_AUTO_TEST_CASE(below_is_even) {
  random_stream stream(fresh_seed());
  for (int i = 0; i < 100; ++i) BOOST_TEST(stream.below(1) == 0);
  for (const std::int64_t n : {2, 3, 7, 100}) {
    std::vector<double> counts(static_cast<std::size_t>(n));
    const double expected = 2000;
    for (int i = 0; i < static_cast<int>(expected) * n; ++i) ++counts.at(static_cast<std::size_t>(stream.below(n)));
    double chi_square = 0;
    for (const double count : counts) chi_square += (count - expected) * (count - expected) / expected;
    // mean n - 1, variance 2 (n - 1)
    const double freedom = static_cast<double>(n - 1);
    BOOST_TEST(chi_square < freedom + 7 * std::sqrt(2 * freedom) + 20, n);
  }
  // two thirds of 2^64 do not divide it: a product without rejection would favour the low half
  const std::int64_t large = std::int64_t{3} << 61;
  int low = 0;
  for (int i = 0; i < 10000; ++i) low += stream.below(large) < large / 2;
  BOOST_TEST(std::abs(low - 5000) < 300);
}

BOOST_AUTO_TEST_SUITE_END()
