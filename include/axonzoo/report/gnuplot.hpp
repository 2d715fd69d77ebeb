#pragma once

#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <thread>

#include <axonzoo/core/error.hpp>
#include <axonzoo/report/child_process.hpp>
#include <axonzoo/report/scratch_folder.hpp>

namespace axonzoo {

/// Colours by the part they play. A page sets them as CSS variables (`--ink`, `--series-1`, ...) for light and dark; an SVG
/// that stands alone falls back on the light values. The eight series are told apart under the usual colour blindness
/// (Okabe and Ito 2008, darkened where they would fade on white).
struct plot_colour {
  const char* variable;
  const char* light;
  const char* dark;
};
inline constexpr plot_colour plot_colours[] = {
    {"ink", "#1c1f23", "#e4e6e9"},      {"muted", "#5a6068", "#a3a9b1"},    {"grid", "#dfe2e6", "#343a42"},
    {"heat", "#2b7bba", "#2a72ad"},     {"series-1", "#0072b2", "#4fa8e0"}, {"series-2", "#d55e00", "#f08a4b"},
    {"series-3", "#009e73", "#3cc9a0"}, {"series-4", "#b5548f", "#e19cc6"}, {"series-5", "#d99400", "#f2be4a"},
    {"series-6", "#56b4e9", "#9ad6f9"}, {"series-7", "#6b7178", "#b8bdc4"}, {"series-8", "#8a6b1d", "#cdb56e"},
};

/// The number of a colour of `plot_colours` for gnuplot's `lc rgb` (0xAARRGGBB, AA its transparency); `opacity` in 0..1.
[[nodiscard]] inline unsigned gnuplot_colour(std::string_view variable, double opacity = 1) {
  for (unsigned i = 0; i < std::size(plot_colours); ++i)
    if (variable == plot_colours[i].variable) return static_cast<unsigned>(255.5 - 255 * opacity) << 24 | (i + 1);
  throw error("cannot draw a plot", "no colour '" + std::string(variable) + "'", "name one of plot_colours");
}

/// `text` as a gnuplot string, which nothing in it can end; control characters become spaces.
[[nodiscard]] inline std::string gnuplot_text(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'')
      out += "'.\"'\".'";
    else if (c == '\\')
      out += "'.\"\\\\\".'";
    else
      out += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  return out + '\'';
}

namespace detail {

inline void replace_all(std::string& text, std::string_view from, std::string_view to) {
  std::string out;
  std::size_t begin = 0;
  for (std::size_t at; (at = text.find(from, begin)) != std::string::npos; begin = at + from.size())
    out.append(text, begin, at - begin).append(to);
  text = out.append(text, begin);
}

/// Calls `change(inside)` for the text between each `open` and the next `close` and puts what it gives in place of all three.
template <class Change>
void replace_between(std::string& text, std::string_view open, std::string_view close, Change change) {
  std::string out;
  std::size_t begin = 0;
  for (;;) {
    const auto at = text.find(open, begin), end = at == std::string::npos ? at : text.find(close, at + open.size());
    if (end == std::string::npos) break;
    out.append(text, begin, at - begin).append(change(text.substr(at + open.size(), end - at - open.size())));
    begin = end + close.size();
  }
  text = out.append(text, begin);
}

/// gnuplot's SVG as a page can hold it; see `gnuplot_svg`.
inline std::string svg_for_page(std::string svg, const std::string& name, int width) {
  svg.erase(0, svg.find("<svg") + 4);
  svg.insert(0, "<svg class=\"plot\" role=\"img\" style=\"max-width:" + std::to_string(width) +
                    "px;min-width:" + std::to_string(width * 7 / 10) + "px;color:var(--ink, #1c1f23)\"");
  const auto nothing = [](const std::string&) { return std::string(); };
  replace_between(svg, "<desc>", "</desc>", nothing);
  replace_between(svg, "<filter", "</filter>", nothing);
  replace_between(svg, "<g onmousemove=\"gnuplot_svg.showHypertext(evt,'",
                  "')\" onmouseout=\"gnuplot_svg.hideHypertext()\"><title> </title>",
                  [](const std::string& note) { return "<g><title>" + note + "</title>"; });
  replace_between(svg, "<title>", "</title>", [&](const std::string& title) {
    return title == name || title.starts_with(name + "_plot_") ? "" : "<title>" + title + "</title>";
  });
  for (const auto& [from, to] : {std::pair<std::string, std::string>{" font-family=\"sans-serif\"", ""},
                                 {"fill=\"black\"", "fill=\"currentColor\""},
                                 {"color='white'", "style='color:var(--surface, #fff)'"},
                                 {"'gpDot'", "'" + name + "gpDot'"},
                                 {"gpPt", name + "gpPt"},
                                 {"#gpDot", "#" + name + "gpDot"},
                                 {" stroke-linecap=\"butt\" stroke-linejoin=\"miter\"", ""}})
    replace_all(svg, from, to);
  for (unsigned i = 0; i < std::size(plot_colours); ++i) {
    const std::string variable = std::string("var(--") + plot_colours[i].variable + ", " + plot_colours[i].light + ')';
    char spaced[32];
    std::snprintf(spaced, sizeof spaced, "rgb(  0,   0, %3u)", i + 1);
    // A presentation attribute may not hold var(); a style may.
    for (const std::string attribute : {"stroke", "fill", "color"})
      for (const auto& colour : {std::string(spaced), "rgb(0,0," + std::to_string(i + 1) + ')'})
        for (const auto& form : {"='" + colour + "'", "=\"" + colour + "\"", " = '" + colour + "'"})
          replace_all(svg, ' ' + attribute + form, " style='" + attribute + ':' + variable + "'");
  }
  return svg;
}

}  // namespace detail

/// Runs a gnuplot script (without terminal and output) and gives one `<svg>` element for a page: colours are CSS variables,
/// text takes the page's font, identifiers are unique, labels with `hypertext` have become tooltips.
[[nodiscard]] inline std::string gnuplot_svg(const std::string& script, int width, int height) {
  static std::atomic<unsigned> count{0};
  const std::string name = "plot" + std::to_string(++count);
  const scratch_folder folder;
  const auto file = folder / "script.gp", log = folder / "log.txt", picture = folder / "plot.svg";
  std::ofstream(file) << "set encoding utf8\nset terminal svg size " << width << ',' << height
                      << " dynamic noenhanced font 'sans-serif,13' name '" << name << "'\nset output "
                      << gnuplot_text(picture.string()) << '\n'
                      << script << "\nunset output\n";
  child_process child("gnuplot", {"-d", file.string()}, log);
  while (child.running()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  const auto text_of = [](const std::filesystem::path& path) {
    std::ifstream in(path);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  const std::string svg = text_of(picture);
  if (!child.outcome().empty() || svg.find("</svg>") == std::string::npos) {
    std::string said = text_of(log);
    detail::replace_all(said, "\n", " ");
    throw error("cannot draw a plot with gnuplot", said.empty() ? child.outcome() + ", no picture" : said,
                "try gnuplot 5.4 or newer");
  }
  return detail::svg_for_page(svg, name, width);
}

}  // namespace axonzoo
