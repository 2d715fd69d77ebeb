#pragma once

#include <filesystem>
#include <system_error>

#include <axonzoo/core/error.hpp>

namespace axonzoo {

/// With the folders above it; one that is there already is left as it is. Throws `error` where it cannot be made.
inline void make_folder(const std::filesystem::path& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) throw error("cannot make the folder '" + folder.string() + "'", failed.message(), "give a folder that you may write to");
}

}  // namespace axonzoo
