#pragma once

#include <cstdint>
#include <string>

namespace axonzoo {

/// One file in a .zip.
struct zip_entry {
  std::string name;
  std::uint64_t bytes = 0;
  std::uint32_t crc = 0;
  std::uint64_t header_at = 0;  ///< of its own header in the .zip
  std::uint64_t at = 0;         ///< of its first byte in the .zip
};

}  // namespace axonzoo
