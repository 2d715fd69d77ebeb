#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <limits>
#include <numeric>
#include <ostream>
#include <string>
#include <type_traits>
#include <vector>

#include <xtensor/xarray.hpp>

#include <axonzoo/core/error.hpp>
#include <axonzoo/io/npy_header.hpp>
#include <axonzoo/io/open_file.hpp>
#include <axonzoo/io/replace_file.hpp>

namespace axonzoo {

namespace detail {

inline double half_to_double(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  const double size = exponent == 0 ? std::ldexp(fraction, -24)
                      : exponent == 31
                          ? (fraction == 0 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN())
                          : std::ldexp(1024 + fraction, exponent - 25);
  return (bits & 0x8000) != 0 ? -size : size;
}

/// One stored value, converted; false where `Value` cannot hold it.
template <class Value, class Stored>
bool convert_exactly(Stored stored, Value& value) {
  if constexpr (std::is_floating_point_v<Value>) {
    value = static_cast<Value>(stored);
    return true;
  } else if constexpr (std::is_floating_point_v<Stored>) {
    // 2^digits is exact where the largest value itself is not
    const bool fits = stored >= static_cast<Stored>(std::numeric_limits<Value>::min()) &&
                      stored < std::ldexp(Stored{1}, std::numeric_limits<Value>::digits) && stored == std::trunc(stored);
    if (fits) value = static_cast<Value>(stored);
    return fits;
  } else {
    value = static_cast<Value>(stored);
    return std::in_range<Value>(stored);
  }
}

template <class Value, class Stored>
bool convert_npy(const char* from, std::size_t count, bool swap, Value* to) {
  for (std::size_t i = 0; i < count; ++i) {
    unsigned char bytes[sizeof(Stored)];
    std::memcpy(bytes, from + i * sizeof(Stored), sizeof(Stored));
    if (swap) std::reverse(bytes, bytes + sizeof(Stored));
    Stored stored;
    std::memcpy(&stored, bytes, sizeof(Stored));
    if (!convert_exactly(stored, to[i])) return false;
  }
  return true;
}

template <class Value>
bool convert_npy(const npy_header& header, const char* from, Value* to) {
  const bool swap = header.order == (std::endian::native == std::endian::little ? '>' : '<');
  const auto as = [&](auto stored) { return convert_npy<Value, decltype(stored)>(from, header.count, swap, to); };
  const std::size_t n = header.item;
  switch (header.kind) {
    case 'i':
      return n == 1 ? as(std::int8_t{}) : n == 2 ? as(std::int16_t{}) : n == 4 ? as(std::int32_t{}) : as(std::int64_t{});
    case 'f':
      if (n != 2) return n == 4 ? as(float{}) : as(double{});
      for (std::size_t i = 0; i < header.count; ++i) {
        std::uint16_t half = 0;
        convert_npy<std::uint16_t, std::uint16_t>(from + 2 * i, 1, swap, &half);
        if (!convert_exactly(half_to_double(half), to[i])) return false;
      }
      return true;
    default:
      return n == 1 ? as(std::uint8_t{}) : n == 2 ? as(std::uint16_t{}) : n == 4 ? as(std::uint32_t{}) : as(std::uint64_t{});
  }
}

template <class Value>
constexpr char npy_kind = std::is_same_v<Value, bool>       ? 'b'
                          : std::is_floating_point_v<Value> ? 'f'
                          : std::is_signed_v<Value>         ? 'i'
                                                            : 'u';

}  // namespace detail

/// Numbers that .npy files are read as and written from.
template <class T>
concept npy_value = std::same_as<T, float> || std::same_as<T, double> || std::same_as<T, std::uint8_t> ||
    std::same_as<T, std::uint16_t> || std::same_as<T, std::int32_t> || std::same_as<T, std::int64_t>;

/// Reads a .npy file of booleans, integers or floats of any width and byte order as `Value`, row-major whatever its own order.
/// Throws where the file is damaged or cut short, holds other things, or has a value that `Value` cannot hold (a fraction read as
/// an integer, 256 read as uint8).
template <npy_value Value>
[[nodiscard]] xt::xarray<Value> read_npy(const std::filesystem::path& path) {
  const std::string doing = "cannot read array '" + path.string() + "'";
  const std::string bytes = read_file(path, doing);
  npy_header header;
  const std::string wrong = parse_npy_header(bytes, bytes.size(), header);
  if (!wrong.empty()) throw error(doing, wrong, "save it again with numpy.save");

  // Column-major storage is the row-major storage of the transpose.
  std::vector<std::size_t> stored_shape = header.shape;
  if (header.column_major) std::reverse(stored_shape.begin(), stored_shape.end());
  xt::xarray<Value> values(stored_shape);
  if (!detail::convert_npy(header, bytes.data() + header.data_at, values.data()))
    throw error(doing,
                std::string("a value does not fit into ") + (std::is_integral_v<Value> ? "whole numbers of " : "floats of ") +
                    std::to_string(8 * sizeof(Value)) + " bits",
                "save it as another type");
  if (header.column_major) return xt::transpose(values);
  return values;
}

/// Shape and type of a .npy file, its length checked, without reading the values.
[[nodiscard]] inline npy_header read_npy_header(const std::filesystem::path& path) {
  const std::string doing = "cannot read array '" + path.string() + "'";
  const open_handle file = open_file(path, doing);
  std::string bytes(1 << 16, '\0');
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file.get()));
  npy_header header;
  const std::string wrong = parse_npy_header(bytes, std::filesystem::file_size(path), header);
  if (!wrong.empty()) throw error(doing, wrong, "save it again with numpy.save");
  return header;
}

/// Writes an array, tensor or expression of xtensor as .npy, version 1.0, little endian, row-major.
template <class Expression>
requires (npy_value<typename std::decay_t<Expression>::value_type> || std::same_as<typename std::decay_t<Expression>::value_type, bool>)
void write_npy(const std::filesystem::path& path, const Expression& expression) {
  static_assert(std::endian::native == std::endian::little);
  using value = typename std::decay_t<Expression>::value_type;
  std::string text = std::string("{'descr': '") + (sizeof(value) == 1 ? '|' : '<') + detail::npy_kind<value> +
                     std::to_string(sizeof(value)) + "', 'fortran_order': False, 'shape': (";
  for (const auto side : expression.shape()) text += std::to_string(side) + ", ";
  if (expression.dimension() > 1) text.erase(text.size() - 2);
  text += "), }";
  text.append(63 - (10 + text.size()) % 64, ' ');
  text += '\n';
  const std::string head =
      std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(text.size() & 255) + static_cast<char>(text.size() >> 8);
  const xt::xarray<value> values = expression;
  replace_file(path, [&](std::ostream& out) {
    out << head << text;
    out.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(value)));
  });
}

}  // namespace axonzoo
