// Writes a mask of a whole slide: a phantom laid side by side, as a pyramidal BigTIFF. What axonzoo-morphometrics is timed on.
//
//   slide --out slide.tif [--side 30000] [--tile 3000] [--pixel-size 0.035]

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
  std::size_t side = 30000, tile = 3000;
  axonzoo::phantom_options options;
  options.pixel_size = 0.035;
  CLI::App app("Writes a mask of a whole slide.");
  app.add_option("--out", out, "TIFF to write")->required();
  app.add_option("--side", side, "px of the slide")->capture_default_str();
  app.add_option("--tile", tile, "px of the phantom that is repeated")->capture_default_str();
  app.add_option("--pixel-size", options.pixel_size, "um")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    options.height = options.width = tile;
    const auto tissue = axonzoo::grow_tissue(options, 1);
    const auto labels =
        axonzoo::draw_masks(tissue, {0, 0, static_cast<std::int64_t>(tile), static_cast<std::int64_t>(tile)}).labels;
    axonzoo::tiled_tiff_writer writer(out, side, side);
    axonzoo::label_image row = axonzoo::label_image::from_shape({1, side});
    for (std::size_t y = 0; y < side; ++y) {
      for (std::size_t x = 0; x < side; ++x)
        row(0, x) = static_cast<std::uint8_t>(labels(y % tile, x % tile) == 2 ? 255 : labels(y % tile, x % tile) == 1 ? 127 : 0);
      writer.add(row);
    }
    writer.finish();
    std::printf("%zu fibres in a tile, %.0f tiles\n", tissue.fibres.size(),
                static_cast<double>(side) * static_cast<double>(side) / static_cast<double>(tile * tile));
  } catch (const std::exception& failed) {
    std::cerr << "slide: " << failed.what() << '\n';
    return 1;
  }
}
