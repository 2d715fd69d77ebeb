#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

namespace axonzoo {

/// A fingerprint of bytes, to find what was computed from them before: 128 bits, the same on every machine. It is fast (8 bytes a step) and says
/// nothing against someone who forges contents.
class digest {
 public:
  void add(const void* data, std::size_t bytes) {
    const auto* from = static_cast<const unsigned char*>(data);
    std::uint64_t word = bytes;
    mix(word);
    for (; bytes >= 8; bytes -= 8, from += 8) {
      std::memcpy(&word, from, 8);
      mix(word);
    }
    if (bytes == 0) return;
    word = 0;
    std::memcpy(&word, from, bytes);
    mix(word);
  }
  void add(std::string_view text) { add(text.data(), text.size()); }

  /// 32 hexadecimal digits.
  [[nodiscard]] std::string hex() const {
    char text[33];
    std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(one_), static_cast<unsigned long long>(other_));
    return text;
  }

 private:
  // multiply, then fold the high half down: each bit of a word reaches all bits of the state within two steps
  void mix(std::uint64_t word) {
    one_ = (one_ ^ word) * 0x9E3779B97F4A7C15ull;
    one_ ^= one_ >> 32;
    other_ = (other_ + word) * 0xD6E8FEB86659FD93ull;
    other_ ^= other_ >> 29;
  }
  std::uint64_t one_ = 0x243F6A8885A308D3ull, other_ = 0x13198A2E03707344ull;
};

}  // namespace axonzoo
