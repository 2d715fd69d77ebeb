#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include <axonzoo/measure/aggregates.hpp>
#include <axonzoo/measure/measured_image.hpp>
#include <axonzoo/report/chart.hpp>
#include <axonzoo/report/g_ratio_picture.hpp>
#include <axonzoo/report/page.hpp>

#ifndef AXONZOO_VERSION
#define AXONZOO_VERSION "0.1.0"
#endif

namespace axonzoo {

/// A histogram of `values`, in bars of `step`; what lies beyond `high` counts into the last.
[[nodiscard]] inline std::string histogram_chart(const std::vector<double>& values, const std::string& title, double low,
                                                 double high, double step, const std::string& colour) {
  const auto bars = static_cast<std::size_t>(std::lround((high - low) / step));
  std::vector<std::size_t> count(bars);
  for (const double value : values) {
    if (!std::isfinite(value) || value < low) continue;
    ++count[std::min(bars - 1, static_cast<std::size_t>((value - low) / step))];
  }
  const auto most = *std::max_element(count.begin(), count.end());
  chart drawn({title, low, high}, {"axons", 0, 1.08 * static_cast<double>(std::max<std::size_t>(most, 1))});
  for (std::size_t i = 0; i < bars; ++i) {
    const double from = low + static_cast<double>(i) * step;
    drawn.bar(from, from + step, static_cast<double>(count[i]), colour,
              std::to_string(count[i]) + " axons from " + short_number(from) +
                  (i + 1 < bars ? " to " + short_number(from + step) : " on"));
  }
  const auto all = summarise([&] {
    std::vector<double> kept;
    for (const double value : values)
      if (std::isfinite(value)) kept.push_back(value);
    return kept;
  }());
  if (all.count > 0) {
    const double top = static_cast<double>(std::max<std::size_t>(most, 1)) * 1.02;
    drawn.line({all.mean, all.mean}, {0, top}, "series-2", 1.5);
    const bool right = all.mean < (low + high) / 2;
    drawn.label(all.mean + (right ? 0.01 : -0.01) * (high - low), top, "mean " + short_number(all.mean), right ? "start" : "end");
  }
  return drawn.str("Histogram of " + title);
}

/// Histograms of diameter and g-ratio, the g-ratio over the diameter, and each image's density.
[[nodiscard]] inline std::vector<std::string> distribution_charts(const std::vector<measured_image>& images) {
  std::vector<double> diameters, g_ratios;
  double widest = 0;
  for (const auto& image : images) {
    for (const auto& axon : image.measures.table) {
      diameters.push_back(axon.axon_diameter);
      if (std::isfinite(axon.g_ratio)) g_ratios.push_back(axon.g_ratio);
    }
  }
  auto sorted = diameters;
  std::sort(sorted.begin(), sorted.end());
  if (!sorted.empty()) widest = sorted[static_cast<std::size_t>(0.995 * static_cast<double>(sorted.size() - 1))] * 1.05;
  const double step = widest > 0 ? std::pow(10, std::floor(std::log10(widest / 8))) * 0.5 : 0.1;
  const double most = std::max(1., std::ceil(widest / step)) * step;
  std::vector<std::string> charts = {histogram_chart(diameters, "axon diameter (um)", 0, most, step, "series-1")};
  if (images.empty() || !images.front().options.myelinated) return charts;
  charts.push_back(histogram_chart(g_ratios, "g-ratio", 0.2, 1, 0.02, "series-3"));

  chart scatter({"axon diameter (um)", 0, most}, {"g-ratio", 0.2, 1});
  const std::size_t skip = 1 + diameters.size() / 4000;
  std::size_t seen = 0;
  std::map<int, std::vector<double>> binned;
  std::map<std::string, int> subjects;
  for (const auto& image : images) {
    const int colour = subjects.emplace(image.subject, static_cast<int>(subjects.size()) % 8 + 1).first->second;
    for (std::size_t i = 0; i < image.measures.table.size(); ++i) {
      const auto& axon = image.measures.table[i];
      if (!std::isfinite(axon.g_ratio)) continue;
      binned[static_cast<int>(axon.axon_diameter / (4 * step))].push_back(axon.g_ratio);
      if (seen++ % skip != 0) continue;
      scatter.point(axon.axon_diameter, axon.g_ratio, "series-" + std::to_string(colour),
                    image.name + ", axon " + std::to_string(i) + ": " + short_number(axon.axon_diameter) + " um, g " +
                        short_number(axon.g_ratio));
    }
  }
  std::vector<double> x, y;
  for (auto& [bin, values] : binned) {
    if (values.size() < 5 || (bin + 0.5) * 4 * step > most) continue;
    x.push_back((bin + 0.5) * 4 * step);
    y.push_back(summarise(values).median);
  }
  scatter.line(x, y, "ink");
  charts.push_back(scatter.str("g-ratio over axon diameter, with medians"));

  double densest = 0;
  for (const auto& image : images) densest = std::max(densest, image.aggregates.density);
  chart density({"image, in the order of the table", 0, static_cast<double>(std::max<std::size_t>(images.size(), 1))},
                {"axons a mm\u00b2", 0, 1.08 * std::max(densest, 1.)});
  for (std::size_t i = 0; i < images.size(); ++i)
    density.bar(static_cast<double>(i) + 0.1, static_cast<double>(i) + 0.9, images[i].aggregates.density,
                "series-" + std::to_string(subjects.contains(images[i].subject) ? subjects[images[i].subject] : 1),
                images[i].name + ": " + short_number(images[i].aggregates.density, 4) + " axons a mm\u00b2", 0.85);
  charts.push_back(density.str("Density of each image"));
  return charts;
}

namespace detail {

inline std::string g_ratio_legend() {
  std::string stops;
  for (int i = 0; i <= 10; ++i) {
    const auto c = g_ratio_colour(least_coloured_g + (greatest_coloured_g - least_coloured_g - 1e-9) * i / 10);
    stops += ",rgb(" + std::to_string(c[0]) + "," + std::to_string(c[1]) + "," + std::to_string(c[2]) + ")";
  }
  return "<span class=\"legend\">g " + short_number(least_coloured_g) + " <i style=\"background:linear-gradient(to right" +
         stops + ")\"></i> " + short_number(greatest_coloured_g) +
         "</span> <span class=\"legend\"><i class=\"none\"></i> 1, or none</span>";
}

inline void add_images(page& out, const std::vector<measured_image>& images) {
  page_table table;
  table.columns = {{"", "image", "", true},
                   {"", "subject", "", true},
                   {"", "px"},
                   {"", "um/px"},
                   {"", "axons"},
                   {"", "density (mm\u207b\u00b2)"},
                   {"volume fraction", "axons"},
                   {"volume fraction", "myelin"},
                   {"", "aggregate g-ratio"},
                   {"", "mean diameter (um)"}};
  for (const auto& image : images) {
    const auto& all = image.aggregates;
    const auto cell = [](double value) { return page_cell{short_number(value), {}, {}, value}; };
    table.rows.push_back(
        {{{image.name},
          {image.subject},
          {std::to_string(image.width) + " x " + std::to_string(image.height), {}, {}, static_cast<double>(image.width)},
          cell(image.options.pixel_size),
          {std::to_string(all.axons), {}, {}, static_cast<double>(all.axons)},
          cell(all.density),
          cell(all.axon_volume_fraction),
          cell(all.myelin_volume_fraction),
          cell(all.g_ratio),
          cell(all.mean_axon_diameter)}});
  }
  table.caption = "The aggregate g-ratio is \u221a(1 / (1 + MVF/AVF)), from volume fractions alone.";
  out.table(table);
}

inline void add_method(page& out, const std::vector<measured_image>& images, const std::string& command) {
  const bool circle = images.empty() || images.front().options.shape == axon_shape::circle,
             border = images.empty() || images.front().options.keep_border;
  out.paragraph(
      "Axons are 8-connected components of the axon mask. Fibres are split by a watershed on the distance within the axon mask, "
      "from a seed at each "
      "axon's centroid. The g-ratio is the axon's diameter over the fibre's; a diameter is that of " +
      std::string(circle ? "the circle of the same area" : "the minor axis of the ellipse with the same second moments") +
      ". Axons whose fibre touches the image's border are " + (border ? "kept" : "left out") +
      ". All columns are those of AxonDeepSeg 5.5.0. Made by axonzoo " + html(AXONZOO_VERSION) + ".");
  if (!command.empty()) out.preformatted(command);
}

}  // namespace detail

}  // namespace axonzoo
