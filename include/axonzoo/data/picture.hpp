#pragma once

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/data/listing.hpp>
#include <axonzoo/io/image.hpp>
#include <axonzoo/io/npy.hpp>

namespace axonzoo::detail {

/// A picture is an image file or a NumPy array; which one, its first bytes tell.
inline bool is_npy(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, 6> magic{};
  return file.read(magic.data(), magic.size()) && std::string_view(magic.data(), magic.size()) == "\x93NUMPY";
}

inline bool is_picture(const std::filesystem::path& path) { return is_image(path) || is_npy(path); }

/// Pictures directly in the folder, sorted by name. Other files are passed over, but a file that is named like a picture and
/// is none, and a link that leads nowhere, are errors: an image would be missing without a word.
inline std::vector<std::filesystem::path> list_pictures(const std::filesystem::path& folder) {
  const auto found = list_folder(folder);
  if (!found.broken.empty())
    throw error("cannot read " + quoted(found.broken.front()), "the link leads nowhere",
                "fetch the file it stands for, or remove the link");
  std::vector<std::filesystem::path> pictures;
  for (const auto& file : found.files) {
    if (is_picture(file)) {
      pictures.push_back(file);
      continue;
    }
    const auto extension = lower_case(file.extension().string());
    for (const auto* name : {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".npy"})
      if (extension == name)
        throw error("cannot read " + quoted(file), "it is named like an image but holds none",
                    "copy it again from its source, or remove it");
  }
  return pictures;
}

/// Height, width, channels and bits of an array of [H, W], [H, W, 1] or [H, W, 3]; its values are not read.
inline image_size read_npy_image_size(const std::filesystem::path& path) {
  const auto header = read_npy_header(path);
  const auto& shape = header.shape;
  if ((shape.size() != 2 && shape.size() != 3) || (shape.size() == 3 && shape[2] != 1 && shape[2] != 3)) {
    std::string sides;
    for (const auto side : shape) sides += (sides.empty() ? "" : ", ") + std::to_string(side);
    throw error("cannot read array " + quoted(path), "its shape is [" + sides + "]", "save it as [H, W] or [H, W, 3]");
  }
  const image_size size{shape[0], shape[1], shape.size() == 3 ? shape[2] : 1, static_cast<int>(header.item * 8)};
  check_image_size(path, size, 0);
  return size;
}

/// Pixels [H, W, C] in the file's own levels, C = 1 or 3. Throws axonzoo::error.
inline image read_picture(const std::filesystem::path& path) {
  if (!is_npy(path)) return read_image(path);
  const auto size = read_npy_image_size(path);
  const auto values = read_npy<float>(path);
  image pixels = image::from_shape({size.height, size.width, size.channels});
  std::copy(values.begin(), values.end(), pixels.begin());
  return pixels;
}

/// Height, width, channels and bits without decoding.
inline image_size read_picture_size(const std::filesystem::path& path) {
  return is_npy(path) ? read_npy_image_size(path) : read_image_size(path);
}

/// Throws when a mask has another size than its image.
inline void check_mask_size(const std::filesystem::path& image, const image_size& size, const std::filesystem::path& mask,
                            const image_size& own) {
  if (own.height == size.height && own.width == size.width) return;
  const auto sides = [](const image_size& one) { return std::to_string(one.width) + " x " + std::to_string(one.height); };
  throw error("cannot use mask " + quoted(mask),
              "it is " + sides(own) + " pixels and its image " + quoted(image) + " is " + sides(size), "give a mask of the image's size");
}

}  // namespace axonzoo::detail
