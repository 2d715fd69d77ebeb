#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>
#include <zlib.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/io/open_file.hpp>
#include <axonzoo/io/replace_file.hpp>

namespace axonzoo {

/// Rows of labels on their way to a mask, compressed and appended to a file, so that work on a slide which was interrupted, killed
/// or met a full disk goes on where it stood. A record that is cut short or damaged ends what counts.
class label_spool {
 public:
  /// Opens or makes the file of an image `width` px wide. `note` says what the labels depend on: a file with another one, and any
  /// where `resume` is false, begins anew. Throws `error` where it cannot be written.
  label_spool(std::filesystem::path path, std::size_t width, const std::string& note, bool resume) : path_(std::move(path)), width_(width) {
    if (resume) recover(note);
    if (file_) return;
    errno = 0;
    file_.reset(std::fopen(path_.c_str(), "w+b"));
    if (!file_) detail::refuse_to_write(path_, errno);
    const std::string head = heading(note);
    begin_ = end_ = static_cast<long>(head.size());
    put(head.data(), head.size());
  }

  /// Rows that it holds.
  [[nodiscard]] std::size_t rows() const { return rows_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  /// Appends rows [n, width]. Throws `error` on a full disk; what was there before stays good.
  void add(const label_image& rows) {
    if (rows.shape(1) != width_) throw error("cannot write '" + path_.string() + "'", "rows do not fit its width", "give those of one image");
    uLongf bytes = compressBound(static_cast<uLong>(rows.size()));
    std::vector<Bytef> record(sizeof(heads) + bytes);
    if (compress2(record.data() + sizeof(heads), &bytes, rows.data(), static_cast<uLong>(rows.size()), 1) != Z_OK)
      throw error("cannot write '" + path_.string() + "'", "its rows cannot be compressed", "free memory");
    const heads head{static_cast<std::uint32_t>(rows.shape(0)), static_cast<std::uint32_t>(bytes), sum(record.data() + sizeof(heads), bytes)};
    std::memcpy(record.data(), &head, sizeof head);
    std::fseek(file_.get(), end_, SEEK_SET);
    put(record.data(), sizeof(heads) + bytes);
    end_ += static_cast<long>(sizeof(heads) + bytes);
    rows_ += rows.shape(0);
  }

  /// Calls `take(const label_image&)` with all rows from the top, some at a time.
  template <class Take>
  void read(const Take& take) {
    std::fseek(file_.get(), begin_, SEEK_SET);
    for (std::size_t row = 0; row < rows_;) {
      label_image rows;
      if (!next(rows)) throw error("cannot read '" + path_.string() + "'", "it is damaged", "start again without --resume");
      row += rows.shape(0);
      take(rows);
    }
  }

  /// Removes the file.
  void remove() {
    file_.reset();
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }

 private:
  struct heads {
    std::uint32_t rows, bytes, sum;
  };

  static std::uint32_t sum(const Bytef* bytes, std::size_t n) { return static_cast<std::uint32_t>(crc32(0, bytes, static_cast<uInt>(n))); }
  static std::string heading(const std::string& note) { return "axonzoo rows of labels 1\n" + std::to_string(note.size()) + "\n" + note; }

  void put(const void* bytes, std::size_t n) {
    errno = 0;
    if (std::fwrite(bytes, 1, n, file_.get()) == n && std::fflush(file_.get()) == 0) return;
    const int why = errno;
    std::clearerr(file_.get());
    if (::ftruncate(::fileno(file_.get()), end_) != 0) rows_ = 0;
    detail::refuse_to_write(path_, why);
  }

  bool next(label_image& rows) {
    heads head{};
    if (std::fread(&head, sizeof head, 1, file_.get()) != 1) return false;
    const std::uint64_t pixels = std::uint64_t{head.rows} * width_;
    if (head.rows == 0 || head.rows > 65536 || head.bytes > compressBound(static_cast<uLong>(pixels))) return false;
    std::vector<Bytef> bytes(head.bytes);
    if (std::fread(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size() || sum(bytes.data(), bytes.size()) != head.sum) return false;
    rows = label_image::from_shape({head.rows, width_});
    auto length = static_cast<uLongf>(rows.size());
    return uncompress(rows.data(), &length, bytes.data(), static_cast<uLong>(bytes.size())) == Z_OK && length == rows.size();
  }

  void recover(const std::string& note) {
    file_.reset(std::fopen(path_.c_str(), "r+b"));
    if (!file_) return;
    const std::string head = heading(note);
    std::string found(head.size(), '\0');
    if (std::fread(found.data(), 1, found.size(), file_.get()) != found.size() || found != head) return file_.reset();
    begin_ = end_ = static_cast<long>(head.size());
    for (label_image rows; next(rows);) {
      rows_ += rows.shape(0);
      end_ = std::ftell(file_.get());
    }
    std::clearerr(file_.get());
    if (::ftruncate(::fileno(file_.get()), end_) != 0) detail::refuse_to_write(path_, errno);
  }

  std::filesystem::path path_;
  std::size_t width_, rows_ = 0;
  long begin_ = 0, end_ = 0;
  open_handle file_;
};

}  // namespace axonzoo
