#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <axonzoo/io/unreadable.hpp>
#include <axonzoo/io/zip_entry.hpp>

namespace axonzoo::detail {

inline constexpr const char* zip_again = "save it again with torch.save, or zip it without compression";

/// `count` bytes of a file from `at` on.
inline void read_at(std::FILE* file, std::uint64_t at, void* to, std::uint64_t count) {
  if (count == 0) return;
  if (::fseeko(file, static_cast<off_t>(at), SEEK_SET) != 0 || std::fread(to, 1, count, file) != count)
    throw unreadable("it ends or cannot be read at byte " + std::to_string(at));
}

/// Numbers of a .zip's records, little endian; the caller has looked that they are there.
inline std::uint64_t zip_number(std::string_view bytes, std::size_t at, unsigned width) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < width; ++i) value |= std::uint64_t{static_cast<unsigned char>(bytes[at + i])} << 8 * i;
  return value;
}

/// Where the directory lies and how many entries it has.
struct zip_end {
  std::uint64_t entries = 0, bytes = 0, at = 0;
};

/// Reads the records at the end of the file: the old one of 22 bytes, before which the one of 64-bit sizes may stand. The
/// directory must end where they begin.
inline zip_end read_zip_end(std::FILE* file, std::uint64_t file_bytes) {
  const auto cut = [] { throw unreadable("it is a .zip that is cut short or goes on after its end"); };
  if (file_bytes < 22) cut();
  std::string old(22, '\0');
  read_at(file, file_bytes - 22, old.data(), 22);
  if (!old.starts_with("PK\5\6") || zip_number(old, 20, 2) != 0) cut();
  if (zip_number(old, 4, 4) != 0 || zip_number(old, 8, 2) != zip_number(old, 10, 2)) throw unreadable("it is a part of a .zip");
  zip_end end{zip_number(old, 10, 2), zip_number(old, 12, 4), zip_number(old, 16, 4)};
  std::uint64_t begins = file_bytes - 22;
  const bool is_long = end.entries == 0xffff || end.bytes == 0xffffffff || end.at == 0xffffffff;
  std::string locator(20, '\0');
  if (begins >= 20) read_at(file, begins - 20, locator.data(), 20);
  if (locator.starts_with("PK\6\7")) {
    const std::uint64_t at = zip_number(locator, 8, 8);
    if (begins < 76 || at != begins - 76) cut();
    std::string record(56, '\0');
    read_at(file, at, record.data(), 56);
    if (!record.starts_with("PK\6\6") || zip_number(record, 4, 8) != 44) cut();
    const zip_end wide{zip_number(record, 32, 8), zip_number(record, 40, 8), zip_number(record, 48, 8)};
    const auto agree = [](std::uint64_t narrow, std::uint64_t full, std::uint64_t most) {
      return narrow == most || narrow == full;
    };
    if (zip_number(record, 24, 8) != wide.entries || !agree(end.entries, wide.entries, 0xffff) ||
        !agree(end.bytes, wide.bytes, 0xffffffff) || !agree(end.at, wide.at, 0xffffffff))
      throw unreadable("it is a .zip whose two ends disagree");
    end = wide;
    begins = at;
  } else if (is_long) {
    cut();
  }
  if (end.at > begins || end.bytes != begins - end.at) throw unreadable("it is a .zip whose directory is not where its end says");
  if (end.entries > end.bytes / 46) throw unreadable("it is a .zip that claims more entries than it can have");
  return end;
}

/// Takes the 64-bit sizes that stand in the extra field for those that are 2^32 - 1, in their order.
inline void take_wide_sizes(std::string_view extra, std::vector<std::uint64_t*> sizes) {
  std::erase_if(sizes, [](const std::uint64_t* size) { return *size != 0xffffffff; });
  while (!sizes.empty()) {
    if (extra.size() < 4) throw unreadable("it is a .zip with an entry of unknown size");
    const std::uint64_t length = zip_number(extra, 2, 2);
    if (length > extra.size() - 4) throw unreadable("it is a .zip with a damaged entry");
    if (zip_number(extra, 0, 2) == 1) {
      if (length < 8 * sizes.size()) throw unreadable("it is a .zip with an entry of unknown size");
      for (std::size_t i = 0; i < sizes.size(); ++i) *sizes[i] = zip_number(extra, 4 + 8 * i, 8);
      return;
    }
    extra.remove_prefix(4 + length);
  }
}

