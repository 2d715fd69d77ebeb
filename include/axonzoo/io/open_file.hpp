#pragma once

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>

#include <axonzoo/core/error.hpp>

namespace axonzoo {

struct close_file {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

using open_handle = std::unique_ptr<std::FILE, close_file>;

/// Opens an existing, non-empty file for reading in binary. Throws with `doing` ("cannot read image 'a.png'") where it is
/// missing, forbidden, a folder or empty.
[[nodiscard]] inline open_handle open_file(const std::filesystem::path& path, const std::string& doing) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) throw error(doing, "it is a folder", "name a file in it");
  open_handle file(std::fopen(path.c_str(), "rb"));
  if (!file) throw error(doing, std::strerror(errno), "check the path and its permissions");
  const int first = std::fgetc(file.get());
  if (first == EOF && std::ferror(file.get())) throw error(doing, std::strerror(errno), "check the disk");
  if (first == EOF) throw error(doing, "the file is empty", "copy it again from its source");
  std::ungetc(first, file.get());
  return file;
}

/// The whole of a file, as `open_file` opens it.
[[nodiscard]] inline std::string read_file(const std::filesystem::path& path, const std::string& doing) {
  const open_handle file = open_file(path, doing);
  std::string bytes;
  std::error_code unknown;
  const auto expected = std::filesystem::file_size(path, unknown);
  if (!unknown) bytes.reserve(expected);
  char part[1 << 16];
  for (std::size_t n = 0; (n = std::fread(part, 1, sizeof part, file.get())) > 0;) bytes.append(part, n);
  if (std::ferror(file.get())) throw error(doing, std::strerror(errno), "check the disk");
  return bytes;
}

}  // namespace axonzoo
