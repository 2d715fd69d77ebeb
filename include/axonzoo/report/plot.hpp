#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/report/gnuplot.hpp>

namespace axonzoo {

/// What stands around the data of a plot. A limit that is NaN is taken from the data.
struct plot_axes {
  std::string x = {}, y = {};  ///< titles with units: "training time (min)"
  bool log_x = false, log_y = false;
  double x_low = std::numeric_limits<double>::quiet_NaN(), x_high = x_low, y_low = x_low, y_high = x_low;
  int width = 720, height = 400;
  bool key = true;
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
  std::vector<double> spread = {};         ///< half lengths of error bars; empty: none
  std::vector<std::string> labels = {};    ///< texts at the bars' ends; empty: none
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
inline std::string limit(double value) { return std::isfinite(value) ? number(value) : "*"; }
inline std::string cell(std::string_view text) {
  std::string out(text.empty() ? " " : text);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < ' ' || c == '"') c = c == '"' ? '\'' : ' ';
  return out;
}
inline std::string colour(const std::string& name, double opacity = 1) { return "rgb " + std::to_string(gnuplot_colour(name, opacity)); }

inline void head(std::ostream& out, const plot_axes& axes) {
  const std::string ink = " textcolor " + colour("ink"), muted = " textcolor " + colour("muted");
  out << "set datafile separator \"\\t\"\nset border 3 lc " << colour("muted") << "\nset tics nomirror out scale 0.5" << muted
      << "\nset grid ytics lc " << colour("grid") << " lt 1 lw 1\nset xlabel " << gnuplot_text(axes.x) << muted << "\nset ylabel "
      << gnuplot_text(axes.y) << muted << "\nset key " << (axes.key ? "outside top left horizontal Left reverse samplen 1.6" : "off") << ink
      << "\nset pointintervalbox 0\nset errorbars small\n";
  for (const char* axis : {"x", "y"}) {
    if (!(*axis == 'x' ? axes.log_x : axes.log_y)) continue;
    out << "set logscale " << axis << "\nset " << axis << "tics (";
    for (int k = -9; k < 15; ++k)
      for (const int first : {1, 2, 5}) out << (k > -9 || first > 1 ? "," : "") << first << 'e' << k;
    out << ")\n";
  }
  out << "set xrange [" << limit(axes.x_low) << ':' << limit(axes.x_high) << "]\nset yrange [" << limit(axes.y_low) << ':'
      << limit(axes.y_high) << "]\nset offsets graph 0.02, graph 0.04, graph 0.05, graph 0.03\n";
}

inline void blocks(std::ostream& out, const std::vector<plot_series>& series) {
  std::size_t finite = 0;
  for (std::size_t s = 0; s < series.size(); ++s) {
    const auto& one = series[s];
    out << "$d" << s << " << EOD\n";
    for (std::size_t i = 0; i < std::min(one.x.size(), one.y.size()); ++i) {
      finite += std::isfinite(one.x[i]) && std::isfinite(one.y[i]);
      out << number(one.x[i]) << '\t' << number(one.y[i]) << '\t' << number(i < one.y_spread.size() ? one.y_spread[i] : 0) << '\t'
          << cell(i < one.notes.size() ? one.notes[i] : one.title) << '\n';
    }
    out << "EOD\n";
  }
  if (finite == 0) throw error("cannot draw a plot", "it has no point", "give it finite numbers");
}

inline std::string point(const plot_series& one) {
  static constexpr int filled[] = {7, 5, 9, 13, 11}, open[] = {6, 4, 8, 12, 10};
  return std::to_string(one.marker & 8 ? open[(one.marker & 7) % 5] : filled[one.marker % 5]);
}

}  // namespace detail

/// Each series as a line, with its points where they are few. Gives an `<svg>` element.
[[nodiscard]] inline std::string plot_lines(const plot_axes& axes, const std::vector<plot_series>& series) {
  std::ostringstream out;
  detail::head(out, axes);
  detail::blocks(out, series);
  out << "plot ";
  for (std::size_t s = 0; s < series.size(); ++s) {
    const auto& one = series[s];
    const std::string colour = detail::colour("series-" + std::to_string(one.colour), one.opacity);
    out << (s ? ", " : "") << "$d" << s << " using 1:2 with lines lw 2 dt " << one.dash << " lc " << colour
        << (one.title.empty() ? " notitle" : " title " + gnuplot_text(one.title));
    if (one.x.size() <= 60)
      out << ", $d" << s << " using 1:2:4 with labels hypertext point pt " << detail::point(one) << " ps 0.45 lc " << colour << " notitle";
  }
  return gnuplot_svg(out.str(), axes.width, axes.height);
}

/// Each series as points, with error bars where it has spreads. Gives an `<svg>` element.
[[nodiscard]] inline std::string plot_scatter(const plot_axes& axes, const std::vector<plot_series>& series) {
  std::ostringstream out;
  detail::head(out, axes);
  detail::blocks(out, series);
  out << "set grid xtics ytics lc " << detail::colour("grid") << " lt 1 lw 1\nplot ";
  for (std::size_t s = 0; s < series.size(); ++s) {
    const auto& one = series[s];
    const std::string colour = detail::colour("series-" + std::to_string(one.colour), one.opacity), data = "$d" + std::to_string(s);
    out << (s ? ", " : "");
    if (!one.y_spread.empty()) out << data << " using 1:2:3 with yerrorbars ps 0 lw 1.5 lc " << colour << " notitle, ";
    const std::string points = " pt " + detail::point(one) + " ps 1.1 lw 2 lc " + colour;
    out << data << " using 1:2:4 with labels hypertext point" << points << " notitle, NaN with points" << points
        << (one.title.empty() ? " notitle" : " title " + gnuplot_text(one.title));
  }
  return gnuplot_svg(out.str(), axes.width, axes.height);
}

}  // namespace axonzoo
