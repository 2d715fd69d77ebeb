#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include <axonzoo/core/error.hpp>

namespace axonzoo {

/// What a file says of its picture before anything is decoded. `channels` and `bits` are those that `read_image` returns:
/// 1 or 3 channels (alpha is dropped, a palette becomes colours); levels of 8 bits for anything narrower than that.
struct image_size {
  std::size_t height = 0;
  std::size_t width = 0;
  std::size_t channels = 0;
  int bits = 0;
};

/// Larger pictures are refused: as floats, one of this size takes 4 GiB a channel.
inline constexpr std::uint64_t largest_image = std::uint64_t{1} << 30;

/// What is read row by row may be larger; beyond these a header is believed to be damaged.
inline constexpr std::uint64_t largest_slide = std::uint64_t{1} << 38, largest_row = std::uint64_t{1} << 22;

/// Throws unless the picture can be held. Call it before memory is asked for: a header of a few bytes may claim anything.
/// `most_compact` is the largest ratio of decoded to stored bytes that the format can reach (0: unlimited), `largest` the most
/// pixels.
inline void check_image_size(const std::filesystem::path& path, const image_size& size, std::uint64_t most_compact,
                             std::uint64_t largest = largest_image) {
  const std::string doing = "cannot read image '" + path.string() + "'";
  const std::string sides = std::to_string(size.width) + " x " + std::to_string(size.height) + " pixels";
  if (size.height == 0 || size.width == 0) throw error(doing, "its header claims " + sides, "export it again from its source");
  if (size.height > largest / size.width)
    throw error(doing, "its header claims " + sides + ", more than " + std::to_string(largest), "cut it into parts");
  if (largest > largest_image && size.width > largest_row)
    throw error(doing, "its header claims " + sides + ", rows of more than " + std::to_string(largest_row), "cut it into parts");
  std::error_code unknown;
  const std::uint64_t stored = std::filesystem::file_size(path, unknown);
  const std::uint64_t decoded = std::uint64_t{size.height} * size.width * size.channels * static_cast<unsigned>(size.bits) / 8;
  if (!unknown && most_compact != 0 && decoded / most_compact > stored)
    throw error(doing, "its header claims " + sides + " but the file has only " + std::to_string(stored) + " bytes",
                "copy it again from its source");
}

}  // namespace axonzoo
