#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <axonzoo/io/replace_file.hpp>
#include <axonzoo/measure/aggregates.hpp>
#include <axonzoo/measure/measured_image.hpp>
#include <axonzoo/report/g_ratio_picture.hpp>
#include <axonzoo/report/morphometric_charts.hpp>
#include <axonzoo/report/morphometric_files.hpp>
#include <axonzoo/report/page.hpp>

namespace axonzoo {

/// What a report of morphometrics is made of. `pictures` has one for each image, or is empty; `groups` gives each subject's.
struct morphometric_report {
  std::string title = "Morphometrics";
  std::vector<measured_image> images;
  std::vector<g_ratio_picture> pictures;
  std::map<std::string, std::string> groups;
  std::string command;  ///< that made it; may be empty
};

/// An axon that a person should look at, and why.
struct doubtful_axon {
  std::size_t image = 0, row = 0;  ///< row of the image's table
  std::string why;
};

/// Axons whose numbers are implausible: without a fibre, without myelin, a g-ratio below 0.3 or from 0.95, a diameter more than
/// three interquartile ranges above the third quartile of the set, a solidity below 0.75.
std::vector<doubtful_axon> doubtful_axons(const std::vector<measured_image>& images);

/// One HTML file that needs nothing else: pictures in the colours of g-ratios, distributions, subjects and groups, what to look
/// at again, and the table itself.
std::string morphometric_page(const morphometric_report& report);

inline std::vector<doubtful_axon> doubtful_axons(const std::vector<measured_image>& images) {
  std::vector<double> diameters;
  for (const auto& image : images)
    for (const auto& axon : image.measures.table) diameters.push_back(axon.axon_diameter);
  std::sort(diameters.begin(), diameters.end());
  double greatest = std::numeric_limits<double>::infinity();
  if (diameters.size() >= 20) {
    const double first = diameters[diameters.size() / 4], third = diameters[diameters.size() * 3 / 4];
    greatest = third + 3 * (third - first);
  }
  std::vector<doubtful_axon> found;
  for (std::size_t i = 0; i < images.size(); ++i) {
    const auto& table = images[i].measures.table;
    for (std::size_t row = 0; row < table.size(); ++row) {
      const auto& axon = table[row];
      std::string why;
      const auto add = [&why](const char* reason) { why += (why.empty() ? "" : ", ") + std::string(reason); };
      if (images[i].options.myelinated) {
        if (!axon.has_fibre) add("bent: no fibre under its centroid");
        if (axon.has_fibre && axon.myelin_area == 0) add("no myelin");
        if (axon.g_ratio < 0.3) add("g-ratio below 0.3");
        if (axon.g_ratio >= 0.95 && axon.myelin_area != 0) add("g-ratio of 0.95 or more");
      }
      if (axon.axon_diameter > greatest) add("unusually thick");
      if (axon.solidity < 0.75) add("outline far from convex");
      if (!why.empty()) found.push_back({i, row, why});
    }
  }
  return found;
}

namespace detail {

inline std::string with_spread(const summary& one, int digits = 3) {
  return short_number(one.mean, digits) + (std::isfinite(one.deviation) ? " \u00b1 " + short_number(one.deviation, 2) : "");
}

/// The mean of one measure over the axons of each subject.
inline std::map<std::string, summary> by_subject(const std::vector<measured_image>& images, double measured_axon::*value) {
  std::map<std::string, std::vector<double>> values;
  for (const auto& image : images) {
    auto& of = values[image.subject];
    for (const auto& axon : image.measures.table)
      if (std::isfinite(axon.*value)) of.push_back(axon.*value);
  }
  std::map<std::string, summary> found;
  for (auto& [subject, list] : values) found[subject] = summarise(std::move(list));
  return found;
}

inline void add_subjects(page& out, const morphometric_report& report) {
  const auto diameter = by_subject(report.images, &measured_axon::axon_diameter),
             g = by_subject(report.images, &measured_axon::g_ratio),
             myelin = by_subject(report.images, &measured_axon::myelin_thickness);
  struct totals {
    double area = 0;
    std::size_t images = 0, axons = 0;
  };
  std::map<std::string, totals> of;
  for (const auto& image : report.images) {
    auto& one = of[image.subject];
    ++one.images;
    one.axons += image.aggregates.axons;
    if (image.aggregates.density > 0) one.area += static_cast<double>(image.aggregates.axons) / image.aggregates.density;
  }
  page_table table;
  table.columns = {{"", "subject", "", true},
                   {"", "group", "", true},
                   {"", "images"},
                   {"", "axons"},
                   {"", "density (mm\u207b\u00b2)"},
                   {"mean \u00b1 SD over axons", "axon diameter (um)"},
                   {"mean \u00b1 SD over axons", "myelin (um)"},
                   {"mean \u00b1 SD over axons", "g-ratio"}};
  std::map<std::string, std::vector<std::string>> members;
  for (const auto& [subject, one] : of) {
    const auto group = report.groups.contains(subject) ? report.groups.at(subject) : std::string();
    members[group].push_back(subject);
    const double density = one.area > 0 ? static_cast<double>(one.axons) / one.area : 0;
    const auto cell = [](const summary& s) {
      page_cell made{short_number(s.mean)};
      made.spread = std::isfinite(s.deviation) ? "\u00b1 " + short_number(s.deviation, 2) : "";
      made.sort = s.mean;
      return made;
    };
    table.rows.push_back({{{subject},
                           {group.empty() ? "\u2013" : group},
                           {std::to_string(one.images), {}, {}, static_cast<double>(one.images)},
                           {std::to_string(one.axons), {}, {}, static_cast<double>(one.axons)},
                           {short_number(density), {}, {}, density},
                           cell(diameter.at(subject)),
                           cell(myelin.at(subject)),
                           cell(g.at(subject))}});
  }
  table.caption = "Each subject's axons pooled over its images.";
  out.table(table);
  if (of.size() < 2) return;
  page_table groups;
  groups.columns = {{"", "group", "", true},
                    {"", "subjects"},
                    {"mean \u00b1 SD over subjects' means", "axon diameter (um)"},
                    {"mean \u00b1 SD over subjects' means", "myelin (um)"},
                    {"mean \u00b1 SD over subjects' means", "g-ratio"}};
  groups.sortable = false;
  for (const auto& [group, subjects] : members) {
    page_table::row row{{{group.empty() ? "all" : group}, {std::to_string(subjects.size())}}};
    for (const auto* measure : {&diameter, &myelin, &g}) {
      std::vector<double> means;
      for (const auto& subject : subjects)
        if (std::isfinite(measure->at(subject).mean)) means.push_back(measure->at(subject).mean);
      row.cells.push_back({with_spread(summarise(means))});
    }
    groups.rows.push_back(std::move(row));
  }
  groups.caption = "A group's spread is over subjects, which are independent, not over axons, which are not.";
  out.table(groups);
}

inline void add_quality(page& out, const morphometric_report& report, const std::vector<doubtful_axon>& doubtful) {
  std::vector<double> sharpness;
  for (const auto& picture : report.pictures)
    if (std::isfinite(picture.sharpness)) sharpness.push_back(picture.sharpness);
  const double usual = summarise(sharpness).median;
  page_table table;
  table.columns = {{"", "image", "", true},
                   {"", "axons"},
                   {"share of axons", "touching the border"},
                   {"share of axons", "to look at again"},
                   {"", "sharpness"},
                   {"", "remark", "", true}};
  for (std::size_t i = 0; i < report.images.size(); ++i) {
    const auto& image = report.images[i];
    const auto axons = static_cast<double>(image.measures.table.size());
    const auto border = static_cast<double>(std::count_if(image.measures.table.begin(), image.measures.table.end(),
                                                          [](const auto& axon) { return axon.touches_border; }));
    const auto wrong =
        static_cast<double>(std::count_if(doubtful.begin(), doubtful.end(), [i](const auto& one) { return one.image == i; }));
    const double sharp = i < report.pictures.size() ? report.pictures[i].sharpness : std::nan("");
    std::string remark;
    const auto add = [&remark](const std::string& text) { remark += (remark.empty() ? "" : "; ") + text; };
    if (axons == 0) add("no axon");
    if (sharpness.size() >= 3 && sharp < 0.5 * usual) add("less than half as sharp as the set: out of focus?");
    if (axons >= 20 && wrong > 0.1 * axons) add("many implausible axons: check the masks and the pixel size");
    if (axons >= 20 && border > 0.3 * axons) add("many cut axons: the field is small for its axons");
    const auto percent = [axons](double part) {
      return axons > 0 ? short_number(100 * part / axons, 2) + " %" : std::string("\u2013");
    };
    table.rows.push_back({{{image.name},
                           {std::to_string(image.measures.table.size()), {}, {}, axons},
                           {percent(border), {}, {}, border / axons},
                           {percent(wrong), {}, {}, wrong / axons},
                           {short_number(sharp), {}, {}, sharp},
                           {remark, {}, {}, std::nan(""), false, !remark.empty()}}});
  }
  table.caption =
      "Sharpness is the mean size of the micrograph's Laplacian against its standard deviation; compare images of one "
      "microscope.";
  out.table(table);
}

inline void add_doubtful(page& out, const morphometric_report& report, const std::vector<doubtful_axon>& doubtful) {
  constexpr std::size_t most = 200;
  page_table table;
  table.columns = {{"", "image", "", true}, {"", "axon"},    {"", "x (px)"},   {"", "y (px)"},
                   {"", "diameter (um)"},   {"", "g-ratio"}, {"", "solidity"}, {"", "why", "", true}};
  for (std::size_t i = 0; i < std::min(most, doubtful.size()); ++i) {
    const auto& image = report.images[doubtful[i].image];
    const auto& axon = image.measures.table[doubtful[i].row];
    const auto cell = [](double value) { return page_cell{short_number(value), {}, {}, value}; };
    table.rows.push_back({{{image.name},
                           {std::to_string(doubtful[i].row), {}, {}, static_cast<double>(doubtful[i].row)},
                           {short_number(axon.x, 5), {}, {}, axon.x},
                           {short_number(axon.y, 5), {}, {}, axon.y},
                           cell(axon.axon_diameter),
                           cell(axon.g_ratio),
                           cell(axon.solidity),
                           {doubtful[i].why}}});
  }
  table.caption = doubtful.size() > most ? "The first " + std::to_string(most) + " of " + std::to_string(doubtful.size()) + "."
                                         : "Axons count from 0, as rows of an image's table.";
  out.table(table);
}

}  // namespace detail

inline std::string morphometric_page(const morphometric_report& report) {
  std::size_t axons = 0;
  std::map<std::string, int> subjects;
  for (const auto& image : report.images) {
    axons += image.measures.table.size();
    ++subjects[image.subject];
  }
  const bool myelinated = report.images.empty() || report.images.front().options.myelinated;
  const auto doubtful = doubtful_axons(report.images);
  const auto means = [&](double measured_axon::*value) {
    std::vector<double> list;
    for (const auto& [subject, one] : detail::by_subject(report.images, value))
      if (std::isfinite(one.mean)) list.push_back(one.mean);
    return summarise(list);
  };
  page out(report.title);
  out.lead(html(std::to_string(axons) + " axons of " + std::to_string(report.images.size()) +
                (report.images.size() == 1 ? " image" : " images") + " of " + std::to_string(subjects.size()) +
                (subjects.size() == 1 ? " subject." : " subjects.")));
  out.contents();
  std::string tiles;
  const auto tile = [&tiles](const std::string& name, const std::string& value, const std::string& note) {
    tiles += "<div><dt>" + html(name) + "</dt><dd>" + html(value) + "<small>" + html(note) + "</small></dd></div>";
  };
  const std::string over = subjects.size() > 1 ? "mean \u00b1 SD over subjects" : "mean over axons";
  tile("Axon diameter", detail::with_spread(means(&measured_axon::axon_diameter)) + " um", over);
  if (myelinated) {
    tile("g-ratio", detail::with_spread(means(&measured_axon::g_ratio)), over);
    tile("Myelin thickness", detail::with_spread(means(&measured_axon::myelin_thickness)) + " um", over);
  }
  out.raw("<dl class=\"facts\">" + tiles + "</dl>");

  if (!report.pictures.empty()) {
    out.section("pictures", "Pictures");
    out.paragraph("Fibres in the colours of their g-ratios; point at one to read its numbers. " + detail::g_ratio_legend());
    constexpr std::size_t most = 40;
    for (std::size_t i = 0; i < std::min(most, report.images.size()); ++i) {
      if (report.pictures[i].jpeg.empty()) continue;
      out.heading(report.images[i].name);
      out.raw(g_ratio_figure(report.images[i], report.pictures[i]));
    }
    if (report.images.size() > most)
      out.paragraph("The first " + std::to_string(most) + " of " + std::to_string(report.images.size()) + " images.");
  }
  out.section("distributions", "Distributions");
  out.figure(distribution_charts(report.images),
             "Axons of all images; the line through the points joins medians. Colours of points and of densities are subjects. "
             "Point at a bar or a point to read it.");
  out.section("images", "Images");
  detail::add_images(out, report.images);
  out.section("subjects", "Subjects");
  detail::add_subjects(out, report);
  out.section("quality", "Quality");
  detail::add_quality(out, report, doubtful);
  if (!doubtful.empty()) {
    out.section("doubtful", "To look at again");
    detail::add_doubtful(out, report, doubtful);
  }
  out.section("method", "Method");
  detail::add_method(out, report.images, report.command);
  out.section("table", "Table");
  const auto rows = axon_table(report.images);
  std::string csv = format_csv_row(rows.columns());
  for (const auto& row : rows.rows()) csv += format_csv_row(row);
  if (csv.size() < 8000000)
    out.paragraph("<a download=\"axons.csv\" href=\"data:text/csv;base64," + base64(csv) + "\">axons.csv</a>, one row an axon (" +
                  std::to_string(rows.size()) + " rows).");
  else
    out.paragraph("The table of all axons is too large for a page and lies beside it.");
  return out.str();
}

}  // namespace axonzoo
