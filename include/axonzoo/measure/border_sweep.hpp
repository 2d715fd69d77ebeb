#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <axonzoo/measure/runs.hpp>

namespace axonzoo {

/// The border pixels of instances, row by row from the top, with what each weighs in its instance's perimeter.
///
/// A border pixel has one of its 4 neighbours outside its instance. Its weight follows from which of its 8 neighbours are border
/// pixels of the same instance, by the table of Benkrid and Crookes (2000), "Design and FPGA implementation of a perimeter
/// estimator", that scikit-image's `perimeter` uses.
class border_sweep {
 public:
  /// Takes the runs of the next row, given those of the rows above and below it, and reports(instance, kind) the border pixels of
  /// the row before it, with kind 0 for a weight of 1, 1 for sqrt(2) and 2 for (1 + sqrt(2)) / 2; those of no weight are left
  /// out. A last call with an empty row ends the image.
  template <class Report>
  void next_row(std::span<const instance_run> above, std::span<const instance_run> here, std::span<const instance_run> below,
                Report report) {
    std::rotate(rows_.begin(), rows_.begin() + 1, rows_.end());
    find_border(above, here, below, rows_[2]);
    weigh(report);
  }

 private:
  struct pixel {
    std::int32_t x, instance;
    friend bool operator==(const pixel&, const pixel&) = default;
  };

  static void find_border(std::span<const instance_run> above, std::span<const instance_run> here,
                          std::span<const instance_run> below, std::vector<pixel>& border) {
    border.clear();
    std::size_t first_above = 0, first_below = 0;
    for (const auto& run : here) {
      while (first_above < above.size() && above[first_above].end <= run.begin) ++first_above;
      while (first_below < below.size() && below[first_below].end <= run.begin) ++first_below;
      std::int32_t x = run.begin;
      const auto emit_until = [&](std::int32_t end) {
        for (; x < end; ++x) border.push_back({x, run.instance});
      };
      for (std::size_t a = first_above, b = first_below; a < above.size() && b < below.size();) {
        const auto begin = std::max({above[a].begin, below[b].begin, run.begin + 1}),
                   end = std::min({above[a].end, below[b].end, run.end - 1});
        if (begin >= run.end - 1) break;
        if (begin < end && above[a].instance == run.instance && below[b].instance == run.instance) {
          emit_until(begin);
          x = end;
        }
        above[a].end < below[b].end ? ++a : ++b;
      }
      emit_until(run.end);
    }
  }

  template <class Report>
  void weigh(Report report) const {
    // By 2 for each border pixel at a side and 10 for each at a corner.
    static constexpr auto kinds = [] {
      std::array<std::int8_t, 50> table{};
      table.fill(-1);
      for (const int one : {4, 6, 14, 16, 24, 26}) table[static_cast<std::size_t>(one)] = 0;
      for (const int diagonal : {20, 32}) table[static_cast<std::size_t>(diagonal)] = 1;
      for (const int bent : {12, 22}) table[static_cast<std::size_t>(bent)] = 2;
      return table;
    }();
    const auto& here = rows_[1];
    std::size_t above = 0, below = 0;
    for (std::size_t i = 0; i < here.size(); ++i) {
      const pixel p = here[i];
      std::size_t sum = 0;
      if (i > 0 && here[i - 1] == pixel{p.x - 1, p.instance}) sum += 2;
      if (i + 1 < here.size() && here[i + 1] == pixel{p.x + 1, p.instance}) sum += 2;
      sum += in_next_row(rows_[0], above, p) + in_next_row(rows_[2], below, p);
      if (kinds[sum] >= 0) report(p.instance, static_cast<int>(kinds[sum]));
    }
  }

  static std::size_t in_next_row(const std::vector<pixel>& row, std::size_t& at, pixel p) {
    while (at < row.size() && row[at].x < p.x - 1) ++at;
    std::size_t sum = 0;
    for (std::size_t i = at; i < row.size() && row[i].x <= p.x + 1; ++i) {
      if (row[i].instance == p.instance) sum += row[i].x == p.x ? 2 : 10;
    }
    return sum;
  }

  std::array<std::vector<pixel>, 3> rows_;  // the last three; the middle one is weighed
};

}  // namespace axonzoo
