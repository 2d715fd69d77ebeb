#pragma once

#include <axonzoo/report/plot.hpp>

namespace axonzoo {

/// Horizontal bars, the first category on top; the parts of a category side by side or, `stacked`, end to end (NaN counts
/// as nothing). `axes.height` is taken from the number of bars. Gives an `<svg>` element.
[[nodiscard]] inline std::string plot_bars(plot_axes axes, const std::vector<std::string>& categories,
                                           const std::vector<plot_part>& parts, bool stacked) {
  if (categories.empty() || parts.empty()) throw error("cannot draw bars", "there are none", "give categories and parts");
  const double count = static_cast<double>(categories.size()), lanes = stacked ? 1 : static_cast<double>(parts.size());
  std::vector<key_entry> entries;
  for (const auto& part : parts) entries.push_back({.title = part.title, .colour = part.colour, .opacity = part.opacity});
  const plot_key key(entries, axes.width);
  axes.height = static_cast<int>(80 + count * (stacked ? 30 : 12 + 16 * lanes));

  std::ostringstream out;
  detail::head(out, axes, key.height());
  out << "unset grid\nset grid xtics lc " << detail::colour("grid") << " lt 1 lw 1\nset border 2\nset ytics scale 0 textcolor "
      << detail::colour("ink") << " (";
  for (std::size_t c = 0; c < categories.size(); ++c)
    out << (c ? ", " : "") << gnuplot_text(categories[c]) << ' ' << detail::number(count - static_cast<double>(c));
  out << ")\nset style fill solid 1 noborder\n";

  std::vector<double> ends(categories.size(), 0);
  double longest = 0;
  std::size_t letters = 0;
  const double thickness = stacked ? 0.66 : 0.8 / lanes;
  for (std::size_t p = 0; p < parts.size(); ++p) {
    out << "$d" << p << " << EOD\n";
    for (std::size_t c = 0; c < categories.size(); ++c) {
      const double value = c < parts[p].values.size() ? parts[p].values[c] : std::nan("");
      const double from = stacked ? ends[c] : 0, to = stacked ? from + (std::isfinite(value) ? value : 0) : value;
      const double middle = count - static_cast<double>(c) + (stacked ? 0 : 0.4 - thickness * (static_cast<double>(p) + 0.5));
      ends[c] = to;
      const double spread = c < parts[p].spread.size() ? parts[p].spread[c] : 0, tip = to + (std::isfinite(spread) ? spread : 0);
      if (std::isfinite(tip)) longest = std::max(longest, tip);
      if (c < parts[p].labels.size()) letters = std::max(letters, parts[p].labels[c].size());
      for (const double number : {to, middle, from, to, middle - thickness * 0.46, middle + thickness * 0.46, spread, tip})
        out << detail::number(number) << '\t';
      out << detail::cell(c < parts[p].labels.size() ? parts[p].labels[c] : "") << '\n';
    }
    out << "EOD\n";
  }
  // Labels stand outside the longest bar, about 6 px a letter.
  const double room = 0.03 + 6.5 * static_cast<double>(letters) / (0.7 * axes.width);
  out << "set yrange [0.4:" << count + 0.6 << "]\nset xrange [" << detail::number(std::isfinite(axes.x_low) ? axes.x_low : 0)
      << ':' << detail::number(std::isfinite(axes.x_high) ? axes.x_high : std::max(longest, 1e-9) * (1 + room)) << "]\nplot ";
  for (std::size_t p = 0; p < parts.size(); ++p) {
    const std::string data = "$d" + std::to_string(p);
    out << (p ? ", " : "") << data << " using 1:2:3:4:5:6 with boxxyerror lc "
        << detail::colour(parts[p].colour, parts[p].opacity);
    if (!parts[p].spread.empty()) out << ", " << data << " using 1:2:7 with xerrorbars ps 0 lw 1.2 lc " << detail::colour("ink");
    if (!parts[p].labels.empty())
      out << ", " << data << " using 8:2:9 with labels left offset 0.6,0 font ',11' textcolor " << detail::colour("muted");
  }
  return key.into(gnuplot_svg(out.str(), axes.width, axes.height + key.height()));
}

namespace detail {

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines(1);
  for (const char c : text) c == '\n' ? (void)lines.emplace_back() : lines.back().push_back(c);
  return lines;
}

}  // namespace detail

