#include <algorithm>
#include <cstddef>
#include <random>
#include <vector>

#include <boost/test/unit_test.hpp>

#include <axonzoo/metrics/matching.hpp>

namespace {

/// Tries every matching.
double largest_sum(const std::vector<axonzoo::candidate_pair>& pairs, std::size_t row, std::size_t rows, unsigned taken) {
  if (row == rows) return 0;
  double best = largest_sum(pairs, row + 1, rows, taken);
  for (const auto& pair : pairs) {
    if (pair.row != row || (taken >> pair.column & 1u) != 0) continue;
    best = std::max(best, pair.weight + largest_sum(pairs, row + 1, rows, taken | 1u << pair.column));
  }
  return best;
}

/// The sum of a matching; -1 if it is none.
double sum_of(const std::vector<std::size_t>& chosen, const std::vector<axonzoo::candidate_pair>& pairs) {
  std::vector<std::size_t> columns;
  double sum = 0;
  for (std::size_t row = 0; row < chosen.size(); ++row) {
    if (chosen[row] == axonzoo::unmatched) continue;
    if (pairs[chosen[row]].row != row) return -1;
    columns.push_back(pairs[chosen[row]].column);
    sum += pairs[chosen[row]].weight;
  }
  std::sort(columns.begin(), columns.end());
  return std::adjacent_find(columns.begin(), columns.end()) == columns.end() ? sum : -1;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(metrics_matching)

BOOST_AUTO_TEST_CASE(the_best_sum_is_not_the_best_pair_first) {
  const std::vector<axonzoo::candidate_pair> pairs = {{0, 0, 0.5}, {0, 1, 0.4}, {1, 0, 0.4}};
  const auto chosen = axonzoo::best_matching(pairs, 2, 2);
  BOOST_TEST(chosen[0] == 1u);
  BOOST_TEST(chosen[1] == 2u);
}

BOOST_AUTO_TEST_CASE(equal_to_all_matchings_tried) {
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  for (int trial = 0; trial < 3000; ++trial) {
    const std::size_t rows = 1 + random() % 6, columns = 1 + random() % 6;
    std::vector<axonzoo::candidate_pair> pairs;
    for (std::size_t row = 0; row < rows; ++row) {
      for (std::size_t column = 0; column < columns; ++column) {
        if (random() % 2 != 0) continue;
        pairs.push_back({row, column, trial % 2 == 0 ? 1. + random() % 3 : (1 + random() % 1000) / 1000.});  // ties, and none
      }
    }
    std::shuffle(pairs.begin(), pairs.end(), random);
    BOOST_TEST_CONTEXT("seed " << seed << " trial " << trial) {
      const double sum = sum_of(axonzoo::best_matching(pairs, rows, columns), pairs);
      BOOST_REQUIRE_SMALL(sum - largest_sum(pairs, 0, rows, 0), 1e-9);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_chain_of_thousands_is_followed_to_its_end) {
  // Row i likes column i a little less than column i + 1, but the last row has only the last column.
  constexpr std::size_t rows = 4000;
  std::vector<axonzoo::candidate_pair> pairs;
  for (std::size_t i = 0; i < rows; ++i) {
    pairs.push_back({i, i, 0.5});
    if (i + 1 < rows) pairs.push_back({i, i + 1, 0.5000001});
  }
  const auto chosen = axonzoo::best_matching(pairs, rows, rows);
  for (std::size_t i = 0; i < rows; ++i) BOOST_REQUIRE(pairs[chosen[i]].column == i);
}

BOOST_AUTO_TEST_CASE(nothing_to_match) {
  BOOST_TEST(axonzoo::best_matching({}, 0, 5).empty());
  BOOST_TEST(axonzoo::best_matching({}, 1, 0).front() == axonzoo::unmatched);
}

BOOST_AUTO_TEST_SUITE_END()
