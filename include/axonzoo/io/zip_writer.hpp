#pragma once

#include <algorithm>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <zlib.h>

#include <axonzoo/io/zip_entry.hpp>

namespace axonzoo {

/// Writes a .zip as torch.save does: entries as they are, whose bytes begin at multiples of 64, so that they can be mapped into
/// memory and used in place. The same entries give the same bytes: no time is written. Call `finish` after the last.
class zip_writer {
 public:
  explicit zip_writer(std::ostream& out) : out_(out) {}

  void add(const std::string& name, std::string_view bytes) {
    zip_entry entry{name, bytes.size(),
                    static_cast<std::uint32_t>(::crc32_z(0, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size())),
                    at_};
    const bool wide = entry.bytes >= most;
    std::string extra;
    if (wide) extra = number(1, 2) + number(16, 2) + number(entry.bytes, 8) + number(entry.bytes, 8);
    // padding in a field of its own, which torch.save names FB and fills with Z
    const std::uint64_t unpadded = at_ + 30 + name.size() + extra.size() + 4;
    const std::uint64_t padding = (64 - unpadded % 64) % 64;
    extra += "FB" + number(padding, 2) + std::string(padding, 'Z');
    put("PK\3\4" + facts(entry, wide) + number(name.size(), 2) + number(extra.size(), 2) + name + extra);
    entry.at = at_;
    put(bytes);
    entries_.push_back(std::move(entry));
  }

  void finish() {
    const std::uint64_t directory_at = at_;
    for (const zip_entry& entry : entries_) {
      std::string extra;
      if (entry.bytes >= most) extra += number(entry.bytes, 8) + number(entry.bytes, 8);
      if (entry.header_at >= most) extra += number(entry.header_at, 8);
      if (!extra.empty()) extra = number(1, 2) + number(extra.size(), 2) + extra;
      put("PK\1\2" + number(45, 2) + facts(entry, entry.bytes >= most) + number(entry.name.size(), 2) + number(extra.size(), 2) +
          std::string(10, '\0') + number(std::min(entry.header_at, most), 4) + entry.name + extra);
    }
    const std::uint64_t end = at_, length = end - directory_at, count = entries_.size();
    put("PK\6\6" + number(44, 8) + number(45, 2) + number(45, 2) + number(0, 8) + number(count, 8) + number(count, 8) +
        number(length, 8) + number(directory_at, 8));
    put("PK\6\7" + number(0, 4) + number(end, 8) + number(1, 4));
    const std::string few = number(std::min<std::uint64_t>(count, 0xffff), 2);
    put("PK\5\6" + number(0, 4) + few + few + number(std::min(length, most), 4) + number(std::min(directory_at, most), 4) +
        number(0, 2));
  }

 private:
  static constexpr std::uint64_t most = 0xffffffff;  ///< what says that the number stands in the extra field

  static std::string number(std::uint64_t value, unsigned width) {
    std::string bytes;
    for (unsigned i = 0; i < width; ++i) bytes += static_cast<char>(value >> 8 * i & 255);
    return bytes;
  }
  /// What an entry's own header and the directory say alike: version, UTF-8 names, no compression, 1 January 1980.
  static std::string facts(const zip_entry& entry, bool wide) {
    const std::string size = number(wide ? most : entry.bytes, 4);
    return number(wide ? 45 : 20, 2) + number(1 << 11, 2) + number(0, 2) + number(0, 2) + number(1 << 5 | 1, 2) +
           number(entry.crc, 4) + size + size;
  }
  void put(std::string_view bytes) {
    out_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    at_ += bytes.size();
  }

  std::ostream& out_;
  std::uint64_t at_ = 0;
  std::vector<zip_entry> entries_;
};

}  // namespace axonzoo
