// Writes a whole slide: a phantom laid side by side, as a pyramidal BigTIFF. Its mask is what axonzoo-morphometrics is timed on, its
// micrograph what axonzoo-segment's memory is measured on.
//
//   slide --out slide.tif [--micrograph] [--width 30000] [--height 30000] [--tile 3000] [--pixel-size 0.035]

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>

#include <CLI/CLI.hpp>

#include <axonzoo/data/phantom.hpp>
#include <axonzoo/io/tiled_tiff.hpp>

int main(int argc, char** argv) {
  std::filesystem::path out;
  std::size_t width = 30000, height = 30000, tile = 3000;
  bool micrograph = false;
  axonzoo::phantom_options options;
  options.pixel_size = 0.035;
  CLI::App app("Writes a whole slide.");
  app.add_option("--out", out, "TIFF to write")->required();
  app.add_flag("--micrograph", micrograph, "the grey levels instead of the mask");
  app.add_option("--width", width, "px of the slide")->capture_default_str();
  app.add_option("--height", height, "px of the slide")->capture_default_str();
  app.add_option("--tile", tile, "px of the phantom that is repeated")->capture_default_str();
  app.add_option("--pixel-size", options.pixel_size, "um")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    options.height = options.width = tile;
    const auto side = static_cast<std::int64_t>(tile);
    const auto tissue = axonzoo::grow_tissue(options, 1);
    axonzoo::label_image levels = axonzoo::label_image::from_shape({tile, tile});
    if (micrograph) {
      const auto made = axonzoo::render_phantom(tissue, {0, 0, side, side});
      std::transform(made.pixels.begin(), made.pixels.end(), levels.begin(), [](float level) { return static_cast<std::uint8_t>(level); });
    } else {
      levels = axonzoo::draw_masks(tissue, {0, 0, side, side}).labels;
      for (auto& label : levels) label = label == 2 ? 255 : label == 1 ? 127 : 0;
    }
    axonzoo::tiled_tiff_writer writer(out, height, width);
    axonzoo::label_image row = axonzoo::label_image::from_shape({1, width});
    for (std::size_t y = 0; y < height; ++y) {
      for (std::size_t x = 0; x < width; ++x) row(0, x) = levels(y % tile, x % tile);
      writer.add(row);
    }
    writer.finish();
    std::printf("%zu fibres in a tile, %.1f tiles\n", tissue.fibres.size(), static_cast<double>(height * width) / static_cast<double>(tile * tile));
  } catch (const std::exception& failed) {
    std::cerr << "slide: " << failed.what() << '\n';
    return 1;
  }
}
