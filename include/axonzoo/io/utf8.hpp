#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace axonzoo {

/// Calls `take` with each code point of `text`; false where it is not UTF-8 (overlong forms and surrogates are not: RFC 3629).
template <class Take>
bool each_code_point(std::string_view text, Take&& take) {
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t at) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[at])); };
    const std::uint32_t first = byte(i++);
    const int more = first < 0x80                    ? 0
                     : first >= 0xc2 && first < 0xe0 ? 1
                     : first >= 0xe0 && first < 0xf0 ? 2
                     : first >= 0xf0 && first < 0xf5 ? 3
                                                     : -1;
    if (more < 0) return false;
    std::uint32_t point = more == 0 ? first : first & (0x3fU >> more);
    for (int n = 0; n < more; ++n, ++i) {
      if (i == text.size() || (byte(i) & 0xc0) != 0x80) return false;
      point = point << 6 | (byte(i) & 0x3f);
    }
    if ((more == 2 && point < 0x800) || (more == 3 && point < 0x10000) || point > 0x10ffff) return false;
    if (point >= 0xd800 && point < 0xe000) return false;
    take(point);
  }
  return true;
}

[[nodiscard]] inline bool is_utf8(std::string_view text) {
  return each_code_point(text, [](std::uint32_t) {});
}

/// UTF-8 as Latin-1, a byte a letter; nothing where a letter is beyond it.
[[nodiscard]] inline std::optional<std::string> latin1_of(std::string_view text) {
  std::string bytes;
  bool fits = true;
  const bool good = each_code_point(text, [&](std::uint32_t point) {
    fits = fits && point < 256;
    bytes += static_cast<char>(point);
  });
  if (!good || !fits) return std::nullopt;
  return bytes;
}

}  // namespace axonzoo
