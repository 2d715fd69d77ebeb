#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <axonzoo/io/table.hpp>
#include <axonzoo/measure/morphometrics.hpp>

namespace axonzoo {

/// The table's columns, under AxonDeepSeg's names. Of unmyelinated axons there are those that need no fibre.
std::vector<std::string> morphometric_columns(bool myelinated = true);

/// An axon's cells in the order of these columns.
std::vector<table::cell> morphometric_cells(const measured_axon& axon, bool myelinated = true);

namespace detail {

struct morphometric_column {
  const char* name;
  double measured_axon::*value;
  bool needs_fibre;
};

inline constexpr morphometric_column morphometric_numbers[] = {
    {"x0 (px)", &measured_axon::x, false},
    {"y0 (px)", &measured_axon::y, false},
    {"gratio", &measured_axon::g_ratio, true},
    {"axon_area (um^2)", &measured_axon::axon_area, false},
    {"axon_perimeter (um)", &measured_axon::axon_perimeter, false},
    {"myelin_area (um^2)", &measured_axon::myelin_area, true},
    {"axon_diam (um)", &measured_axon::axon_diameter, false},
    {"myelin_thickness (um)", &measured_axon::myelin_thickness, true},
    {"axonmyelin_area (um^2)", &measured_axon::fibre_area, true},
    {"axonmyelin_perimeter (um)", &measured_axon::fibre_perimeter, true},
    {"eccentricity", &measured_axon::eccentricity, false},
    {"orientation", &measured_axon::orientation, false},
    {"fiber_eccentricity", &measured_axon::fibre_eccentricity, true},
    {"fiber_orientation", &measured_axon::fibre_orientation, true},
    {"solidity", &measured_axon::solidity, false},
};

}  // namespace detail

inline std::vector<std::string> morphometric_columns(bool myelinated) {
  std::vector<std::string> names;
  for (const auto& column : detail::morphometric_numbers) {
    if (myelinated || !column.needs_fibre) names.emplace_back(column.name);
  }
  for (const char* name : {"image_border_touching", "bbox_min_y", "bbox_min_x", "bbox_max_y", "bbox_max_x"})
    names.emplace_back(name);
  return names;
}

inline std::vector<table::cell> morphometric_cells(const measured_axon& axon, bool myelinated) {
  std::vector<table::cell> cells;
  for (const auto& column : detail::morphometric_numbers) {
    if (myelinated || !column.needs_fibre) cells.emplace_back(axon.*column.value);
  }
  if (myelinated && !axon.has_fibre) {
    cells.insert(cells.end(), 5, std::numeric_limits<double>::quiet_NaN());
    return cells;
  }
  cells.emplace_back(std::string(axon.touches_border ? "True" : "False"));
  for (const std::int64_t side : {axon.top, axon.left, axon.bottom, axon.right}) cells.emplace_back(side);
  return cells;
}

}  // namespace axonzoo