/// `values[r][c]` as shaded fields with their numbers, the first row on top; NaN is an empty field. `low` and `high` are
/// the values of the palest and the fullest shade. Names of columns may have several lines. The size is taken from the data.
/// Gives an `<svg>` element.
[[nodiscard]] inline std::string plot_heat_map(plot_axes axes, const std::vector<std::string>& rows,
                                               const std::vector<std::string>& columns,
                                               const std::vector<std::vector<double>>& values, double low, double high,
                                               int digits = 2) {
  if (rows.empty() || columns.empty() || values.size() != rows.size())
    throw error("cannot draw a heat map", "rows and values do not fit", "give one row of values for each name");
  const double height = static_cast<double>(rows.size()), width = static_cast<double>(columns.size());
  std::size_t longest = 0, row_letters = 0, lines = 1;
  for (const auto& name : rows) row_letters = std::max(row_letters, name.size());
  for (const auto& name : columns) {
    const auto parts = detail::lines_of(name);
    for (const auto& part : parts) longest = std::max(longest, part.size());
    lines = std::max(lines, parts.size());
  }
  const double field = std::clamp(8.4 * static_cast<double>(longest), 64., 170.), letter_width = 7.3;
  const bool turned = width * field > 760;
  axes.width = static_cast<int>(40 + letter_width * static_cast<double>(row_letters) + (turned ? 64 + 30 : 0) +
                                std::max(260., width * (turned ? 52 : field)));
  const double below = turned ? 20 + 4.4 * static_cast<double>(longest * lines) : 18 * static_cast<double>(lines) + 16;
  axes.height = static_cast<int>(12 + 28 * height + below);

  std::ostringstream out;
  detail::head(out, axes, 0);
  out << "set bmargin at screen " << detail::number(below / axes.height)
      << "\nunset grid\nunset border\nset xrange [0.5:" << width + 0.5 << "]\nset yrange [0.5:" << height + 0.5
      << "]\nset style fill solid 1 noborder\nset format '%h'\nset ytics scale 0 textcolor " << detail::colour("ink") << " (";
  for (std::size_t r = 0; r < rows.size(); ++r)
    out << (r ? ", " : "") << gnuplot_text(rows[r]) << ' ' << detail::number(height - static_cast<double>(r));
  out << ")\nset xtics scale 0 " << (turned ? "rotate by -35 left" : "") << " textcolor " << detail::colour("ink") << " (";
  for (std::size_t c = 0; c < columns.size(); ++c) {
    std::string name;
    for (const auto& line : detail::lines_of(columns[c]))
      name += (name.empty() ? "" : turned ? ".' '." : ".\"\\n\".") + gnuplot_text(line);
    out << (c ? ", " : "") << name << ' ' << c + 1;
  }
  out << ")\n$d << EOD\n";
  for (std::size_t r = 0; r < rows.size(); ++r)
    for (std::size_t c = 0; c < std::min(columns.size(), values[r].size()); ++c) {
      const double value = values[r][c], share = std::clamp((value - low) / std::max(high - low, 1e-12), 0.0, 1.0);
      if (!std::isfinite(value)) continue;
      const double x = static_cast<double>(c) + 1, y = height - static_cast<double>(r);
      for (const double number : {x, y, x - 0.485, x + 0.485, y - 0.46, y + 0.46}) out << detail::number(number) << '\t';
      char text[32];
      std::snprintf(text, sizeof text, "%.*f", digits, value);
      out << gnuplot_colour("heat", 0.06 + 0.72 * share) << '\t' << text << '\n';
    }
  out << "EOD\nplot $d using 1:2:3:4:5:6:7 with boxxyerror lc rgb variable, $d using 1:2:8 with labels font ',11' textcolor "
      << detail::colour("ink");
  return gnuplot_svg(out.str(), axes.width, axes.height);
}

}  // namespace axonzoo
