#pragma once

#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <axonzoo/report/html.hpp>
#include <axonzoo/report/page_style.hpp>
#include <axonzoo/report/plot.hpp>

namespace axonzoo {

/// A field of a table. Texts are plain, not HTML.
struct page_cell {
  std::string text;
  std::string spread = {};  ///< beside the text, paler
  std::string detail = {};  ///< below the text, smaller
  double sort = std::nan("");
  bool best = false;
  bool failed = false;
};

/// A table whose columns sort when their headings are pressed, the rows below each heading row by themselves. `reason` instead of fields fills a row with a sentence.
struct page_table {
  struct column {
    std::string group = {}, title = {}, tip = {};
    bool words = false;  ///< text, to the left
  };
  struct row {
    std::vector<page_cell> cells = {};
    std::string reason = {};  ///< after the cells, over the remaining columns
    bool heading = false;     ///< one cell over all columns
  };
  std::vector<column> columns;
  std::vector<row> rows = {};
  std::string caption = {};  ///< HTML
  bool sortable = true;
};

/// One HTML file that needs nothing else: no network, pictures and plots inside, light and dark as the reader's system says,
/// light on paper. Arguments named `html` are put in as they are; all others are escaped.
class page {
 public:
  explicit page(std::string title) : title_(std::move(title)) {}

  void lead(const std::string& html) { body_ += "<p class=\"lead\">" + html + "</p>\n"; }
  void section(const std::string& id, const std::string& heading) {
    links_ += "<a href=\"#" + axonzoo::html(id) + "\">" + axonzoo::html(heading) + "</a>";
    body_ += "<h2 id=\"" + axonzoo::html(id) + "\">" + axonzoo::html(heading) + "</h2>\n";
  }
  void heading(const std::string& text) { body_ += "<h3>" + axonzoo::html(text) + "</h3>\n"; }
  void paragraph(const std::string& html) { body_ += "<p>" + html + "</p>\n"; }
  void preformatted(const std::string& text) { body_ += "<pre>" + axonzoo::html(text) + "</pre>\n"; }
  void raw(const std::string& html) { body_ += html + '\n'; }
  /// Where the links to the sections go; once.
  void contents() { body_ += contents_mark; }

  /// Plots or pictures side by side where there is room, with what they show.
  void figure(const std::vector<std::string>& panels_html, const std::string& caption_html) {
    body_ += panels_html.size() > 1 ? "<figure><div class=\"panels\">" : "<figure><div>";
    for (const auto& panel : panels_html) body_ += "<div class=\"wide\">" + panel + "</div>";
    body_ += "</div><figcaption>" + caption_html + "</figcaption></figure>\n";
  }

  void table(const page_table& table) {
    body_ += table.sortable ? "<div class=\"table\"><table class=\"sortable\">" : "<div class=\"table\"><table>";
    body_ += "<caption>" + table.caption + "</caption><thead>";
    const auto& columns = table.columns;
    std::string groups;
    bool grouped = false;
    for (std::size_t c = 0, next; c < columns.size(); c = next) {
      for (next = c + 1; next < columns.size() && columns[next].group == columns[c].group && !columns[c].group.empty();) ++next;
      grouped |= !columns[c].group.empty();
      groups += "<th colspan=\"" + std::to_string(next - c) + "\" scope=\"colgroup\">" +
                (columns[c].group.empty() ? "" : "<span>" + axonzoo::html(columns[c].group) + "</span>") + "</th>";
    }
    if (grouped) body_ += "<tr class=\"groups\">" + groups + "</tr>";
    body_ += "<tr>";
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const auto title = axonzoo::html(columns[c].title);
      body_ +=
          std::string("<th scope=\"col\"") + (columns[c].words ? " class=\"words\"" : "") +
          (columns[c].tip.empty() ? "" : " title=\"" + axonzoo::html(columns[c].tip) + '"') + '>' +
          (table.sortable ? "<button type=\"button\" data-column=\"" + std::to_string(c) + "\">" + title + "</button>" : title) +
          "</th>";
    }
    body_ += "</tr></thead><tbody>";
    for (const auto& row : table.rows) add_row(row, columns);
    body_ += "</tbody></table></div>\n";
  }

  /// The whole file.
  [[nodiscard]] std::string str() const {
    std::string light = "color-scheme:light;--surface:#fff;--panel:#f6f7f9;",
                dark = "color-scheme:dark;--surface:#14171b;--panel:#1c2026;";
    for (const auto& colour : plot_colours) {
      light += std::string("--") + colour.variable + ':' + colour.light + ';';
      dark += std::string("--") + colour.variable + ':' + colour.dark + ';';
    }
    std::string body = body_;
    if (const auto at = body.find(contents_mark); at != std::string::npos)
      body.replace(at, std::string_view(contents_mark).size(), "<nav aria-label=\"Sections\">" + links_ + "</nav>\n");
    return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
           "content=\"width=device-width,initial-scale=1\">"
           "<title>" +
           axonzoo::html(title_) + "</title>\n<style>:root{" + light + "}@media screen and (prefers-color-scheme:dark){:root{" +
           dark + "}}" + detail::page_style + "</style></head>\n<body><main>\n<h1>" + axonzoo::html(title_) + "</h1>\n" + body +
           "</main><script>" + detail::page_script + "</script></body></html>\n";
  }

 private:
  void add_row(const page_table::row& row, const std::vector<page_table::column>& columns) {
    if (row.heading) {
      body_ += "</tbody><tbody><tr class=\"heading\"><td colspan=\"" + std::to_string(columns.size()) + "\">" +
               axonzoo::html(row.cells.empty() ? "" : row.cells[0].text) + "</td></tr>";
      return;
    }
    body_ += "<tr>";
    for (std::size_t c = 0; c < row.cells.size(); ++c) {
      const auto& cell = row.cells[c];
      const bool words = c < columns.size() && columns[c].words;
      std::string kind = words ? "words" : "";
      if (cell.best) kind += " best";
      if (cell.failed) kind += " failed";
      body_ += "<td" + (kind.empty() ? "" : " class=\"" + kind + '"');
      if (std::isfinite(cell.sort))
        body_ += " data-sort=\"" + detail::number(cell.sort) + '"';
      else if (words)
        body_ += " data-sort=\"" + axonzoo::html(cell.text) + '"';
      body_ += '>' + axonzoo::html(cell.text);
      if (!cell.spread.empty()) body_ += " <span class=\"spread\">" + axonzoo::html(cell.spread) + "</span>";
      if (!cell.detail.empty()) body_ += "<small>" + axonzoo::html(cell.detail) + "</small>";
      body_ += "</td>";
    }
    if (!row.reason.empty() && row.cells.size() < columns.size())
      body_ += "<td class=\"reason\" colspan=\"" + std::to_string(columns.size() - row.cells.size()) + "\">" +
               axonzoo::html(row.reason) + "</td>";
    body_ += "</tr>";
  }

  static constexpr const char* contents_mark = "<!--contents-->";
  std::string title_, body_, links_;
};

}  // namespace axonzoo
