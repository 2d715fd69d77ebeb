#pragma once

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/io/image_size.hpp>
#include <axonzoo/io/open_file.hpp>

namespace axonzoo {

/// Whether the file's name is that of a slide scanner's format, which OpenSlide reads: Aperio, Hamamatsu, Leica, MIRAX, Sakura, Ventana.
[[nodiscard]] inline bool is_scanner_slide(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const char* known : {".svs", ".ndpi", ".vms", ".vmu", ".scn", ".mrxs", ".svslide", ".bif"})
    if (extension == known) return true;
  return false;
}

namespace detail {

/// The functions of OpenSlide that are called here. The library is looked for when a slide is opened, so that programs build and run
/// without it.
struct openslide {
  void* (*open)(const char*) = nullptr;
  void (*close)(void*) = nullptr;
  const char* (*problem)(void*) = nullptr;
  void (*size)(void*, std::int64_t*, std::int64_t*) = nullptr;
  void (*read)(void*, std::uint32_t*, std::int64_t, std::int64_t, std::int32_t, std::int64_t, std::int64_t) = nullptr;
  const char* (*property)(void*, const char*) = nullptr;
  bool found = false;

  static const openslide& library() {
    static const openslide loaded;
    return loaded;
  }

 private:
  openslide() {
    void* handle = nullptr;
    for (const char* name : {"libopenslide.so.0", "libopenslide.so.1", "libopenslide.so"})
      if (handle == nullptr) handle = ::dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) return;
    const auto load = [handle](auto& function, const char* name) {
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(handle, name));
      return function != nullptr;
    };
    found = load(open, "openslide_open") && load(close, "openslide_close") && load(problem, "openslide_get_error") && load(size, "openslide_get_level0_dimensions") &&
            load(read, "openslide_read_region") && load(property, "openslide_get_property_value");
  }
};

}  // namespace detail

/// Rows of a scanner's slide at its finest level, in colour. What the scanner left out has the slide's background colour, white where it
/// names none.
class openslide_rows {
 public:
  /// Throws `error` where OpenSlide is not installed, and for what it cannot read.
  explicit openslide_rows(const std::filesystem::path& path) : doing_("cannot read image '" + path.string() + "'") {
    static_cast<void>(open_file(path, doing_));
    if (!library_.found)
      throw error(doing_, "it is a scanner's slide, and OpenSlide, which reads it, is not installed", "install Debian's libopenslide0, or convert it to a TIFF of tiles");
    slide_.reset(library_.open(path.c_str()));
    if (!slide_) throw error(doing_, "OpenSlide knows no scanner that writes such a file", "copy it again from its source, with the files that belong to it");
    check();
    std::int64_t width = 0, height = 0;
    library_.size(slide_.get(), &width, &height);
    check();
    size_ = {static_cast<std::size_t>(std::max<std::int64_t>(height, 0)), static_cast<std::size_t>(std::max<std::int64_t>(width, 0)), 3, 8};
    check_image_size(path, size_, 0, largest_slide);
    if (const char* colour = library_.property(slide_.get(), "openslide.background-color")) {
      const auto value = std::strtoul(colour, nullptr, 16);
      background_ = {static_cast<float>(value >> 16 & 255), static_cast<float>(value >> 8 & 255), static_cast<float>(value & 255)};
    }
  }

  [[nodiscard]] const image_size& size() const { return size_; }

  /// um, 0 where the scanner does not say it.
  [[nodiscard]] double pixel_size() const {
    const char* x = library_.property(slide_.get(), "openslide.mpp-x");
    const double um = x != nullptr ? std::strtod(x, nullptr) : 0;
    return um > 0 && um < 1000 ? um : 0;
  }

  /// Rows [top, top + count), [count, W, 3].
  [[nodiscard]] image read(std::size_t top, std::size_t count) {
    image rows = image::from_shape({count, size_.width, 3});
    for (std::size_t left = 0; left < size_.width; left += part) {
      const std::size_t wide = std::min(part, size_.width - left);
      pixels_.resize(count * wide);
      library_.read(slide_.get(), pixels_.data(), static_cast<std::int64_t>(left), static_cast<std::int64_t>(top), 0, static_cast<std::int64_t>(wide), static_cast<std::int64_t>(count));
      check();
      for (std::size_t y = 0; y < count; ++y)
        for (std::size_t x = 0; x < wide; ++x) {
          const std::uint32_t pixel = pixels_[y * wide + x];
          const float alpha = static_cast<float>(pixel >> 24) / 255;  // colours come multiplied by it
          for (std::size_t c = 0; c < 3; ++c) rows(y, left + x, c) = static_cast<float>(pixel >> (16 - 8 * c) & 255) + (1 - alpha) * background_[c];
        }
    }
    return rows;
  }

  static constexpr std::size_t part = 2048;  ///< px that are read beside one another

 private:
  void check() const {
    if (const char* wrong = library_.problem(slide_.get())) throw error(doing_, std::string("OpenSlide: ") + wrong, "the slide is damaged or a part of it is missing, copy it again from its source");
  }

  std::string doing_;
  const detail::openslide& library_ = detail::openslide::library();
  std::unique_ptr<void, void (*)(void*)> slide_{nullptr, [](void* slide) { detail::openslide::library().close(slide); }};
  image_size size_;
  std::array<float, 3> background_ = {255, 255, 255};
  std::vector<std::uint32_t> pixels_;
};

}  // namespace axonzoo
