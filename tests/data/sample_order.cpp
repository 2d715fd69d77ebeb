#include <algorithm>
#include <cstdint>
#include <vector>

#include <boost/test/unit_test.hpp>

#include <axonzoo/data/sample_order.hpp>

using axonzoo::sample_order;

BOOST_AUTO_TEST_SUITE(data_sample_order)

BOOST_AUTO_TEST_CASE(each_pass_takes_every_member_once_and_passes_differ) {
  for (const std::size_t members : {1, 2, 7, 50}) {
    sample_order order(3, members);
    std::vector<std::vector<std::size_t>> passes;
    for (std::uint64_t pass = 0; pass < 6; ++pass) {
      std::vector<std::size_t> taken;
      for (std::uint64_t k = 0; k < members; ++k) taken.push_back(order.at(pass * members + k));
      passes.push_back(taken);
      std::sort(taken.begin(), taken.end());
      for (std::size_t k = 0; k < members; ++k) BOOST_TEST(taken[k] == k);
    }
    if (members == 50)
      for (std::size_t a = 0; a < 6; ++a)
        for (std::size_t b = 0; b < a; ++b) BOOST_TEST((passes[a] != passes[b]));
  }
}

BOOST_AUTO_TEST_CASE(what_was_asked_before_does_not_matter) {
  sample_order forward(11, 9), backward(11, 9), other(12, 9);
  std::vector<std::size_t> one, two, three;
  for (std::uint64_t k = 0; k < 100; ++k) one.push_back(forward.at(k));
  for (std::uint64_t k = 100; k-- > 0;) two.push_back(backward.at(k));
  for (std::uint64_t k = 0; k < 100; ++k) three.push_back(other.at(k));
  std::reverse(two.begin(), two.end());
  BOOST_TEST((one == two));
  BOOST_TEST((one != three));
}

BOOST_AUTO_TEST_CASE(no_place_prefers_a_member) {
  sample_order order(5, 4);
  std::vector<int> first(4);
  for (std::uint64_t pass = 0; pass < 4000; ++pass) ++first[order.at(4 * pass)];
  for (const int count : first) BOOST_TEST(std::abs(count - 1000) < 140);  // five standard deviations
}

BOOST_AUTO_TEST_SUITE_END()
