#pragma once

#include <bit>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace axonzoo {

/// What stands at the head of a NumPy .npy file.
struct npy_header {
  char order = '|';           ///< '<' little endian, '>' big endian, '|' one byte a value
  char kind = 'u';            ///< 'b' bool, 'i' int, 'u' unsigned, 'f' float
  std::size_t item = 1;       ///< bytes a value
  bool column_major = false;  ///< NumPy's fortran_order
  std::vector<std::size_t> shape;
  std::size_t data_at = 0;  ///< where the values begin in the file
  std::size_t count = 1;    ///< values in all
};

namespace detail {

/// Reads the dictionary that NumPy writes, for example {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }.
class npy_dictionary {
 public:
  explicit npy_dictionary(std::string_view text) : text_(text) {}

  /// The empty string, or what is wrong.
  [[nodiscard]] std::string read(npy_header& header) {
    bool descr = false, order = false, shape = false;
    if (!take('{')) return "its header is not a dictionary";
    while (!take('}')) {
      std::string key;
      if (!word(key) || !take(':')) return "its header has no readable key";
      if (key == "descr" && !descr) {
        std::string type;
        if (!word(type)) return "it holds records, not plain numbers";
        if (!type_of(type, header)) return "values of type '" + type + "' are not supported";
        descr = true;
      } else if (key == "fortran_order" && !order) {
        header.column_major = take("True");
        if (!header.column_major && !take("False")) return "its fortran_order is neither True nor False";
        order = true;
      } else if (key == "shape" && !shape) {
        if (!sides(header.shape)) return "its shape cannot be read";
        shape = true;
      } else {
        return "its header has an unexpected key '" + key + "'";
      }
      if (!take(',') && peek() != '}') return "its header has no comma where one is due";
    }
    if (peek() != '\0') return "its header goes on after its dictionary";
    return descr && order && shape ? "" : "its header lacks descr, fortran_order or shape";
  }

 private:
  char peek() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char c) { return peek() == c && c != '\0' ? (++at_, true) : false; }
  bool take(std::string_view literal) {
    peek();
    if (text_.substr(at_, literal.size()) != literal) return false;
    at_ += literal.size();
    return true;
  }
  bool word(std::string& out) {
    const char quote = peek();
    if (quote != '\'' && quote != '"') return false;
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos || end - at_ > 32) return false;
    out = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return true;
  }
  bool sides(std::vector<std::size_t>& shape) {
    if (!take('(')) return false;
    while (!take(')')) {
      std::size_t side = 0;
      peek();
      const auto [end, wrong] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), side);
      if (wrong != std::errc{} || shape.size() == 32) return false;
      at_ = static_cast<std::size_t>(end - text_.data());
      take('L');  // Python 2 wrote long integers so
      shape.push_back(side);
      if (!take(',') && peek() != ')') return false;
    }
    return true;
  }
  static bool type_of(std::string_view type, npy_header& header) {
    if (type.size() != 3) return false;
    header.order = type[0] == '=' ? (std::endian::native == std::endian::little ? '<' : '>') : type[0];
    header.kind = type[1];
    header.item = static_cast<std::size_t>(type[2] - '0');
    const std::size_t n = header.item;
    const bool sized = header.kind == 'b'                         ? n == 1
                       : header.kind == 'i' || header.kind == 'u' ? n == 1 || n == 2 || n == 4 || n == 8
                       : header.kind == 'f'                       ? n == 2 || n == 4 || n == 8
                                                                  : false;
    return sized && (header.order == '<' || header.order == '>' || (header.order == '|' && n == 1));
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace detail

/// Reads the header of .npy bytes, versions 1 to 3 of the format, and holds it against their number: `bytes` may be a prefix of
/// the file, `file_bytes` is the whole. Returns the empty string, or what is wrong with the file.
[[nodiscard]] inline std::string parse_npy_header(std::string_view bytes, std::uint64_t file_bytes, npy_header& header) {
  header = {};
  if (bytes.size() < 10 || bytes.substr(0, 6) != "\x93NUMPY") return "it is not a NumPy .npy file";
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])); };
  const std::uint32_t version = byte(6);
  if (version < 1 || version > 3) return "version " + std::to_string(version) + " of the .npy format is not supported";
  const std::size_t begin = version == 1 ? 10 : 12;
  if (bytes.size() < begin) return "it ends within its header";
  const std::uint64_t length = version == 1 ? byte(8) | byte(9) << 8 : byte(8) | byte(9) << 8 | byte(10) << 16 | byte(11) << 24;
  if (length > bytes.size() - begin) return "it ends within its header";
  const std::string wrong = detail::npy_dictionary(bytes.substr(begin, length)).read(header);
  if (!wrong.empty()) return wrong;
  header.data_at = begin + length;
  for (const std::size_t side : header.shape) {
    if (side != 0 && header.count > std::numeric_limits<std::int64_t>::max() / header.item / side)
      return "its shape is absurdly large";
    header.count *= side;
  }
  const std::uint64_t expected = header.data_at + std::uint64_t{header.count} * header.item;
  if (expected > file_bytes)
    return "it is cut short: " + std::to_string(file_bytes) + " of " + std::to_string(expected) + " bytes";
  if (expected < file_bytes) return "it goes on after its array";
  return "";
}

}  // namespace axonzoo
