#pragma once

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <axonzoo/core/error.hpp>

namespace axonzoo {

/// What a CSV cell holds: a whole number, a real number or text.
using csv_cell = std::variant<double, std::int64_t, std::string>;

/// A cell without quotes as a number where it is one ("nan" and "inf" too), else as text. "007" is a name, not a number.
[[nodiscard]] inline csv_cell parse_csv_cell(const std::string& text) {
  const char *begin = text.data(), *end = begin + text.size();
  const std::size_t digits = text.starts_with('-') ? 1 : 0;
  if (text.size() > digits + 1 && text[digits] == '0' && std::isdigit(static_cast<unsigned char>(text[digits + 1])) != 0)
    return text;
  std::int64_t whole = 0;
  if (const auto [stop, wrong] = std::from_chars(begin, end, whole); wrong == std::errc{} && stop == end) return whole;
  double real = 0;
  if (const auto [stop, wrong] = std::from_chars(begin, end, real); wrong == std::errc{} && stop == end) return real;
  return text;
}

/// A cell so that reading it back gives the same number or text, of the same kind.
[[nodiscard]] inline std::string format_csv_cell(const csv_cell& cell) {
  char digits[32];
  if (const auto* whole = std::get_if<std::int64_t>(&cell))
    return {digits, std::to_chars(digits, digits + sizeof digits, *whole).ptr};
  if (const auto* real = std::get_if<double>(&cell)) {
    if (std::isnan(*real)) return "nan";
    std::string text(digits, std::to_chars(digits, digits + sizeof digits, *real).ptr);
    if (std::isfinite(*real) && text.find_first_of(".e") == std::string::npos) text += ".0";
    return text;
  }
  const auto& text = std::get<std::string>(cell);
  if (text.find_first_of(",\"\r\n") == std::string::npos && !text.starts_with("\xef\xbb\xbf") &&
      std::holds_alternative<std::string>(parse_csv_cell(text)))
    return text;
  std::string quoted = "\"";
  for (const char c : text) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + '"';
}

/// One line of CSV with its end.
template <class Cells>
[[nodiscard]] std::string format_csv_row(const Cells& cells) {
  std::string line;
  for (const auto& cell : cells) line += (&cell == &*cells.begin() ? "" : ",") + format_csv_cell(cell);
  return (line.empty() ? "\"\"" : line) + '\n';  // an empty line is no row
}

/// Splits text into rows as RFC 4180 says, with lines ended in any way. Throws with `doing` and the line for a quote that is
/// never closed or that text follows.
class csv_reader {
 public:
  csv_reader(std::string_view text, std::string doing) : text_(text), doing_(std::move(doing)) {
    if (text_.starts_with("\xef\xbb\xbf")) text_.remove_prefix(3);  // Excel's byte order mark
  }

  /// The next row that is not an empty line; nothing at the end.
  [[nodiscard]] std::optional<std::vector<csv_cell>> next() {
    while (peek() == '\n' || peek() == '\r') line_ += text_[at_++] == '\n';
    if (at_ == text_.size()) return std::nullopt;
    row_line_ = line_;
    std::vector<csv_cell> row;
    for (;;) {
      row.push_back(peek() == '"' ? csv_cell(quoted()) : parse_csv_cell(unquoted()));
      if (peek() != ',') break;
      ++at_;
    }
    if (at_ != text_.size() && peek() != '\n' && peek() != '\r') refuse("text follows a closing quote");
    return row;
  }

  /// Throws about the row that `next` gave last.
  [[noreturn]] void refuse(const std::string& wrong) const {
    throw error(doing_, "line " + std::to_string(row_line_) + ": " + wrong, "mend that line");
  }

 private:
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  std::string unquoted() {
    const std::size_t begin = at_;
    at_ = std::min(text_.find_first_of(",\r\n", at_), text_.size());
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::string quoted() {
    std::string out;
    for (++at_;; ++at_) {
      if (at_ >= text_.size()) refuse("a quote is never closed");
      if (text_[at_] == '"' && (++at_ >= text_.size() || text_[at_] != '"')) return out;
      line_ += text_[at_] == '\n';
      out += text_[at_];
    }
  }

  std::string_view text_;
  std::string doing_;
  std::size_t at_ = 0, line_ = 1, row_line_ = 1;
};

}  // namespace axonzoo
