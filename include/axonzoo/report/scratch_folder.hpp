#pragma once

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>

#include <axonzoo/core/error.hpp>

namespace axonzoo {

/// A fresh folder for files that a library can only hand over on disk; it goes with everything in it.
class scratch_folder {
 public:
  scratch_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "axonzoo-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      throw error("cannot make a temporary folder", name + ": " + std::strerror(errno), "set TMPDIR to a folder you may write");
    path_ = name;
  }
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  ~scratch_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace axonzoo
