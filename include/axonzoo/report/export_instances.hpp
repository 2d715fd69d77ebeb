#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <ostream>
#include <string>
#include <tiffio.h>
#include <unistd.h>
#include <vector>

#include <nlohmann/json.hpp>

#include <axonzoo/core/error.hpp>
#include <axonzoo/data/listing.hpp>
#include <axonzoo/io/npy.hpp>
#include <axonzoo/io/replace_file.hpp>
#include <axonzoo/io/zip_writer.hpp>
#include <axonzoo/measure/measured_image.hpp>
#include <axonzoo/measure/morphometric_table.hpp>
#include <axonzoo/measure/outline.hpp>

namespace axonzoo {

/// What other programs read: `labels` (16-bit TIFF, 32 bits beyond 65,535 instances), `npy` (int32), `geojson` (QuPath), `roi`
/// (zip of ImageJ and Fiji), `coco` (run-lengths).
inline const std::vector<std::string>& export_formats() {
  static const std::vector<std::string> names = {"labels", "npy", "geojson", "roi", "coco"};
  return names;
}

/// Writes axons and fibres of an image in one of these formats to <folder>/<image>_axons... and _fibres...; returns the files.
/// Numbers of instances are those of the axons' components, from 1. Throws `error` for an unknown format, for an image whose runs
/// were not kept, for one too large for ImageJ, and when writing fails.
std::vector<std::filesystem::path> export_instances(const std::filesystem::path& folder, const measured_image& measured,
                                                    const std::string& format);

namespace detail {

inline void write_label_tiff(const std::filesystem::path& path, const instance_image& labels) {
  const auto height = labels.shape(0), width = labels.shape(1);
  const bool wide = labels.size() > 0 && *std::max_element(labels.begin(), labels.end()) > 65535;
  remove_on_exit partial{path.parent_path() / ("." + path.filename().string() + "." + std::to_string(::getpid()) + ".partial")};
  std::unique_ptr<TIFF, decltype(&TIFFClose)> file(
      TIFFOpen(partial.path.c_str(), labels.size() > (std::size_t{1} << 29) ? "w8" : "w"), &TIFFClose);
  if (!file) refuse_to_write(path, errno);
  TIFFSetField(file.get(), TIFFTAG_IMAGEWIDTH, static_cast<std::uint32_t>(width));
  TIFFSetField(file.get(), TIFFTAG_IMAGELENGTH, static_cast<std::uint32_t>(height));
  TIFFSetField(file.get(), TIFFTAG_BITSPERSAMPLE, wide ? 32 : 16);
  TIFFSetField(file.get(), TIFFTAG_SAMPLESPERPIXEL, 1);
  TIFFSetField(file.get(), TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
  TIFFSetField(file.get(), TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  TIFFSetField(file.get(), TIFFTAG_COMPRESSION, COMPRESSION_ADOBE_DEFLATE);
  TIFFSetField(file.get(), TIFFTAG_ROWSPERSTRIP, 64);
  std::vector<std::uint16_t> narrow(width);
  std::vector<std::uint32_t> full(width);
  for (std::size_t y = 0; y < height; ++y) {
    const std::int32_t* row = labels.data() + y * width;
    std::copy_n(row, width, narrow.begin());
    std::copy_n(row, width, full.begin());
    void* const bytes = wide ? static_cast<void*>(full.data()) : static_cast<void*>(narrow.data());
    errno = 0;
    if (TIFFWriteScanline(file.get(), bytes, static_cast<std::uint32_t>(y), 0) < 0) refuse_to_write(path, errno);
  }
  file.reset();
  flush_to_disk(partial.path, path, false);
  if (::rename(partial.path.c_str(), path.c_str()) != 0) refuse_to_write(path, errno);
  partial.path.clear();
}

/// The table's row of each instance number; table.size() for none.
inline std::vector<std::size_t> rows_by_number(const measured_image& measured) {
  std::vector<std::size_t> rows;
  const auto& table = measured.measures.table;
  for (std::size_t i = 0; i < table.size(); ++i) {
    const auto number = static_cast<std::size_t>(table[i].number);
    if (rows.size() <= number) rows.resize(number + 1, table.size());
    rows[number] = i;
  }
  return rows;
}

/// QuPath: detections with classification and measurements.
inline void write_geojson(const std::filesystem::path& path, const measured_image& measured) {
  const auto row_of = rows_by_number(measured);
  replace_file(path, [&](std::ostream& out) {
    out << "{\"type\":\"FeatureCollection\",\"features\":[";
    bool first = true;
    for (const auto& [name, runs] :
         {std::pair("axon", &measured.measures.axons), std::pair("fibre", &measured.measures.fibres)}) {
      const auto instances = runs_by_instance(*runs);
      for (std::size_t i = 0; i < instances.size(); ++i) {
        const auto corners = outline_of(instances[i]);
        if (corners.empty()) continue;
        auto ring = nlohmann::json::array();
        for (const auto& corner : corners) ring.push_back({corner.x, corner.y});
        ring.push_back(ring.front());
        nlohmann::ordered_json feature = {{"type", "Feature"},
                                          {"geometry", {{"type", "Polygon"}, {"coordinates", nlohmann::json::array({ring})}}},
                                          {"properties",
                                           {{"objectType", "detection"},
                                            {"name", name + (" " + std::to_string(i + 1))},
                                            {"classification", {{"name", name}}}}}};
        if (i + 1 < row_of.size() && row_of[i + 1] < measured.measures.table.size()) {
          const auto& axon = measured.measures.table[row_of[i + 1]];
          auto& measures = feature["properties"]["measurements"] = nlohmann::ordered_json::object();
          for (const auto& column : morphometric_numbers) measures[column.name] = axon.*column.value;
        }
        out << (first ? "\n" : ",\n") << feature.dump();
        first = false;
      }
    }
    out << "\n]}\n";
  });
}

/// One region of ImageJ's ROI format (RoiDecoder): a polygon, coordinates of 16 bits relative to its box.
inline std::string imagej_roi(const std::vector<outline_corner>& corners, const std::string& doing) {
  std::int32_t left = corners[0].x, right = left, top = corners[0].y, bottom = top;
  for (const auto& corner : corners) {
    left = std::min(left, corner.x);
    right = std::max(right, corner.x);
    top = std::min(top, corner.y);
    bottom = std::max(bottom, corner.y);
  }
  if (right > 32767 || bottom > 32767 || corners.size() > 65535)
    throw error(doing, "ImageJ's regions end at 32,767 px", "write geojson or labels");
  std::string bytes = "Iout";
  const auto number = [&bytes](std::int32_t value) {
    bytes += static_cast<char>(value >> 8 & 255);
    bytes += static_cast<char>(value & 255);
  };
  number(227);
  number(0);  // a polygon
  for (const auto side : {top, left, bottom, right}) number(side);
  number(static_cast<std::int32_t>(corners.size()));
  bytes.resize(64, '\0');
  for (const auto& corner : corners) number(corner.x - left);
  for (const auto& corner : corners) number(corner.y - top);
  return bytes;
}

inline void write_imagej_rois(const std::filesystem::path& path, const std::vector<instance_run>& runs, const std::string& name) {
  const auto instances = runs_by_instance(runs);
  replace_file(path, [&](std::ostream& out) {
    zip_writer zip(out);
    for (std::size_t i = 0; i < instances.size(); ++i) {
      const auto corners = outline_of(instances[i]);
      if (!corners.empty())
        zip.add(name + "-" + std::to_string(i + 1) + ".roi", imagej_roi(corners, "cannot write '" + path.string() + "'"));
    }
    zip.finish();
  });
}

/// COCO's run-lengths: down the columns, of background and instance in turn.
inline std::vector<std::int64_t> coco_counts(const std::vector<instance_run>& runs, std::size_t height, std::size_t width) {
  const instance_bitmap inside(runs);
  std::vector<std::int64_t> counts;
  std::int64_t from = 0;  // where the count that is open began
  bool on = false;
  const auto change = [&](std::int64_t at) {
    counts.push_back(at - from);
    from = at;
    on = !on;
  };
  const auto h = static_cast<std::int64_t>(height);
  for (std::int32_t x = inside.left; x < inside.left + inside.width; ++x) {
    for (std::int32_t y = inside.top; y < inside.top + inside.height; ++y)
      if (inside(y, x) != on) change(x * h + y);
    if (on && inside.top + inside.height < h) change(x * h + inside.top + inside.height);
  }
  counts.push_back(h * static_cast<std::int64_t>(width) - from);
  return counts;
}

inline void write_coco(const std::filesystem::path& path, const measured_image& measured) {
  nlohmann::ordered_json all;
  all["images"] = {{{"id", 1}, {"file_name", measured.name}, {"height", measured.height}, {"width", measured.width}}};
  all["categories"] = {{{"id", 1}, {"name", "axon"}}, {{"id", 2}, {"name", "fibre"}}};
  auto& annotations = all["annotations"] = nlohmann::ordered_json::array();
  for (const int category : {1, 2}) {
    const auto instances = runs_by_instance(category == 1 ? measured.measures.axons : measured.measures.fibres);
    for (std::size_t i = 0; i < instances.size(); ++i) {
      if (instances[i].empty()) continue;
      const instance_bitmap box(instances[i]);
      std::int64_t area = 0;
      for (const auto& run : instances[i]) area += run.end - run.begin;
      annotations.push_back({{"id", annotations.size() + 1},
                             {"image_id", 1},
                             {"category_id", category},
                             {"instance", i + 1},
                             {"area", area},
                             {"iscrowd", 0},
                             {"bbox", {box.left, box.top, box.width, box.height}},
                             {"segmentation",
                              {{"size", {measured.height, measured.width}},
                               {"counts", coco_counts(instances[i], measured.height, measured.width)}}}});
    }
  }
  replace_file(path, all.dump() + "\n");
}

}  // namespace detail

inline std::vector<std::filesystem::path> export_instances(const std::filesystem::path& folder, const measured_image& measured,
                                                           const std::string& format) {
  const std::string doing = "cannot export '" + measured.name + "' as " + format;
  const auto& formats = export_formats();
  if (std::find(formats.begin(), formats.end(), format) == formats.end())
    throw error(doing, "no such format is known", "give labels, npy, geojson, roi or coco");
  if (measured.measures.axons.empty() && !measured.measures.table.empty())
    throw error(doing, "it was measured in bands and its outlines were not kept", "measure it without --band");
  const auto path = [&](const std::string& rest) { return folder / (measured.name + rest); };
  if (format == "geojson" || format == "coco") {
    const auto file = path(format == "coco" ? "_coco.json" : ".geojson");
    format == "coco" ? detail::write_coco(file, measured) : detail::write_geojson(file, measured);
    return {file};
  }
  std::vector<std::filesystem::path> written;
  for (const auto& [name, runs] : {std::pair("axon", &measured.measures.axons), std::pair("fibre", &measured.measures.fibres)}) {
    if (!measured.options.myelinated && runs == &measured.measures.fibres) continue;
    written.push_back(path("_" + std::string(name) + "s" +
                           (format == "labels" ? ".tif"
                            : format == "npy"  ? ".npy"
                                               : "_rois.zip")));
    if (format == "roi")
      detail::write_imagej_rois(written.back(), *runs, name);
    else if (format == "npy")
      write_npy(written.back(), paint(*runs, measured.height, measured.width));
    else
      detail::write_label_tiff(written.back(), paint(*runs, measured.height, measured.width));
  }
  return written;
}

}  // namespace axonzoo
