#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <axonzoo/measure/border_sweep.hpp>
#include <axonzoo/measure/region.hpp>
#include <axonzoo/measure/region_sums.hpp>
#include <axonzoo/measure/runs.hpp>

namespace axonzoo {

/// Measures all instances in one pass over their runs, in the time that the runs and the border pixels take. Element i is
/// instance i + 1; a number that no run has leaves a region of 0 pixels. Solidity, which costs most, only where `hull` asks for
/// it, NaN elsewhere.
std::vector<region> measure_regions(const std::vector<instance_run>& runs, bool hull = true);

namespace detail {

/// Calls visit(above, here, below) for each row from the first that has runs to one beyond the last.
template <class Visit>
void visit_rows(const std::vector<instance_run>& runs, Visit visit) {
  if (runs.empty()) return;
  std::span<const instance_run> above, here, rest(runs);
  const auto take = [&rest](std::int32_t row) {
    std::size_t count = 0;
    while (count < rest.size() && rest[count].row == row) ++count;
    const auto taken = rest.first(count);
    rest = rest.subspan(count);
    return taken;
  };
  here = take(runs.front().row);
  for (std::int32_t row = runs.front().row; row <= runs.back().row + 1; ++row) {
    const auto below = take(row + 1);
    visit(above, here, below);
    above = here;
    here = below;
  }
}

}  // namespace detail

inline std::vector<region> measure_regions(const std::vector<instance_run>& runs, bool hull) {
  std::int32_t most = 0;
  for (const auto& run : runs) most = std::max(most, run.instance);
  std::vector<region_sums> sums(static_cast<std::size_t>(most));
  const auto of = [&sums](std::int32_t instance) -> region_sums& { return sums[static_cast<std::size_t>(instance) - 1]; };
  border_sweep border;
  detail::visit_rows(runs, [&](auto above, auto here, auto below) {
    for (const auto& run : here) of(run.instance).add(run, hull);
    border.next_row(above, here, below, [&](std::int32_t instance, int kind) { of(instance).add_border(kind); });
  });
  std::vector<region> found;
  found.reserve(sums.size());
  for (const auto& one : sums) found.push_back(one.finish());
  return found;
}

}  // namespace axonzoo
