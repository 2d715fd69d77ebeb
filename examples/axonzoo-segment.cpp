// Segments micrographs with a checkpoint that a variant program wrote: masks at each image's own size, and an overlay.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include <axonzoo/core/allocator.hpp>
#include <axonzoo/core/device.hpp>
#include <axonzoo/core/interrupt.hpp>
#include <axonzoo/core/progress.hpp>
#include <axonzoo/core/threads.hpp>
#include <axonzoo/data/listing.hpp>
#include <axonzoo/data/sidecar.hpp>
#include <axonzoo/infer/boxed_predictor.hpp>
#include <axonzoo/infer/predictor.hpp>
#include <axonzoo/infer/write_masks.hpp>
#include <axonzoo/io/image.hpp>
#include <axonzoo/io/replace_file.hpp>
#include <axonzoo/measure/measured_image.hpp>
#include <axonzoo/report/morphometric_files.hpp>
#include <axonzoo/report/morphometric_page.hpp>
#include <axonzoo/report/overlay.hpp>
#include <axonzoo/report/subject_groups.hpp>

namespace {

struct segment_options {
  std::filesystem::path model, prompts_from, out;
  std::vector<std::filesystem::path> images;
  std::string contrast;
  double pixel_size = 0;
  std::string device = "cpu";
  int turns = 1;
  double overlap = 0.25;
  std::filesystem::path morphometrics, report, groups, watch;
  axonzoo::axon_shape shape = axonzoo::axon_shape::circle;
  bool keep_border = true;
  std::string command;
};

/// Measures the labels of an image and, for the report, draws it.
void measure(const segment_options& options, const std::string& stem, axonzoo::label_image labels, const axonzoo::image& pixels, double pixel_size,
             const std::vector<std::string>& classes, axonzoo::morphometric_report& report) {
  if (!(pixel_size > 0)) throw axonzoo::error("cannot measure '" + stem + "'", "nothing says its pixel size", "give --pixel-size UM, or a sidecar with PixelSize");
  for (auto& label : labels) label = classes[label] == "axon" ? 2 : classes[label] == "myelin" ? 1 : 0;
  axonzoo::morphometric_options how;
  how.pixel_size = pixel_size;
  how.shape = options.shape;
  how.keep_border = options.keep_border;
  auto measured = axonzoo::measure_image(labels, how);
  measured.name = stem;
  measured.subject = stem.substr(0, stem.find('_'));
  if (!options.report.empty()) report.pictures.push_back(axonzoo::draw_g_ratios(measured, pixels));
  measured.measures.axons = {};
  measured.measures.fibres = {};
  report.images.push_back(std::move(measured));
}

/// Segments images as they come into a folder until it is interrupted. A file is read when its size and time have stood still for two
/// looks, so one that grows is waited for; what has a mask in --out already is passed over, so it goes on where it was stopped.
template <class Segment, class Write>
int watch(const segment_options& options, Segment segment_one, Write write_tables) {
  namespace fs = std::filesystem;
  struct seen {
    std::uintmax_t size = 0;
    fs::file_time_type time{};
    bool done = false;
  };
  std::map<fs::path, seen> files;
  std::printf("watching %s; Ctrl-C ends\n", options.watch.c_str());
  std::fflush(stdout);
  while (!axonzoo::interrupted()) {
    for (const auto& path : axonzoo::detail::list_folder(options.watch).files) {
      if (axonzoo::interrupted()) break;
      std::error_code gone;
      const auto size = fs::file_size(path, gone);
      const auto time = gone ? fs::file_time_type{} : fs::last_write_time(path, gone);
      if (gone) continue;
      auto& file = files[path];
      const bool still = file.size == size && file.time == time;
      if (!still) file = {size, time, false};
      if (!still || file.done || size == 0) continue;
      file.done = true;
      if (!axonzoo::is_image(path) || fs::exists(options.out / (path.stem().string() + "_overlay.png"))) continue;
      const auto started = std::chrono::steady_clock::now();
      try {
        segment_one(path);
        write_tables();
        std::printf("%s: %.2f s, %.2f s after it was written\n", path.filename().c_str(),
                    std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count(),
                    std::chrono::duration<double>(fs::file_time_type::clock::now() - time).count());
        std::fflush(stdout);
      } catch (const axonzoo::error& failure) {
        std::cerr << "axonzoo-segment: " << failure.what() << "\n";
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return 0;
}

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
  axonzoo::morphometric_report report;
  if (!options.morphometrics.empty()) {
    axonzoo::check_morphometrics_path(options.morphometrics);
    const auto& classes = facts.classes;
    if (std::find(classes.begin(), classes.end(), "axon") == classes.end() || std::find(classes.begin(), classes.end(), "myelin") == classes.end())
      throw axonzoo::error("cannot use --morphometrics with '" + options.model.string() + "'", "it does not segment axon and myelin", "give a model that does");
    if (!options.groups.empty()) report.groups = axonzoo::read_subject_groups(options.groups);
  }
  std::filesystem::create_directories(options.out);
  const auto segment_one = [&](const std::filesystem::path& path) {
    const auto pixels = axonzoo::read_image(path);
    const double pixel_size = options.pixel_size > 0 ? options.pixel_size : axonzoo::sidecar_pixel_size(path);
    const auto stem = path.stem().string();
    const auto contrast = options.contrast.empty() ? stem.substr(stem.rfind('_') + 1) : options.contrast;
    if (facts.pixel_size.of(contrast) > 0 && !(pixel_size > 0)) {
      throw axonzoo::error("cannot segment '" + path.string() + "'", "nothing says its pixel size", "give --pixel-size UM, or a sidecar with PixelSize");
    }
    const auto labels = boxed ? boxed->segment(pixels, pixel_size, contrast) : plain->segment(pixels, pixel_size, contrast);
    axonzoo::write_masks(options.out, stem, labels, facts.classes);
    axonzoo::write_png(options.out / (stem + "_overlay.png"), axonzoo::overlay(pixels, labels));
    if (!options.morphometrics.empty()) measure(options, stem, labels, pixels, pixel_size, facts.classes, report);
  };
  const auto write_tables = [&] {
    if (report.images.empty()) return;
    axonzoo::write_morphometrics(options.morphometrics, report.images);
    report.command = options.command;
    if (!options.report.empty()) axonzoo::replace_file(options.report, axonzoo::morphometric_page(report));
  };
  if (!options.watch.empty()) return watch(options, segment_one, write_tables);

  axonzoo::progress shown("segmenting", static_cast<double>(options.images.size()));
  int failed = 0;
  for (std::size_t i = 0; i < options.images.size() && !axonzoo::interrupted(); ++i) {
    try {
      segment_one(options.images[i]);
    } catch (const axonzoo::error& failure) {
      std::cerr << "axonzoo-segment: " << failure.what() << "\n";
      ++failed;
    }
    shown.at(static_cast<double>(i + 1), options.images[i].filename().string());
  }
  write_tables();
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
  auto* const table = app.add_option("--morphometrics", options.morphometrics, "table of all axons to write as well, as axonzoo-morphometrics does: .csv, .xlsx or .json");
  app.add_option("--shape", options.shape, "circle or ellipse, as axonzoo-morphometrics")
      ->transform(CLI::CheckedTransformer(std::map<std::string, axonzoo::axon_shape>{{"circle", axonzoo::axon_shape::circle}, {"ellipse", axonzoo::axon_shape::ellipse}}))
      ->default_str("circle")
      ->needs(table);
  app.add_option("--border", options.keep_border, "keep or drop axons whose fibre touches the image's border")
      ->transform(CLI::CheckedTransformer(std::map<std::string, bool>{{"keep", true}, {"drop", false}}))
      ->default_str("keep")
      ->needs(table);
  auto* const report = app.add_option("--report", options.report, "page to write, of all images and what was measured in them")->needs(table);
  app.add_option("--groups", options.groups, "table of each subject's group, for the page")->needs(report);
  auto* const watched = app.add_option("--watch", options.watch, "folder whose images are segmented as they are written, until Ctrl-C")->check(CLI::ExistingDirectory);
  app.add_option("images", options.images, "micrographs: PNG, JPEG or TIFF")->excludes(watched);
  try {
    app.parse(argc, argv);
    if (options.images.empty() && options.watch.empty()) throw CLI::RequiredError("images or --watch");
    options.command = "axonzoo-segment";
    for (int i = 1; i < argc; ++i) options.command += std::string(" ") + argv[i];
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
