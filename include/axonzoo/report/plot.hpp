#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/report/gnuplot.hpp>
#include <axonzoo/report/plot_key.hpp>

namespace axonzoo {

/// What stands around the data of a plot. A limit that is NaN is taken from the data. The key comes on top of `height`.
struct plot_axes {
  std::string x = {}, y = {};  ///< titles with units: "training time (min)"
  bool log_x = false, log_y = false;
  double x_low = std::numeric_limits<double>::quiet_NaN(), x_high = x_low, y_low = x_low, y_high = x_low;
  int width = 720, height = 380;
};

/// Points of one name. NaN leaves a gap. `notes` are tooltips of the points.
struct plot_series {
  std::string title;
  std::vector<double> x, y;
  std::vector<double> y_spread = {};  ///< half lengths of vertical error bars; empty: none
  std::vector<std::string> notes = {};
  unsigned colour = 1;  ///< 1..8, see plot_colours
  unsigned marker = 0;  ///< 0 circle, 1 square, 2 triangle, 3 diamond, 4 inverted triangle; + 8: open
  unsigned dash = 1;    ///< 1 solid, 2.. gnuplot's dash types
  double opacity = 1;
};

/// One value of each category.
struct plot_part {
  std::string title;
  std::vector<double> values;
  std::vector<double> spread = {};       ///< half lengths of error bars; empty: none
  std::vector<std::string> labels = {};  ///< texts at the bars' ends; empty: none
  std::string colour = "series-1";
  double opacity = 1;
};

namespace detail {

inline std::string number(double value) {
  if (!std::isfinite(value)) return "NaN";
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}
inline std::string cell(std::string_view text) {
  std::string out(text.empty() ? " " : text);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < ' ' || c == '"') c = c == '"' ? '\'' : ' ';
  return out;
}
inline std::string colour(const std::string& name, double opacity = 1) {
  return "rgb " + std::to_string(gnuplot_colour(name, opacity));
}

/// Limits a little outside the data, where none is given.
inline std::string range(double low, double high, double smallest, double largest, bool log) {
  if (log) smallest = std::log(smallest), largest = std::log(largest);
  const double pad = largest > smallest ? 0.05 * (largest - smallest) : log ? 0.5 : std::max(std::abs(largest) * 0.05, 1e-9);
  const auto back = [log](double value) { return number(log ? std::exp(value) : value); };
  return '[' + (std::isfinite(low) ? number(low) : back(smallest - pad)) + ':' +
         (std::isfinite(high) ? number(high) : back(largest + pad)) + ']';
}

inline void head(std::ostream& out, const plot_axes& axes, int key_height) {
  const std::string muted = " textcolor " + colour("muted");
  out << "set datafile separator \"\\t\"\nset border 3 lc " << colour("muted") << "\nset tics nomirror out scale 0.5" << muted
      << "\nset grid ytics lc " << colour("grid") << " lt 1 lw 1\nset xlabel " << gnuplot_text(axes.x) << muted << "\nset ylabel "
      << gnuplot_text(axes.y) << muted << "\nset key off\nset pointintervalbox 0\nset errorbars small\nset tmargin at screen "
      << number(1 - (key_height + 12.) / (axes.height + key_height)) << '\n';
}

/// A logarithmic axis, but a linear one where the data span less than a factor of three; ticks by their span.
inline bool log_axis(std::ostream& out, const char* axis, double smallest, double largest) {
  if (!(smallest > 0) || largest < 3 * smallest) return false;
  out << "set logscale " << axis << "\nset " << axis << "tics (";
  const bool many = largest < 30 * smallest;
  for (int k = -9; k < 15; ++k)
    for (const int first : {1, 2, 3, 5, 7})
      if (many || first == 1 || first == 2 || first == 5) out << (k > -9 || first > 1 ? "," : "") << first << 'e' << k;
  out << ")\n";
  return true;
}

inline void blocks(std::ostream& out, const plot_axes& axes, const std::vector<plot_series>& series) {
  std::array<double, 4> limits{1e300, -1e300, 1e300, -1e300};
  for (std::size_t s = 0; s < series.size(); ++s) {
    const auto& one = series[s];
    out << "$d" << s << " << EOD\n";
    for (std::size_t i = 0; i < std::min(one.x.size(), one.y.size()); ++i) {
      const double spread = i < one.y_spread.size() && std::isfinite(one.y_spread[i]) ? one.y_spread[i] : 0;
      if (std::isfinite(one.x[i]) && std::isfinite(one.y[i]) && (!axes.log_x || one.x[i] > 0) &&
          (!axes.log_y || one.y[i] - spread > 0))
        limits = {std::min(limits[0], one.x[i]), std::max(limits[1], one.x[i]), std::min(limits[2], one.y[i] - spread),
                  std::max(limits[3], one.y[i] + spread)};
      out << number(one.x[i]) << '\t' << number(one.y[i]) << '\t' << number(spread) << '\t'
          << cell(i < one.notes.size() ? one.notes[i] : one.title) << '\n';
    }
    out << "EOD\n";
  }
  if (limits[1] < limits[0])
    throw error("cannot draw a plot", "it has no point", "give it finite numbers, above 0 on a logarithmic axis");
  const bool log_x = axes.log_x && log_axis(out, "x", limits[0], limits[1]),
             log_y = axes.log_y && log_axis(out, "y", limits[2], limits[3]);
  out << "set xrange " << range(axes.x_low, axes.x_high, limits[0], limits[1], log_x) << "\nset yrange "
      << range(axes.y_low, axes.y_high, limits[2], limits[3], log_y) << '\n';
}

inline plot_key key_of(const std::vector<plot_series>& series, key_entry::shape how, int width) {
  std::vector<key_entry> entries;
  for (const auto& one : series)
    entries.push_back({one.title, how, "series-" + std::to_string(one.colour), one.opacity, one.dash, one.marker});
  return {entries, width};
}

inline std::string point(const plot_series& one) {
  static constexpr int filled[] = {7, 5, 9, 13, 11}, open[] = {6, 4, 8, 12, 10};
  return std::to_string(one.marker & 8 ? open[(one.marker & 7) % 5] : filled[one.marker % 5]);
}

}  // namespace detail

