#pragma once

#include <filesystem>

namespace benchmarks {

/// benchmarks/ of the source tree. A compiler cache gives __FILE__ relative to the build folder, which holds bin/ with this program.
inline std::filesystem::path source_folder() {
  const auto here = std::filesystem::path(__FILE__).parent_path();
  return here.is_absolute() ? here : std::filesystem::weakly_canonical(std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() / here);
}

}  // namespace benchmarks
