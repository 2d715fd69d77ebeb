#pragma once

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include <tiffio.h>

#include <axonzoo/io/image.hpp>

namespace axonzoo {

namespace detail {

/// um in one of a length's unit as microscopes' programs write it; 0 of one that is no length, as pixels.
inline double um_in(const std::string& unit) {
  static const std::map<std::string, double> units{{"um", 1},      {"micron", 1},  {"microns", 1}, {"\u00b5m", 1}, {"\u03bcm", 1}, {"\\u00B5m", 1}, {"&#181;m", 1}, {"&#xB5;m", 1},
                                                   {"&#956;m", 1}, {"nm", 1e-3},   {"mm", 1e3},    {"cm", 1e4},    {"m", 1e6},     {"inch", 25400}};
  const auto known = units.find(unit);
  return known == units.end() ? 0 : known->second;
}

inline double square_pixel(double x, double y) {
  const bool sensible = x > 0 && y > 0 && std::isfinite(x) && std::isfinite(y) && std::abs(x - y) <= 0.01 * std::max(x, y);
  return sensible ? (x + y) / 2 : 0;
}

/// PhysicalSizeX and Y of OME-XML's first image (OME schema 2016-06; um where it names no unit).
inline double ome_pixel_size(const std::string& xml) {
  const auto begin = xml.find("<Pixels ");
  if (xml.find("<OME") == std::string::npos || begin == std::string::npos) return 0;
  const auto element = xml.substr(begin, xml.find('>', begin) - begin);
  const auto attribute = [&element](const std::string& name, const std::string& absent) {
    const auto at = element.find(" " + name + "=");
    if (at == std::string::npos) return absent;
    const auto open = at + name.size() + 2, close = open < element.size() ? element.find(element[open], open + 1) : std::string::npos;
    return close == std::string::npos ? absent : element.substr(open + 1, close - open - 1);
  };
  const auto side = [&attribute](const std::string& name) { return std::strtod(attribute(name, "0").c_str(), nullptr) * um_in(attribute(name + "Unit", "um")); };
  return square_pixel(side("PhysicalSizeX"), side("PhysicalSizeY"));
}

/// ImageJ writes the unit into the description and the pixels in one of it as the resolution.
inline double imagej_pixel_size(const std::string& description, double x, double y) {
  const auto begin = description.find("\nunit=");
  if (!description.starts_with("ImageJ=") || begin == std::string::npos) return 0;
  auto unit = description.substr(begin + 6, description.find('\n', begin + 1) - begin - 6);
  if (unit.ends_with('\r')) unit.pop_back();
  return square_pixel(um_in(unit) / x, um_in(unit) / y);
}

}  // namespace detail

/// The side of a pixel in um, where a TIFF says it itself: in OME-XML or as ImageJ does. 0 of other files and where it says nothing sensible or that pixels are not
/// square. Plain resolution tags are passed over: most programs write their screen's dots per inch there.
[[nodiscard]] inline double tiff_pixel_size(const std::filesystem::path& path) {
  if (format_of(path) != image_format::tiff) return 0;
  const auto silent = [](TIFF*, void*, const char*, const char*, va_list) { return 1; };
  const std::unique_ptr<TIFFOpenOptions, decltype(&TIFFOpenOptionsFree)> options(TIFFOpenOptionsAlloc(), &TIFFOpenOptionsFree);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), silent, nullptr);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), silent, nullptr);
  const std::unique_ptr<TIFF, decltype(&TIFFClose)> file(TIFFOpenExt(path.c_str(), "rm", options.get()), &TIFFClose);
  const char* text = nullptr;
  if (!file || TIFFGetField(file.get(), TIFFTAG_IMAGEDESCRIPTION, &text) == 0 || text == nullptr) return 0;
  const std::string description = text;
  float x = 0, y = 0;
  TIFFGetField(file.get(), TIFFTAG_XRESOLUTION, &x);
  TIFFGetField(file.get(), TIFFTAG_YRESOLUTION, &y);
  const double um = detail::ome_pixel_size(description);
  return um > 0 ? um : detail::imagej_pixel_size(description, x, y);
}

}  // namespace axonzoo