/// Each series as a line, with its points where they are few. Gives an `<svg>` element.
[[nodiscard]] inline std::string plot_lines(const plot_axes& axes, const std::vector<plot_series>& series) {
  const auto key = detail::key_of(series, key_entry::shape::line, axes.width);
  std::ostringstream out;
  detail::head(out, axes, key.height());
  detail::blocks(out, axes, series);
  out << "plot ";
  for (std::size_t s = 0; s < series.size(); ++s) {
    const auto& one = series[s];
    const std::string colour = detail::colour("series-" + std::to_string(one.colour), one.opacity),
                      data = "$d" + std::to_string(s);
    out << (s ? ", " : "") << data << " using 1:2 with lines lw 2 dt " << one.dash << " lc " << colour;
    if (one.x.size() <= 60)
      out << ", " << data << " using 1:2:4 with labels hypertext point pt " << detail::point(one) << " ps 0.45 lc " << colour;
  }
  return key.into(gnuplot_svg(out.str(), axes.width, axes.height + key.height()));
}

/// Each series as points, with error bars where it has spreads. Gives an `<svg>` element.
[[nodiscard]] inline std::string plot_scatter(const plot_axes& axes, const std::vector<plot_series>& series) {
  const auto key = detail::key_of(series, key_entry::shape::point, axes.width);
  std::ostringstream out;
  detail::head(out, axes, key.height());
  detail::blocks(out, axes, series);
  out << "set grid xtics ytics lc " << detail::colour("grid") << " lt 1 lw 1\nplot ";
  for (std::size_t s = 0; s < series.size(); ++s) {
    const auto& one = series[s];
    const std::string colour = detail::colour("series-" + std::to_string(one.colour), one.opacity),
                      data = "$d" + std::to_string(s);
    out << (s ? ", " : "");
    if (!one.y_spread.empty()) out << data << " using 1:2:3 with yerrorbars ps 0 lw 1.5 lc " << colour << ", ";
    out << data << " using 1:2:4 with labels hypertext point pt " << detail::point(one) << " ps 1.1 lw 2 lc " << colour;
  }
  return key.into(gnuplot_svg(out.str(), axes.width, axes.height + key.height()));
}

}  // namespace axonzoo
