#pragma once

#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <vector>
#include <zlib.h>

#include <axonzoo/io/unreadable.hpp>
#include <axonzoo/io/zip_directory.hpp>
#include <axonzoo/io/zip_entry.hpp>

namespace axonzoo {

/// A .zip as torch.save writes it: entries as they are, not compressed, with 32- or 64-bit sizes. Its directory is held against
/// the file before anything else is read: entries that overlap, go beyond the file, are named twice, are compressed or encrypted,
/// and a file that is cut short or goes on after its end, are refused. Throws `unreadable`. Source: PKWARE's APPNOTE 6.3.9,
/// sections 4.3 and 4.5.3.
class zip_file {
 public:
  /// `file` must live as long; `file_bytes` is its length.
  zip_file(std::FILE* file, std::uint64_t file_bytes) : file_(file) {
    const detail::zip_end end = detail::read_zip_end(file, file_bytes);
    if (end.bytes > longest_directory) throw unreadable("it is a .zip with an absurdly long directory");
    std::string directory(end.bytes, '\0');
    detail::read_at(file, end.at, directory.data(), directory.size());
    entries_ = detail::parse_zip_directory(directory, end.entries);
    detail::read_zip_headers(file, end.at, entries_);
    for (const zip_entry& entry : entries_) {
      by_name_[entry.name] = &entry;
      checked_ = checked_ || entry.crc != 0;
    }
  }
  zip_file(const zip_file&) = delete;
  zip_file& operator=(const zip_file&) = delete;

  /// In the order of the file.
  [[nodiscard]] const std::vector<zip_entry>& entries() const { return entries_; }

  /// The entry of a name, or null.
  [[nodiscard]] const zip_entry* find(std::string_view name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
  }

  /// All bytes of an entry; throws where their checksum is another than the directory's, or they are more than `most`.
  [[nodiscard]] std::string read(const zip_entry& entry, std::uint64_t most) const {
    if (entry.bytes > most) throw unreadable("its entry '" + printable(entry.name) + "' is absurdly long");
    std::string bytes(entry.bytes, '\0');
    detail::read_at(file_, entry.at, bytes.data(), bytes.size());
    check(entry, bytes);
    return bytes;
  }

  /// An archive without any checksum, as torch.save writes it after set_crc32_options(False), has nothing to check.
  [[nodiscard]] bool has_checksums() const { return checked_; }

  /// Throws where these are not the bytes that the entry's checksum was made of.
  void check(const zip_entry& entry, std::string_view bytes) const {
    if (checked_ && ::crc32_z(0, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()) != entry.crc)
      throw unreadable("its entry '" + printable(entry.name) + "' is damaged: its checksum is wrong");
  }

 private:
  static constexpr std::uint64_t longest_directory = std::uint64_t{64} << 20;

  std::FILE* file_;
  std::vector<zip_entry> entries_;
  std::map<std::string_view, const zip_entry*> by_name_;
  bool checked_ = false;
};

}  // namespace axonzoo