/// Parses the directory and refuses what torch.save does not write: compressed, encrypted, doubly named entries. Sizes are
/// checked by `read_zip_headers`.
inline std::vector<zip_entry> parse_zip_directory(std::string_view directory, std::uint64_t count) {
  std::vector<zip_entry> entries;
  std::set<std::string_view> names;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (directory.size() < 46 || !directory.starts_with("PK\1\2")) throw unreadable("it is a .zip with a damaged directory");
    const std::uint64_t name = zip_number(directory, 28, 2), extra = zip_number(directory, 30, 2),
                        comment = zip_number(directory, 32, 2);
    if (46 + name + extra + comment > directory.size()) throw unreadable("it is a .zip with a damaged directory");
    zip_entry entry{std::string(directory.substr(46, name)), zip_number(directory, 24, 4),
                    static_cast<std::uint32_t>(zip_number(directory, 16, 4)), zip_number(directory, 42, 4)};
    std::uint64_t stored = zip_number(directory, 20, 4);
    const std::string said = printable("'" + entry.name + "'");
    if ((zip_number(directory, 8, 2) & 1) != 0) throw unreadable("its entry " + said + " is encrypted", zip_again);
    if (zip_number(directory, 10, 2) != 0) throw unreadable("its entry " + said + " is compressed", zip_again);
    if (zip_number(directory, 34, 2) != 0) throw unreadable("it is a part of a .zip");
    take_wide_sizes(directory.substr(46 + name, extra), {&entry.bytes, &stored, &entry.header_at});
    if (stored != entry.bytes) throw unreadable("its entry " + said + " has two sizes");
    if (!names.insert(directory.substr(46, name)).second) throw unreadable("it has the entry " + said + " twice");
    entries.push_back(std::move(entry));
    directory.remove_prefix(46 + name + extra + comment);
  }
  if (!directory.empty()) throw unreadable("it is a .zip with a damaged directory");
  return entries;
}

/// Reads each entry's own header, in the order of the file, to know where its bytes begin; entries must lie one after another,
/// the last before the directory, and the headers must say what the directory says.
inline void read_zip_headers(std::FILE* file, std::uint64_t directory_at, std::vector<zip_entry>& entries) {
  std::sort(entries.begin(), entries.end(), [](const zip_entry& a, const zip_entry& b) { return a.header_at < b.header_at; });
  std::uint64_t free_from = 0;
  std::string header(30, '\0'), rest;
  for (zip_entry& entry : entries) {
    const auto refuse = [&](const char* wrong) { throw unreadable("its entry '" + printable(entry.name) + "' " + wrong); };
    if (entry.header_at < free_from) refuse("overlaps another");
    if (entry.header_at > directory_at || directory_at - entry.header_at < 30) refuse("goes beyond the file");
    read_at(file, entry.header_at, header.data(), 30);
    if (!header.starts_with("PK\3\4")) refuse("is not where the directory says");
    const std::uint64_t name = zip_number(header, 26, 2), extra = zip_number(header, 28, 2);
    entry.at = entry.header_at + 30 + name + extra;
    if (entry.at > directory_at || entry.bytes > directory_at - entry.at) refuse("goes beyond the file");
    rest.resize(name + extra);
    read_at(file, entry.header_at + 30, rest.data(), rest.size());
    if (rest.substr(0, name) != entry.name || zip_number(header, 8, 2) != 0 || (zip_number(header, 6, 2) & 1) != 0)
      refuse("is another than the directory says");
    if ((zip_number(header, 6, 2) & 8) == 0) {  // else sizes and checksum follow the bytes
      std::uint64_t bytes = zip_number(header, 22, 4), stored = zip_number(header, 18, 4);
      take_wide_sizes(std::string_view(rest).substr(name), {&bytes, &stored});
      if (bytes != entry.bytes || stored != bytes || zip_number(header, 14, 4) != entry.crc)
        refuse("is another than the directory says");
    }
    free_from = entry.at + entry.bytes;
  }
}

}  // namespace axonzoo::detail
