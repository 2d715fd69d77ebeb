#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include <axonzoo/report/html.hpp>

namespace axonzoo {

/// Round numbers from `low` to `high`, about `count` of them.
[[nodiscard]] inline std::vector<double> round_ticks(double low, double high, int count = 6) {
  const double rough = (high - low) / count;
  std::vector<double> ticks;
  if (!(rough > 0) || !std::isfinite(rough)) return {low};
  const double power = std::pow(10, std::floor(std::log10(rough))), share = rough / power;
  const double step = power * (share <= 1 ? 1 : share <= 2 ? 2 : share <= 5 ? 5 : 10);
  for (double k = std::ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; ++k)
    ticks.push_back(k * step + 0.);  // -0 becomes 0
  return ticks;
}

/// A number for people: up to `digits` significant ones, no exponent for what is usual in histology.
[[nodiscard]] inline std::string short_number(double value, int digits = 3) {
  if (!std::isfinite(value)) return "\u2013";
  char text[40];
  if (std::abs(value) >= std::pow(10, digits) && std::abs(value) < 1e9)
    std::snprintf(text, sizeof text, "%.0f", value);
  else
    std::snprintf(text, sizeof text, "%.*g", digits, value);
  return text;
}

/// A plot as one `<svg>` element for a page, of bars, points and lines; colours are the page's variables, values show when
/// pointed at. Drawn by itself, without gnuplot, since it may hold thousands of points that are to be pointed at.
class chart {
 public:
  struct axis {
    std::string title;  ///< with its unit
    double low = 0, high = 1;
  };

  chart(axis x, axis y, int width = 560, int height = 340) : x_(std::move(x)), y_(std::move(y)), width_(width), height_(height) {
    if (!(x_.high > x_.low)) x_.high = x_.low + 1;
    if (!(y_.high > y_.low)) y_.high = y_.low + 1;
  }

  /// A bar from the x axis; `note` shows when it is pointed at.
  void bar(double from, double to, double value, std::string_view colour, const std::string& note, double opacity = 1) {
    const double left = at_x(from) + 0.5, right = at_x(to) - 0.5, top = at_y(value);
    if (!(at_y(y_.low) - top > 0)) return;
    body_ += "<rect x=\"" + text(left) + "\" y=\"" + text(top) + "\" width=\"" + text(std::max(right - left, 0.5)) +
             "\" height=\"" + text(at_y(y_.low) - top) + "\" style=\"fill:var(--" + std::string(colour) +
             ");fill-opacity:" + text(opacity) + "\">" + title(note) + "</rect>";
  }
  void point(double x, double y, std::string_view colour, const std::string& note, double opacity = 0.55, double radius = 2.2) {
    if (!(x >= x_.low && x <= x_.high && y >= y_.low && y <= y_.high)) return;
    body_ += "<circle cx=\"" + text(at_x(x)) + "\" cy=\"" + text(at_y(y)) + "\" r=\"" + text(radius) + "\" style=\"fill:var(--" +
             std::string(colour) + ");fill-opacity:" + text(opacity) + "\">" + title(note) + "</circle>";
  }
  void line(const std::vector<double>& x, const std::vector<double>& y, std::string_view colour, double width = 2) {
    std::string points;
    for (std::size_t i = 0; i < x.size(); ++i)
      if (std::isfinite(y[i])) points += text(at_x(x[i])) + "," + text(at_y(std::clamp(y[i], y_.low, y_.high))) + " ";
    body_ += "<polyline points=\"" + points + "\" style=\"fill:none;stroke:var(--" + std::string(colour) +
             ");stroke-width:" + text(width) + "\"/>";
  }
  /// A name in the plot's own text size, at a place in the axes' units; `anchor` is SVG's.
  void label(double x, double y, const std::string& words, const char* anchor = "start") {
    body_ += "<text x=\"" + text(at_x(x)) + "\" y=\"" + text(at_y(y)) + "\" text-anchor=\"" + anchor +
             "\" style=\"fill:var(--muted)\">" + html(words) + "</text>";
  }

  [[nodiscard]] std::string str(const std::string& description) const {
    std::string frame;
    for (const double tick : round_ticks(y_.low, y_.high, 5)) {
      const auto y = text(at_y(tick));
      frame += "<line x1=\"" + text(left) + "\" x2=\"" + text(width_ - right) + "\" y1=\"" + y + "\" y2=\"" + y +
               "\" style=\"stroke:var(--grid)\"/><text x=\"" + text(left - 7) + "\" y=\"" + text(at_y(tick) + 4) +
               "\" text-anchor=\"end\" style=\"fill:var(--muted)\">" + short_number(tick, 4) + "</text>";
    }
    for (const double tick : round_ticks(x_.low, x_.high, 7)) {
      frame += "<line x1=\"" + text(at_x(tick)) + "\" x2=\"" + text(at_x(tick)) + "\" y1=\"" + text(height_ - bottom) +
               "\" y2=\"" + text(height_ - bottom + 4) + "\" style=\"stroke:var(--muted)\"/><text x=\"" + text(at_x(tick)) +
               "\" y=\"" + text(height_ - bottom + 18) + "\" text-anchor=\"middle\" style=\"fill:var(--muted)\">" +
               short_number(tick, 4) + "</text>";
    }
    frame += "<line x1=\"" + text(left) + "\" x2=\"" + text(width_ - right) + "\" y1=\"" + text(height_ - bottom) + "\" y2=\"" +
             text(height_ - bottom) + "\" style=\"stroke:var(--muted)\"/>";
    const double middle = (top + height_ - bottom) / 2;
    frame += "<text x=\"" + text((left + width_ - right) / 2) + "\" y=\"" + text(height_ - 8) +
             "\" text-anchor=\"middle\" style=\"fill:var(--ink)\">" + html(x_.title) + "</text><text transform=\"translate(13 " +
             text(middle) + ") rotate(-90)\" text-anchor=\"middle\" style=\"fill:var(--ink)\">" + html(y_.title) + "</text>";
    return "<svg class=\"plot\" role=\"img\" aria-label=\"" + html(description) + "\" viewBox=\"0 0 " + std::to_string(width_) +
           " " + std::to_string(height_) + "\" xmlns=\"http://www.w3.org/2000/svg\" style=\"max-width:" + std::to_string(width_) +
           "px\" font-size=\"12\">" + frame + body_ + "</svg>";
  }

 private:
  static constexpr double left = 68, right = 14, top = 12, bottom = 46;

  static std::string text(double value) {
    char digits[32];
    std::snprintf(digits, sizeof digits, "%.2f", value);
    std::string out = digits;
    while (out.back() == '0') out.pop_back();
    if (out.back() == '.') out.pop_back();
    return out;
  }
  static std::string title(const std::string& note) { return note.empty() ? "" : "<title>" + html(note) + "</title>"; }
  double at_x(double x) const { return left + (x - x_.low) / (x_.high - x_.low) * (width_ - left - right); }
  double at_y(double y) const { return height_ - bottom - (y - y_.low) / (y_.high - y_.low) * (height_ - top - bottom); }

  axis x_, y_;
  int width_, height_;
  std::string body_;
};

}  // namespace axonzoo
