#pragma once

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <ostream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/io/replace_file.hpp>
#include <axonzoo/io/table.hpp>
#include <axonzoo/io/zip_writer.hpp>

namespace axonzoo {

/// A table as a sheet of a workbook.
struct sheet {
  std::string name;  ///< up to 31 characters
  table rows;
};

/// Writes a workbook of Office Open XML (ECMA-376), uncompressed; NaN becomes an empty cell. Throws `error` for a table of more
/// rows than a sheet holds, and as `replace_file` does.
void write_xlsx(const std::filesystem::path& path, const std::vector<sheet>& sheets);

namespace detail {

inline std::string xml_text(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&quot;";
    else if (static_cast<unsigned char>(c) >= 0x20 || c == '\t' || c == '\n')
      out += c;
  }
  return out;
}

inline void add_xlsx_cell(std::string& xml, const table::cell& cell) {
  char digits[32];
  const auto number = [&](auto value) {
    xml += "<c><v>";
    xml.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
    xml += "</v></c>";
  };
  if (const auto* whole = std::get_if<std::int64_t>(&cell)) return number(*whole);
  if (const auto* real = std::get_if<double>(&cell)) {
    if (std::isfinite(*real)) return number(*real);
    xml += "<c/>";
    return;
  }
  xml += "<c t=\"inlineStr\"><is><t>" + xml_text(std::get<std::string>(cell)) + "</t></is></c>";
}

inline std::string xlsx_sheet(const table& rows) {
  std::string xml = "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData><row>";
  for (const auto& column : rows.columns()) add_xlsx_cell(xml, column);
  xml += "</row>";
  for (const auto& row : rows.rows()) {
    xml += "<row>";
    for (const auto& cell : row) add_xlsx_cell(xml, cell);
    xml += "</row>";
  }
  return xml + "</sheetData></worksheet>";
}

}  // namespace detail

inline void write_xlsx(const std::filesystem::path& path, const std::vector<sheet>& sheets) {
  const std::string head = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n",
                    package = "http://schemas.openxmlformats.org/package/2006/",
                    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
                    type = "application/vnd.openxmlformats-officedocument.spreadsheetml.";
  std::string types, book, links;
  for (std::size_t i = 0; i < sheets.size(); ++i) {
    if (sheets[i].rows.size() >= (1 << 20)) {
      throw error("cannot write '" + path.string() + "'",
                  "a sheet holds 1,048,575 rows and this table has " + std::to_string(sheets[i].rows.size()),
                  "write it as .csv or .json");
    }
    const auto n = std::to_string(i + 1);
    types += "<Override PartName=\"/xl/worksheets/sheet" + n + ".xml\" ContentType=\"" + type + "worksheet+xml\"/>";
    book += "<sheet name=\"" + detail::xml_text(sheets[i].name) + "\" sheetId=\"" + n + "\" r:id=\"rId" + n + "\"/>";
    links += "<Relationship Id=\"rId" + n + "\" Type=\"" + office + "/worksheet\" Target=\"worksheets/sheet" + n + ".xml\"/>";
  }
  replace_file(path, [&](std::ostream& out) {
    zip_writer zip(out);
    zip.add("[Content_Types].xml", head + "<Types xmlns=\"" + package +
                                       "content-types\"><Default Extension=\"rels\" "
                                       "ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Default "
                                       "Extension=\"xml\" ContentType=\"application/xml\"/>" +
                                       "<Override PartName=\"/xl/workbook.xml\" ContentType=\"" + type + "sheet.main+xml\"/>" +
                                       types + "</Types>");
    zip.add("_rels/.rels", head + "<Relationships xmlns=\"" + package + "relationships\"><Relationship Id=\"rId1\" Type=\"" +
                               office + "/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>");
    zip.add("xl/workbook.xml", head + "<workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" xmlns:r=\"" +
                                   office + "\"><sheets>" + book + "</sheets></workbook>");
    zip.add("xl/_rels/workbook.xml.rels",
            head + "<Relationships xmlns=\"" + package + "relationships\">" + links + "</Relationships>");
    for (std::size_t i = 0; i < sheets.size(); ++i)
      zip.add("xl/worksheets/sheet" + std::to_string(i + 1) + ".xml", head + detail::xlsx_sheet(sheets[i].rows));
    zip.finish();
  });
}

}  // namespace axonzoo
