#pragma once

#include <cmath>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <axonzoo/report/gnuplot.hpp>
#include <axonzoo/report/html.hpp>

namespace axonzoo {

/// One entry of a plot's key.
struct key_entry {
  enum class shape { line, point, box };
  std::string title;
  shape how = shape::box;
  std::string colour = "series-1";  ///< of plot_colours
  double opacity = 1;
  unsigned dash = 1;    ///< of a line: 1 solid
  unsigned marker = 0;  ///< of a point: see plot_series
};

/// The key above a plot, in rows from the left edge. gnuplot's own leaves out entries that do not fit beside a wide margin.
class plot_key {
 public:
  plot_key(const std::vector<key_entry>& entries, int width) {
    double x = 8, y = 16;
    for (const auto& entry : entries) {
      if (entry.title.empty()) continue;
      const double wide = 34 + 7.4 * static_cast<double>(letters(entry.title)) + 18;
      if (x > 8 && x + wide > width) x = 8, y += row;
      svg_ += mark(entry, x, y - 4.5) + "<text x=\"" + text(x + 30) + "\" y=\"" + text(y) + "\">" + html(entry.title) + "</text>";
      x += wide;
    }
    height_ = svg_.empty() ? 0 : static_cast<int>(y + 10);
  }

  [[nodiscard]] int height() const { return height_; }

  /// Puts the key into an `<svg>` whose plot leaves `height()` free on top.
  [[nodiscard]] std::string into(std::string svg) const {
    if (const auto end = svg.rfind("</svg>"); end != std::string::npos && !svg_.empty())
      svg.insert(end, "<g class=\"key\" font-size=\"13\" fill=\"currentColor\">" + svg_ + "</g>\n");
    return svg;
  }

 private:
  static constexpr double row = 19;

  static std::size_t letters(const std::string& text) {
    std::size_t count = 0;
    for (const char c : text) count += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    return count;
  }
  static std::string text(double number) {
    char out[24];
    std::snprintf(out, sizeof out, "%.1f", number);
    return out;
  }

  static std::string mark(const key_entry& entry, double x, double y) {
    std::string colour = "currentColor";
    for (const auto& one : plot_colours)
      if (entry.colour == one.variable) colour = std::string("var(--") + one.variable + ", " + one.light + ')';
    const std::string opacity = "opacity:" + std::to_string(entry.opacity).substr(0, 4);
    if (entry.how == key_entry::shape::box)
      return "<rect x=\"" + text(x) + "\" y=\"" + text(y - 5) + "\" width=\"22\" height=\"10\" style=\"fill:" + colour + ';' +
             opacity + "\"/>";
    if (entry.how == key_entry::shape::line)
      return "<path d=\"M" + text(x) + ',' + text(y) + "h24\" style=\"fill:none;stroke-width:2.2;stroke:" + colour + ';' +
             opacity + (entry.dash > 1 ? ";stroke-dasharray:5,4" : "") + "\"/>";
    const std::string style = (entry.marker & 8 ? "fill:none;" : "fill:" + colour + ';') + "stroke-width:2;stroke:" + colour;
    static constexpr const char* shapes[] = {"M-5,0a5,5 0 1,0 10,0a5,5 0 1,0 -10,0z", "M-5,-5h10v10h-10z", "M0,-6L6,5H-6z",
                                             "M0,-6L6,0L0,6L-6,0z", "M0,6L6,-5H-6z"};
    return "<path transform=\"translate(" + text(x + 14) + ',' + text(y) + ")\" d=\"" + shapes[(entry.marker & 7) % 5] +
           "\" style=\"" + style + "\"/>";
  }

  std::string svg_;
  int height_ = 0;
};

}  // namespace axonzoo
