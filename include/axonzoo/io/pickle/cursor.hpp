#pragma once

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include <axonzoo/io/unreadable.hpp>

namespace axonzoo::detail {

/// Bytes of a pickle, read one after another and never beyond their end.
class pickle_cursor {
 public:
  explicit pickle_cursor(std::string_view bytes) : bytes_(bytes) {}

  [[nodiscard]] std::uint64_t at() const { return at_; }

  std::string_view take(std::uint64_t count) {
    if (count > bytes_.size() - at_) throw unreadable("it is cut short within its pickle");
    const std::string_view taken = bytes_.substr(at_, count);
    at_ += count;
    return taken;
  }
  std::uint8_t byte() { return static_cast<std::uint8_t>(take(1)[0]); }

  /// An unsigned number, little endian.
  std::uint64_t number(unsigned width) {
    const std::string_view bytes = take(width);
    std::uint64_t value = 0;
    for (unsigned i = 0; i < width; ++i) value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << 8 * i;
    return value;
  }
  double big_endian_double() {
    std::uint64_t bits = 0;
    for (const char byte : take(8)) bits = bits << 8 | static_cast<unsigned char>(byte);
    return std::bit_cast<double>(bits);
  }

  /// Up to the end of the line, which is taken too.
  std::string_view line() {
    const std::size_t end = bytes_.substr(0, std::min<std::uint64_t>(bytes_.size(), at_ + 4096)).find('\n', at_);
    if (end == std::string_view::npos) throw unreadable("it is cut short within its pickle");
    const std::string_view taken = bytes_.substr(at_, end - at_);
    at_ = end + 1;
    return taken;
  }
  template <class Number>
  Number decimal(std::string_view text) {
    Number value{};
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (wrong != std::errc{} || end != text.data() + text.size())
      throw unreadable("its pickle has '" + printable(text, 30) + "' for a number");
    return value;
  }

 private:
  std::string_view bytes_;
  std::uint64_t at_ = 0;
};

}  // namespace axonzoo::detail
