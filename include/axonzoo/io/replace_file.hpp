#pragma once

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>
#include <unistd.h>

#include <sys/stat.h>

#include <axonzoo/core/error.hpp>

namespace axonzoo {

namespace detail {

[[noreturn]] inline void refuse_to_write(const std::filesystem::path& path, int number) {
  const char* mend = number == ENOENT || number == ENOTDIR                     ? "create its folder first"
                     : number == ENOSPC || number == EDQUOT || number == EFBIG ? "free some space or write elsewhere"
                                                                               : "check the path, its permissions and the disk";
  throw error("cannot write '" + path.string() + "'", number == 0 ? "the disk refused it" : std::strerror(number), mend);
}

inline void write_stream(const std::filesystem::path& to, const std::filesystem::path& named,
                         const std::function<void(std::ostream&)>& write) {
  errno = 0;
  std::ofstream out(to, std::ios::binary | std::ios::trunc);
  if (!out) refuse_to_write(named, errno);
  write(out);
  errno = out ? 0 : errno;
  out.close();
  if (!out) refuse_to_write(named, errno);
}

// A rename can outlive the data it names in a power cut unless both are on the disk.
inline void flush_to_disk(const std::filesystem::path& what, const std::filesystem::path& named, bool folder) {
  const int descriptor = ::open(what.c_str(), folder ? O_RDONLY | O_DIRECTORY | O_CLOEXEC : O_WRONLY | O_CLOEXEC);
  if (descriptor < 0 && folder) return;  // a folder may be writable and not readable
  if (descriptor < 0) refuse_to_write(named, errno);
  const int failed = ::fsync(descriptor) == 0 || errno == EINVAL || errno == EROFS ? 0 : errno;
  ::close(descriptor);
  if (failed != 0) refuse_to_write(named, failed);
}

struct remove_on_exit {
  std::filesystem::path path;
  ~remove_on_exit() {
    std::error_code ignored;
    if (!path.empty()) std::filesystem::remove(path, ignored);
  }
};

}  // namespace detail

/// Writes a file so that its path holds, at every moment and after a crash, either the old content or the whole new one: `write`
/// fills a hidden file beside it, which is flushed to the disk and renamed. A symbolic link keeps pointing where it did; a device
/// or pipe is written directly. Throws, with the old file untouched, when anything fails, a full disk included; exceptions of
/// `write` pass through.
inline void replace_file(const std::filesystem::path& path, const std::function<void(std::ostream&)>& write) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const fs::file_status old = fs::status(path, ignored);
  if (fs::is_directory(old)) detail::refuse_to_write(path, EISDIR);
  if (fs::exists(old) && !fs::is_regular_file(old)) return detail::write_stream(path, path, write);

  const fs::path target = fs::exists(old) && fs::is_symlink(fs::symlink_status(path, ignored)) ? fs::canonical(path) : path;
  static std::atomic<unsigned> count{0};
  detail::remove_on_exit partial{target.parent_path() /
                                 ("." + target.filename().string().substr(0, 200) + "." + std::to_string(::getpid()) + "-" +
                                  std::to_string(count++) + ".partial")};
  detail::write_stream(partial.path, path, write);
  detail::flush_to_disk(partial.path, path, false);
  if (fs::exists(old)) fs::permissions(partial.path, old.permissions(), ignored);
  if (::rename(partial.path.c_str(), target.c_str()) != 0) detail::refuse_to_write(path, errno);
  partial.path.clear();
  detail::flush_to_disk(target.has_parent_path() ? target.parent_path() : fs::path("."), path, true);
}

/// The same for bytes that are already there.
inline void replace_file(const std::filesystem::path& path, std::string_view bytes) {
  replace_file(path, [bytes](std::ostream& out) { out.write(bytes.data(), static_cast<std::streamsize>(bytes.size())); });
}

}  // namespace axonzoo
