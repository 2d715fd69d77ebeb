#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <queue>
#include <utility>
#include <vector>

namespace axonzoo {

/// A possible partner: row and column count from 0, weight > 0.
struct candidate_pair {
  std::size_t row, column;
  double weight;
};

/// The one-to-one matching of rows and columns with the largest sum of weights; rows and columns may stay alone. Returns for each
/// row its pair's index in `pairs`, or `unmatched`. At most one pair for a row and column.
///
/// The sparse Hungarian method: shortest augmenting paths over reduced costs (Kuhn 1955; Edmonds and Karp 1972), from dual
/// values that let nearly each row take its best column at once. Equals SciPy's `linear_sum_assignment` on the dense matrix.
std::vector<std::size_t> best_matching(const std::vector<candidate_pair>& pairs, std::size_t rows, std::size_t columns);

inline constexpr std::size_t unmatched = std::numeric_limits<std::size_t>::max();

namespace detail {

class sparse_assignment {
 public:
  sparse_assignment(const std::vector<candidate_pair>& pairs, std::size_t rows, std::size_t columns)
      : pairs_(pairs),
        first_(rows + 1, 0),
        order_(pairs.size()),
        row_price_(rows, 0),
        column_price_(columns, 0),
        pair_of_row_(rows, unmatched),
        pair_of_column_(columns, unmatched),
        distance_(columns),
        reached_by_(columns, unmatched) {
    for (const auto& pair : pairs) ++first_[pair.row + 1];
    for (std::size_t r = 0; r < rows; ++r) first_[r + 1] += first_[r];
    std::vector<std::size_t> next(first_.begin(), first_.end() - 1);
    for (std::size_t p = 0; p < pairs.size(); ++p) {
      order_[next[pairs[p].row]++] = p;
      row_price_[pairs[p].row] = std::max(row_price_[pairs[p].row], pairs[p].weight);
    }
    for (std::size_t r = 0; r < rows; ++r) place(r);
  }

  std::vector<std::size_t> take() { return std::move(pair_of_row_); }

 private:
  using item = std::pair<double, std::size_t>;

  /// What a pair falls short of the prices of its row and column: >= 0, and 0 for a pair in the matching.
  double reduced(const candidate_pair& pair) const {
    return std::max(0., row_price_[pair.row] + column_price_[pair.column] - pair.weight);
  }

  /// Finds the cheapest way to serve the free row `start`: a path of exchanges that ends at a free column, or at a row (itself
  /// perhaps) that gives its column up and stays alone, which costs that row's price.
  void place(std::size_t start) {
    double cheapest = row_price_[start];
    std::size_t end_row = start, end_column = unmatched;
    std::priority_queue<item, std::vector<item>, std::greater<>> waiting;
    std::vector<std::size_t> touched;                // columns with a distance
    std::vector<item> settled_rows = {{0., start}};  // rows on the way, with their distances
    const auto relax = [&](std::size_t row, double base) {
      for (std::size_t i = first_[row]; i < first_[row + 1]; ++i) {
        const auto& pair = pairs_[order_[i]];
        const double through = base + reduced(pair);
        if (through >= cheapest) continue;
        if (reached_by_[pair.column] == unmatched)
          touched.push_back(pair.column);
        else if (through >= distance_[pair.column])
          continue;
        distance_[pair.column] = through;
        reached_by_[pair.column] = order_[i];
        waiting.push({through, pair.column});
      }
    };
    relax(start, 0);
    while (!waiting.empty() && waiting.top().first < cheapest) {
      const auto [distance, column] = waiting.top();
      waiting.pop();
      if (distance > distance_[column]) continue;
      if (pair_of_column_[column] == unmatched) {
        cheapest = distance;
        end_column = column;
        break;
      }
      const std::size_t row = pairs_[pair_of_column_[column]].row;
      settled_rows.push_back({distance, row});
      if (distance + row_price_[row] < cheapest) {
        cheapest = distance + row_price_[row];
        end_row = row;
      }
      relax(row, distance);
    }

    for (const auto& [distance, row] : settled_rows) {
      if (distance < cheapest) row_price_[row] -= cheapest - distance;
    }
    for (const std::size_t column : touched) {
      if (distance_[column] < cheapest) column_price_[column] += cheapest - distance_[column];
    }
    exchange(start, end_row, end_column);
    for (const std::size_t column : touched) reached_by_[column] = unmatched;
  }

  /// Hands columns along the path back to `start`.
  void exchange(std::size_t start, std::size_t end_row, std::size_t end_column) {
    std::size_t column = end_column;
    if (column == unmatched) {
      if (end_row == start) return;
      column = pairs_[pair_of_row_[end_row]].column;
      pair_of_row_[end_row] = unmatched;
    }
    for (;;) {
      const std::size_t pair = reached_by_[column], row = pairs_[pair].row, given_up = pair_of_row_[row];
      pair_of_row_[row] = pair_of_column_[column] = pair;
      if (row == start) return;
      column = pairs_[given_up].column;
    }
  }

  const std::vector<candidate_pair>& pairs_;
  std::vector<std::size_t> first_, order_;  ///< pairs of row r: order_[first_[r]] .. order_[first_[r + 1] - 1]
  std::vector<double> row_price_, column_price_;
  std::vector<std::size_t> pair_of_row_, pair_of_column_;
  std::vector<double> distance_;
  std::vector<std::size_t> reached_by_;
};

}  // namespace detail

inline std::vector<std::size_t> best_matching(const std::vector<candidate_pair>& pairs, std::size_t rows, std::size_t columns) {
  return detail::sparse_assignment(pairs, rows, columns).take();
}

}  // namespace axonzoo
