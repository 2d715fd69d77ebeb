#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/io/csv.hpp>
#include <axonzoo/io/open_file.hpp>
#include <axonzoo/io/replace_file.hpp>

namespace axonzoo {

/// Rows of numbers and text under named columns: what CSV files hold.
class table {
 public:
  using cell = csv_cell;  ///< std::variant<double, std::int64_t, std::string>

  table() = default;

  /// Throws where two columns have one name or there is none.
  explicit table(std::vector<std::string> columns) : columns_(std::move(columns)) {
    if (columns_.empty()) throw error("cannot make a table", "it has no columns", "name at least one");
    for (std::size_t i = 0; i < columns_.size(); ++i)
      for (std::size_t j = 0; j < i; ++j)
        if (columns_[i] == columns_[j])
          throw error("cannot make a table", "two columns are named '" + columns_[i] + "'", "rename one");
  }

  /// Appends a row. Throws unless it has a cell for each column.
  void add(std::vector<cell> row) {
    if (row.size() != columns_.size())
      throw error("cannot add a row to a table",
                  "it has " + std::to_string(row.size()) + " cells for " + std::to_string(columns_.size()) + " columns",
                  "give one for each column");
    rows_.push_back(std::move(row));
  }

  [[nodiscard]] const std::vector<std::string>& columns() const { return columns_; }
  [[nodiscard]] const std::vector<std::vector<cell>>& rows() const { return rows_; }
  [[nodiscard]] std::size_t size() const { return rows_.size(); }

  /// A column's place. Throws where there is none of that name.
  [[nodiscard]] std::size_t column(const std::string& name) const {
    std::string all;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i] == name) return i;
      all += (i == 0 ? "" : ", ") + columns_[i];
    }
    throw error("cannot find column '" + name + "' of a table", "it has " + (all.empty() ? "none" : all), "use one of these");
  }

  [[nodiscard]] const cell& at(std::size_t row, const std::string& name) const {
    if (row >= rows_.size())
      throw error("cannot read row " + std::to_string(row) + " of a table", "it has " + std::to_string(rows_.size()),
                  "count from 0");
    return rows_[row][column(name)];
  }

  /// A cell as a number. Throws where it is text.
  [[nodiscard]] double number(std::size_t row, const std::string& name) const {
    const cell& value = at(row, name);
    if (const auto* whole = std::get_if<std::int64_t>(&value)) return static_cast<double>(*whole);
    if (const auto* real = std::get_if<double>(&value)) return *real;
    throw error("cannot read column '" + name + "' of row " + std::to_string(row) + " as a number",
                "it holds '" + std::get<std::string>(value) + "'", "write a number there");
  }

  /// A cell that is text. Throws where it is a number.
  [[nodiscard]] const std::string& text(std::size_t row, const std::string& name) const {
    if (const auto* words = std::get_if<std::string>(&at(row, name))) return *words;
    throw error("cannot read column '" + name + "' of row " + std::to_string(row) + " as text", "it holds a number", "quote it");
  }

  friend bool operator==(const table&, const table&) = default;

 private:
  std::vector<std::string> columns_;
  std::vector<std::vector<cell>> rows_;
};

/// Writes a table as CSV in UTF-8 with a line of names first; numbers have the fewest digits that read back exactly.
inline void write_csv(const std::filesystem::path& path, const table& rows) {
  std::string out = format_csv_row(rows.columns());
  for (const auto& row : rows.rows()) out += format_csv_row(row);
  replace_file(path, out);
}

/// Reads CSV as `write_csv`, spreadsheets and pandas write it: cells in quotes are text, others numbers where they look so.
/// Throws with the line where a row has another number of cells than there are names or a quote stays open.
[[nodiscard]] inline table read_csv(const std::filesystem::path& path) {
  const std::string doing = "cannot read table '" + path.string() + "'";
  const std::string bytes = read_file(path, doing);
  csv_reader reader(bytes, doing);
  const auto names = reader.next();
  if (!names) throw error(doing, "it has no line of column names", "write it again");
  std::vector<std::string> columns;
  for (const auto& name : *names) {
    const auto* words = std::get_if<std::string>(&name);
    columns.push_back(words != nullptr ? *words : format_csv_cell(name));
    for (std::size_t i = 0; i + 1 < columns.size(); ++i)
      if (columns[i] == columns.back()) reader.refuse("two columns are named '" + columns[i] + "'");
  }
  table out(std::move(columns));
  while (auto row = reader.next()) {
    if (row->size() != out.columns().size())
      reader.refuse(std::to_string(row->size()) + " cells for " + std::to_string(out.columns().size()) + " columns");
    out.add(std::move(*row));
  }
  return out;
}

}  // namespace axonzoo
