#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include <axonzoo/core/error.hpp>
#include <axonzoo/data/listing.hpp>
#include <axonzoo/io/replace_file.hpp>
#include <axonzoo/io/table.hpp>
#include <axonzoo/io/xlsx.hpp>
#include <axonzoo/measure/aggregates.hpp>
#include <axonzoo/measure/measured_image.hpp>
#include <axonzoo/measure/morphometric_table.hpp>

namespace axonzoo {

/// One row an axon, in AxonDeepSeg's columns; of several images with `image` and `subject` in front, of a nerve with `fascicle`
/// (from 0) behind.
table axon_table(const std::vector<measured_image>& images);

/// One row an image: volume fractions, aggregate g-ratio, means (um) and density (axons a mm^2), under AxonDeepSeg's names.
table image_table(const std::vector<measured_image>& images);

/// One row a subject and diameter bin: count, and mean, SD, least, greatest and median of diameter, g-ratio and thickness.
table subject_table(const std::vector<measured_image>& images);

/// One row a fascicle of a nerve.
table fascicle_table(const std::vector<measured_image>& images);

/// Writes these tables by the extension of `path`: .xlsx, a sheet for each; .json, an object for each; .csv, the axons there and
/// the others beside it as <stem>_images.csv, <stem>_subjects.csv and, of nerves, <stem>_fascicles.csv. Returns what was written.
/// Throws `error` for another extension, before anything is written.
std::vector<std::filesystem::path> write_morphometrics(const std::filesystem::path& path,
                                                       const std::vector<measured_image>& images);

/// Throws `error` unless the extension of `path` is one that `write_morphometrics` knows.
inline void check_morphometrics_path(const std::filesystem::path& path) {
  const auto extension = detail::lower_case(path.extension().string());
  if (extension != ".csv" && extension != ".xlsx" && extension != ".json")
    throw error("cannot write " + detail::quoted(path), "its extension says no kind of table", "name it .csv, .xlsx or .json");
}

inline table axon_table(const std::vector<measured_image>& images) {
  const bool myelinated = images.empty() || images.front().options.myelinated, several = images.size() > 1;
  bool nerve = false;
  for (const auto& image : images) nerve |= !image.fascicles.empty();
  std::vector<std::string> columns;
  if (several) columns = {"image", "subject"};
  for (auto& name : morphometric_columns(myelinated)) columns.push_back(std::move(name));
  if (nerve) columns.emplace_back("fascicle");
  table rows(std::move(columns));
  for (const auto& image : images) {
    for (std::size_t i = 0; i < image.measures.table.size(); ++i) {
      std::vector<table::cell> cells;
      if (several) cells = {image.name, image.subject};
      for (auto& cell : morphometric_cells(image.measures.table[i], myelinated)) cells.push_back(std::move(cell));
      if (nerve) {
        const bool inside = i < image.in_fascicle.size() && image.in_fascicle[i] < image.fascicles.size();
        cells.emplace_back(inside ? static_cast<std::int64_t>(image.in_fascicle[i]) : std::int64_t{-1});
      }
      rows.add(std::move(cells));
    }
  }
  return rows;
}

inline table image_table(const std::vector<measured_image>& images) {
  table rows({"image", "subject", "width (px)", "height (px)", "pixel_size (um)", "axons", "avf", "mvf", "gratio_aggr",
              "mean_axon_diam", "mean_myelin_diam", "mean_myelin_thickness", "axon_density_mm2"});
  for (const auto& image : images) {
    const auto& all = image.aggregates;
    rows.add({image.name, image.subject, static_cast<std::int64_t>(image.width), static_cast<std::int64_t>(image.height),
              image.options.pixel_size, static_cast<std::int64_t>(all.axons), all.axon_volume_fraction,
              all.myelin_volume_fraction, all.g_ratio, all.mean_axon_diameter, all.mean_fibre_diameter, all.mean_thickness,
              all.density});
  }
  return rows;
}

inline table subject_table(const std::vector<measured_image>& images) {
  const std::pair<const char*, summary diameter_bin::*> metrics[] = {
      {"axon_diam", &diameter_bin::diameter}, {"gratio", &diameter_bin::g_ratio}, {"myelin_thickness", &diameter_bin::thickness}};
  std::vector<std::string> columns = {"subject", "axon_diam_bin (um)", "axons"};
  for (const auto& [name, member] : metrics)
    for (const char* what : {"mean", "sd", "min", "max", "median"}) columns.push_back(std::string(name) + "_" + what);
  table rows(std::move(columns));
  std::map<std::string, std::vector<measured_axon>> subjects;
  for (const auto& image : images) {
    auto& of = subjects[image.subject];
    of.insert(of.end(), image.measures.table.begin(), image.measures.table.end());
  }
  for (const auto& [subject, axons] : subjects) {
    for (const auto& bin : bin_by_diameter(axons)) {
      std::vector<table::cell> cells = {subject, bin.name, static_cast<std::int64_t>(bin.diameter.count)};
      for (const auto& [name, member] : metrics) {
        const summary& one = bin.*member;
        cells.insert(cells.end(), {one.mean, one.deviation, one.least, one.greatest, one.median});
      }
      rows.add(std::move(cells));
    }
  }
  return rows;
}

inline table fascicle_table(const std::vector<measured_image>& images) {
  table rows({"image", "subject", "fascicle", "area (um^2)", "axons", "axon_density (um^-2)"});
  for (const auto& image : images) {
    for (std::size_t i = 0; i < image.fascicles.size(); ++i) {
      const auto& one = image.fascicles[i];
      rows.add(
          {image.name, image.subject, static_cast<std::int64_t>(i), one.area, static_cast<std::int64_t>(one.axons), one.density});
    }
  }
  return rows;
}

namespace detail {

/// An object of columns; NaN becomes null.
inline nlohmann::ordered_json columns_as_json(const table& rows) {
  nlohmann::ordered_json columns = nlohmann::ordered_json::object();
  for (std::size_t c = 0; c < rows.columns().size(); ++c) {
    auto& column = columns[rows.columns()[c]] = nlohmann::ordered_json::array();
    for (const auto& row : rows.rows()) std::visit([&column](const auto& value) { column.push_back(value); }, row[c]);
  }
  return columns;
}

}  // namespace detail

inline std::vector<std::filesystem::path> write_morphometrics(const std::filesystem::path& path,
                                                              const std::vector<measured_image>& images) {
  check_morphometrics_path(path);
  const auto extension = detail::lower_case(path.extension().string());
  std::vector<sheet> sheets = {{"axons", axon_table(images)}, {"images", image_table(images)}};
  // Of unmyelinated axons, which have no g-ratio, no bin holds any.
  if (images.empty() || images.front().options.myelinated) sheets.push_back({"subjects", subject_table(images)});
  if (auto fascicles = fascicle_table(images); fascicles.size() > 0) sheets.push_back({"fascicles", std::move(fascicles)});
  if (extension == ".xlsx") {
    write_xlsx(path, sheets);
    return {path};
  }
  if (extension == ".json") {
    nlohmann::ordered_json all;
    for (const auto& one : sheets) all[one.name] = detail::columns_as_json(one.rows);
    replace_file(path, all.dump(1) + "\n");
    return {path};
  }
  std::vector<std::filesystem::path> written;
  for (const auto& one : sheets) {
    written.push_back(written.empty() ? path
                                      : path.parent_path() / (path.stem().string() + "_" + one.name + path.extension().string()));
    write_csv(written.back(), one.rows);
  }
  return written;
}

}  // namespace axonzoo
