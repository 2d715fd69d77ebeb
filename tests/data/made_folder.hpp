#pragma once

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <unistd.h>

#include <jpeglib.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/io/image.hpp>
#include <axonzoo/io/npy.hpp>

/// A fresh folder that goes with the test, and what is needed to fill it.
class made_folder {
 public:
  made_folder() {
    static std::atomic<int> count{0};
    path_ = std::filesystem::temp_directory_path() / ("axonzoo-data-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~made_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  made_folder(const made_folder&) = delete;
  made_folder& operator=(const made_folder&) = delete;

  const std::filesystem::path& path() const { return path_; }

  /// Path below the folder; its parents are made.
  std::filesystem::path at(const std::string& name) const {
    const auto path = path_ / name;
    std::filesystem::create_directories(path.parent_path());
    return path;
  }
  std::filesystem::path text(const std::string& name, const std::string& content) const {
    std::ofstream(at(name), std::ios::binary) << content;
    return at(name);
  }
  /// A grey PNG of h x w; `level` gives each pixel's.
  std::filesystem::path png(const std::string& name, std::size_t h, std::size_t w,
                            const std::function<int(std::size_t, std::size_t)>& level) const {
    axonzoo::label_image levels = axonzoo::label_image::from_shape({h, w});
    for (std::size_t y = 0; y < h; ++y)
      for (std::size_t x = 0; x < w; ++x) levels(y, x) = static_cast<std::uint8_t>(level(y, x));
    axonzoo::write_png(at(name), levels);
    return at(name);
  }
  std::filesystem::path png(const std::string& name, std::size_t h, std::size_t w, int level) const {
    return png(name, h, w, [level](std::size_t, std::size_t) { return level; });
  }
  std::filesystem::path colour_png(const std::string& name, std::size_t h, std::size_t w, int red, int green, int blue) const {
    axonzoo::rgb_image pixels = axonzoo::rgb_image::from_shape({h, w, 3});
    for (std::size_t i = 0; i < h * w; ++i) {
      pixels.data()[3 * i] = static_cast<std::uint8_t>(red);
      pixels.data()[3 * i + 1] = static_cast<std::uint8_t>(green);
      pixels.data()[3 * i + 2] = static_cast<std::uint8_t>(blue);
    }
    axonzoo::write_png(at(name), pixels);
    return at(name);
  }
  std::filesystem::path jpeg(const std::string& name, std::size_t h, std::size_t w, int quality,
                             const std::function<int(std::size_t, std::size_t)>& level) const {
    std::FILE* file = std::fopen(at(name).c_str(), "wb");
    jpeg_compress_struct jpeg{};
    jpeg_error_mgr errors{};
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, file);
    jpeg.image_width = static_cast<JDIMENSION>(w);
    jpeg.image_height = static_cast<JDIMENSION>(h);
    jpeg.input_components = 1;
    jpeg.in_color_space = JCS_GRAYSCALE;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, quality, TRUE);
    jpeg_start_compress(&jpeg, TRUE);
    std::vector<JSAMPLE> row(w);
    for (std::size_t y = 0; y < h; ++y) {
      for (std::size_t x = 0; x < w; ++x) row[x] = static_cast<JSAMPLE>(level(y, x));
      JSAMPROW rows[] = {row.data()};
      jpeg_write_scanlines(&jpeg, rows, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    std::fclose(file);
    return at(name);
  }

 private:
  std::filesystem::path path_;
};

/// The sentence that an action fails with; empty where it does not fail.
inline std::string sentence_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const axonzoo::error& wrong) {
    return wrong.what();
  }
  return {};
}

inline bool says(const std::string& sentence, const std::vector<std::string>& parts) {
  bool all = sentence.find('\n') == std::string::npos && !sentence.empty();
  for (const auto& part : parts) all &= sentence.find(part) != std::string::npos;
  if (!all) std::fprintf(stderr, "the sentence is: %s\n", sentence.c_str());
  return all;
}

/// One of the folders of real data, where AXONZOO_TEST_DATA says they are.
inline std::optional<std::filesystem::path> real_data(const std::string& name) {
  const char* root = std::getenv("AXONZOO_TEST_DATA");
  if (root == nullptr || !std::filesystem::is_directory(std::filesystem::path(root) / name)) return std::nullopt;
  return std::filesystem::path(root) / name;
}
