// Segments micrographs with a checkpoint that a variant program wrote: masks at each image's own size, and an overlay.

#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <axonzoo/core/allocator.hpp>
#include <axonzoo/core/device.hpp>
#include <axonzoo/core/interrupt.hpp>
#include <axonzoo/core/progress.hpp>
#include <axonzoo/core/threads.hpp>
#include <axonzoo/data/sidecar.hpp>
#include <axonzoo/infer/boxed_predictor.hpp>
#include <axonzoo/infer/predictor.hpp>
#include <axonzoo/infer/write_masks.hpp>
#include <axonzoo/io/image.hpp>
#include <axonzoo/report/overlay.hpp>

namespace {

struct segment_options {
  std::filesystem::path model, prompts_from, out;
  std::vector<std::filesystem::path> images;
  std::string contrast;
  double pixel_size = 0;
  std::string device = "cpu";
  int turns = 1;
  double overlap = 0.25;
};

int segment(const segment_options& options) {
  axonzoo::use_device(options.device);
  const c10::Device device(options.device);
  std::unique_ptr<axonzoo::boxed_predictor> boxed;
  std::unique_ptr<axonzoo::predictor> plain;
  if (options.prompts_from.empty()) {
    plain = std::make_unique<axonzoo::predictor>(options.model, device);
  } else {
    boxed = std::make_unique<axonzoo::boxed_predictor>(options.model, options.prompts_from, device);
  }
  auto& dense = boxed ? boxed->detector() : *plain;
  const auto& facts = boxed ? boxed->facts() : plain->facts();
  dense.options().turns = options.turns;
  dense.options().overlap = options.overlap;
  std::filesystem::create_directories(options.out);
  axonzoo::progress shown("segmenting", static_cast<double>(options.images.size()));
  int failed = 0;
  for (std::size_t i = 0; i < options.images.size() && !axonzoo::interrupted(); ++i) {
    const auto& path = options.images[i];
    try {
      const auto pixels = axonzoo::read_image(path);
      const double pixel_size = options.pixel_size > 0 ? options.pixel_size : axonzoo::sidecar_pixel_size(path);
      const auto stem = path.stem().string();
      const auto contrast = options.contrast.empty() ? stem.substr(stem.rfind('_') + 1) : options.contrast;
      if (facts.pixel_size.of(contrast) > 0 && !(pixel_size > 0)) {
        throw axonzoo::error("cannot segment '" + path.string() + "'", "nothing says its pixel size", "give --pixel-size UM, or a sidecar with PixelSize");
      }
      const auto labels = boxed ? boxed->segment(pixels, pixel_size, contrast) : plain->segment(pixels, pixel_size, contrast);
      axonzoo::write_masks(options.out, path.stem().string(), labels, facts.classes);
      axonzoo::write_png(options.out / (path.stem().string() + "_overlay.png"), axonzoo::overlay(pixels, labels));
    } catch (const axonzoo::error& failure) {
      std::cerr << "axonzoo-segment: " << failure.what() << "\n";
      ++failed;
    }
    shown.at(static_cast<double>(i + 1), path.filename().string());
  }
  if (axonzoo::interrupted()) return 130;
  return failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  axonzoo::use_caching_allocator();
  axonzoo::let_idle_threads_sleep();
  axonzoo::catch_interrupts();
  segment_options options;
  CLI::App app{"Segments micrographs: writes <stem>_seg-axonmyelin.png (0, 127, 255), <stem>_seg-axon.png, <stem>_seg-myelin.png (0, 255)\nand <stem>_overlay.png into --out."};
  app.option_defaults()->always_capture_default();
  app.add_option("--model", options.model, "checkpoint.safetensors of a variant program")->required();
  app.add_option("--prompts-from", options.prompts_from, "checkpoint of a U-Net or SegNet: boxes around what it finds are what the SAM in --model is asked for");
  app.add_option("--out", options.out, "folder to write into")->required();
  app.add_option("--pixel-size", options.pixel_size, "um of a pixel; otherwise the image's sidecar says it")->check(CLI::PositiveNumber);
  app.add_option("--contrast", options.contrast, "SEM, TEM, ..., for a model that knows a pixel size for each; otherwise the end of the file's name says it");
  app.add_option("--device", options.device, "cpu or cuda")->check(CLI::IsMember({"cpu", "cuda"}));
  app.add_option("--turns", options.turns, "flips and quarter turns averaged: 1, 2, 4 or 8")->check(CLI::IsMember({1, 2, 4, 8}));
  app.add_option("--tile-overlap", options.overlap, "share of a tile's side that it shares with the next")->check(CLI::Range(0.0, 0.9));
  app.add_option("images", options.images, "micrographs: PNG, JPEG or TIFF")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& wrong) {
    std::cerr << "axonzoo-segment: " << wrong.what() << "; --help lists the options\n";
    return 2;
  }
  try {
    return segment(options);
  } catch (const c10::Error& failure) {
    std::cerr << "axonzoo-segment: LibTorch failed: " << failure.what_without_backtrace() << "\n";
  } catch (const std::exception& failure) {
    std::cerr << "axonzoo-segment: " << failure.what() << "\n";
  }
  return 1;
}
