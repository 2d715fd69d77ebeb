// Segments micrographs with a checkpoint that a variant program wrote: masks at each image's own size, and an overlay.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
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
#include <axonzoo/core/digest.hpp>
#include <axonzoo/core/interrupt.hpp>
#include <axonzoo/core/progress.hpp>
#include <axonzoo/core/threads.hpp>
#include <axonzoo/data/listing.hpp>
#include <axonzoo/data/sidecar.hpp>
#include <axonzoo/infer/bids_derivative.hpp>
#include <axonzoo/infer/boxed_predictor.hpp>
#include <axonzoo/infer/predictor.hpp>
#include <axonzoo/infer/segment_rows.hpp>
#include <axonzoo/infer/write_masks.hpp>
#include <axonzoo/io/image.hpp>
#include <axonzoo/io/image_rows.hpp>
#include <axonzoo/io/open_file.hpp>
#include <axonzoo/io/replace_file.hpp>
#include <axonzoo/measure/measured_image.hpp>
#include <axonzoo/measure/streamed_morphometrics.hpp>
#include <axonzoo/metrics/mask_pairs.hpp>
#include <axonzoo/metrics/mask_rows.hpp>
#include <axonzoo/report/morphometric_files.hpp>
#include <axonzoo/report/morphometric_page.hpp>
#include <axonzoo/report/overlay.hpp>
#include <axonzoo/report/slide_overlay.hpp>
#include <axonzoo/report/subject_groups.hpp>

namespace {

struct segment_options {
  std::vector<std::filesystem::path> models;
  std::filesystem::path prompts_from, out;
  std::vector<std::filesystem::path> images;
  std::string contrast;
  double pixel_size = 0;
  std::string device = "cpu";
  int turns = 1;
  double overlap = 0.25;
  std::filesystem::path morphometrics, report, groups, watch;
  std::string masks = "auto", layout = "flat";
  std::size_t memory = 1500;
  bool resume = false;
  axonzoo::axon_shape shape = axonzoo::axon_shape::circle;
  bool keep_border = true;
  std::string command;
};

constexpr std::size_t largest_png = std::size_t{1} << 26;  ///< px; larger masks become TIFF

std::filesystem::path folder_of_masks(const segment_options& options, const std::string& stem) {
  return options.layout == "bids" ? axonzoo::bids_folder(options.out, stem) : options.out;
}

/// Where the rows of a slide wait; it does not depend on the layout, so that a folder of masks holds masks alone.
std::filesystem::path spool_of(const segment_options& options, const std::filesystem::path& image) { return options.out / ("." + image.stem().string() + ".rows"); }

/// How the axons of an image are measured.
axonzoo::morphometric_options how_to_measure(const segment_options& options, const std::string& stem, double pixel_size) {
  if (!(pixel_size > 0)) throw axonzoo::error("cannot measure '" + stem + "'", "nothing says its pixel size", "give --pixel-size UM, or a sidecar with PixelSize");
  axonzoo::morphometric_options how;
  how.pixel_size = pixel_size;
  how.shape = options.shape;
  how.keep_border = options.keep_border;
  return how;
}

void keep(axonzoo::measured_image measured, const std::string& stem, axonzoo::morphometric_report& report) {
  measured.name = stem;
  measured.subject = stem.substr(0, stem.find('_'));
  measured.measures.axons = {};
  measured.measures.fibres = {};
  report.images.push_back(std::move(measured));
}

/// Measures labels (0, 1 myelin, 2 axon) of an image and, for the report, draws it.
void measure(const segment_options& options, const std::string& stem, axonzoo::label_image labels, const axonzoo::image& pixels, double pixel_size,
             axonzoo::morphometric_report& report) {
  auto measured = axonzoo::measure_image(labels, how_to_measure(options, stem, pixel_size));
  measured.name = stem;
  if (!options.report.empty()) report.pictures.push_back(axonzoo::draw_g_ratios(measured, pixels));
  keep(std::move(measured), stem, report);
}

/// Measures a mask that is a TIFF, in bands of rows; it is too large for the report's pictures.
void measure_slide(const segment_options& options, const std::string& stem, const std::filesystem::path& mask, double pixel_size, axonzoo::morphometric_report& report) {
  axonzoo::image_masks files;
  files.axonmyelin = mask;
  const axonzoo::mask_rows rows(files);
  const auto read = [&rows](std::size_t top, std::size_t count) { return rows.read(top, count); };
  keep(axonzoo::measure_streamed(rows.height(), rows.width(), read, how_to_measure(options, stem, pixel_size)), stem, report);
  if (!options.report.empty()) report.pictures.emplace_back();
}

axonzoo::label_image as_axon_and_myelin(axonzoo::label_image labels, const std::vector<std::string>& classes) {
  for (auto& label : labels) label = classes[label] == "axon" ? 2 : classes[label] == "myelin" ? 1 : 0;
  return labels;
}

std::string digest_of(const std::vector<std::filesystem::path>& files) {
  axonzoo::digest made;
  for (const auto& file : files) made.add(axonzoo::read_file(file, "cannot read '" + file.string() + "'"));
  return made.hex();
}

/// What the program holds by now, with the network at work: a tile is segmented for it.
std::size_t bytes_of_program(axonzoo::predictor& with) {
  const auto side = with.side() * 4;
  axonzoo::image tiles = axonzoo::image::from_shape({static_cast<std::size_t>(with.side()), static_cast<std::size_t>(side), static_cast<std::size_t>(with.facts().channels)});
  tiles.fill(0);
  static_cast<void>(axonzoo::class_probabilities(with.of_tiles(), tiles, with.side(), with.options()));
  std::size_t pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * 4096;
}

/// Segments images as they come into a folder until it is interrupted. A file is read when its size and time have stood still for two
/// looks, so one that grows is waited for; what has a mask in --out already is passed over, so it goes on where it was stopped.
template <class Segment, class Write, class Finished>
int watch(const segment_options& options, Segment segment_one, Write write_tables, Finished is_finished) {
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
      if (!(axonzoo::is_image(path) || axonzoo::is_scanner_slide(path)) || is_finished(path)) continue;
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
    plain = std::make_unique<axonzoo::predictor>(options.models, device);
  } else {
    if (options.models.size() > 1) throw axonzoo::error("cannot use --prompts-from with several --model", "prompts are for one SAM", "give one --model");
    boxed = std::make_unique<axonzoo::boxed_predictor>(options.models.front(), options.prompts_from, device);
  }
  auto& dense = boxed ? boxed->detector() : *plain;
  const auto& facts = boxed ? boxed->facts() : plain->facts();
  dense.options().turns = options.turns;
  dense.options().overlap = options.overlap;
  axonzoo::morphometric_report report;
  const auto& classes = facts.classes;
  if (!options.morphometrics.empty()) {
    axonzoo::check_morphometrics_path(options.morphometrics);
    if (std::find(classes.begin(), classes.end(), "axon") == classes.end() || std::find(classes.begin(), classes.end(), "myelin") == classes.end())
      throw axonzoo::error("cannot use --morphometrics with '" + options.models.front().string() + "'", "it does not segment axon and myelin", "give a model that does");
    if (!options.groups.empty()) report.groups = axonzoo::read_subject_groups(options.groups);
  }
  std::filesystem::create_directories(options.out);
  std::size_t base = 0;
  std::string model_digest;  // of slides' rows alone: other images need not wait for it
  std::vector<std::string> model_names;
  for (const auto& model : options.models) model_names.push_back(model.filename().string());
  const auto segment_one = [&](const std::filesystem::path& path) {
    const auto size = axonzoo::read_slide_size(path);
    const bool scanned = axonzoo::is_scanner_slide(path);
    double pixel_size = options.pixel_size > 0 ? options.pixel_size : axonzoo::sidecar_pixel_size(path);
    if (scanned && !(pixel_size > 0)) pixel_size = axonzoo::openslide_rows(path).pixel_size();
    const auto stem = path.stem().string();
    const auto contrast = options.contrast.empty() ? stem.substr(stem.rfind('_') + 1) : options.contrast;
    if (facts.pixel_size.of(contrast) > 0 && !(pixel_size > 0)) {
      throw axonzoo::error("cannot segment '" + path.string() + "'", "nothing says its pixel size", "give --pixel-size UM, or a sidecar with PixelSize");
    }
    const auto folder = folder_of_masks(options, stem);
    const auto finished = folder / (stem + "_overlay.png"), tiff = folder / (stem + "_seg-axonmyelin.tif"), png = folder / (stem + "_seg-axonmyelin.png");
    if (options.resume && std::filesystem::exists(finished)) {
      if (options.morphometrics.empty()) return;
      if (std::filesystem::exists(tiff)) return measure_slide(options, stem, tiff, pixel_size, report);
      axonzoo::image_masks files;
      files.axonmyelin = png;
      return measure(options, stem, axonzoo::read_mask_labels(files, {"background", "myelin", "axon"}), options.report.empty() ? axonzoo::image::from_shape({0, 0, 1}) : axonzoo::read_image(path),
                     pixel_size, report);
    }
    if (const auto wrong = axonzoo::doubt(facts, pixel_size, contrast); !wrong.empty()) std::cerr << "note: '" << path.string() << "' lies outside of what the network knows: " << wrong << "\n";
    std::filesystem::create_directories(folder);
    const auto describe = [&](const std::vector<std::filesystem::path>& masks) {
      if (options.layout == "bids") axonzoo::describe_bids_masks(options.out, masks, path, pixel_size, model_names);
    };
    const auto [height, width] = axonzoo::size_at(size.height, size.width, pixel_size, facts.pixel_size.of(contrast), 1e12);
    const bool as_tiff = options.masks == "tiff" || scanned || (options.masks == "auto" && size.height * size.width > largest_png);
    const auto whole = axonzoo::whole_image_bytes(size.height, size.width, height, width, size.channels, classes.size());
    if (plain && base == 0 && (as_tiff || whole > options.memory << 18)) base = bytes_of_program(*plain);
    const bool by_rows = !boxed && (as_tiff || base + whole > options.memory << 20) && (as_tiff || size.height * size.width > (1u << 20));
    if (boxed && (as_tiff || size.height * size.width > axonzoo::largest_image))
      throw axonzoo::error("cannot segment '" + path.string() + "' by prompts", "it is too large to be held as a whole", "leave --prompts-from out, or cut it into parts");
    if (by_rows) {
      if (options.memory << 20 <= base)
        throw axonzoo::error("cannot segment '" + path.string() + "' in " + std::to_string(options.memory) + " MB", "the network alone takes " + std::to_string((base >> 20) + 1) + " MB",
                             "give a larger --memory");
      if (!as_tiff && size.height * size.width > (options.memory << 20) / 4)
        throw axonzoo::error("cannot write '" + png.string() + "'", "a PNG is written as a whole, which --memory does not allow", "leave --masks out, so that it becomes a TIFF");
      if (model_digest.empty()) model_digest = digest_of(options.models);
      axonzoo::image_rows source(path);
      axonzoo::segment_rows_options how;
      how.pixel_size = pixel_size;
      how.contrast = contrast;
      how.spool = spool_of(options, path);
      how.resume = options.resume;
      how.memory = (options.memory << 20) - base;
      axonzoo::progress rows(path.filename().string(), 1);
      how.at = [&rows](double share) { rows.at(share, ""); };
      auto spool = axonzoo::segment_rows(*plain, source, model_digest, how);
      if (spool.rows() < size.height) {
        std::cerr << "note: '" << path.string() << "' is segmented to row " << spool.rows() << " of " << size.height << "; the same command with --resume goes on\n";
        return;
      }
      if (as_tiff) {
        describe(axonzoo::write_masks(folder, stem, spool, size.height, size.width, classes));
        if (!options.morphometrics.empty()) measure_slide(options, stem, tiff, pixel_size, report);
      } else {
        axonzoo::label_image labels = axonzoo::label_image::from_shape({size.height, size.width});
        auto* at = labels.data();
        spool.read([&at](const axonzoo::label_image& part) { at = std::copy(part.begin(), part.end(), at); });
        describe(axonzoo::write_masks(folder, stem, labels, classes));
        if (!options.morphometrics.empty()) measure(options, stem, as_axon_and_myelin(std::move(labels), classes), axonzoo::image::from_shape({0, 0, 1}), pixel_size, report);
      }
      axonzoo::write_png(finished, axonzoo::slide_overlay(source, spool));
      spool.remove();
      return;
    }
    const auto pixels = axonzoo::read_image(path);
    const auto labels = boxed ? boxed->segment(pixels, pixel_size, contrast) : plain->segment(pixels, pixel_size, contrast);
    describe(axonzoo::write_masks(folder, stem, labels, classes));
    if (!options.morphometrics.empty()) measure(options, stem, as_axon_and_myelin(labels, classes), pixels, pixel_size, report);
    axonzoo::write_png(finished, axonzoo::overlay(pixels, labels));
  };
  const auto write_tables = [&] {
    if (report.images.empty()) return;
    axonzoo::write_morphometrics(options.morphometrics, report.images);
    report.command = options.command;
    if (!options.report.empty()) axonzoo::replace_file(options.report, axonzoo::morphometric_page(report));
  };
  if (!options.watch.empty()) {
    return watch(options, segment_one, write_tables, [&options](const std::filesystem::path& path) {
      const auto stem = path.stem().string();
      return std::filesystem::exists((options.layout == "bids" && !stem.starts_with("sub-") ? options.out : folder_of_masks(options, stem)) / (stem + "_overlay.png"));
    });
  }

  axonzoo::progress shown("segmenting", static_cast<double>(options.images.size()));
  int failed = 0;
  for (std::size_t i = 0; i < options.images.size() && !axonzoo::interrupted(); ++i) {
    try {
      segment_one(options.images[i]);
    } catch (const axonzoo::error& failure) {
      std::cerr << "axonzoo-segment: " << failure.what() << "\n";
      ++failed;
      if (std::filesystem::exists(spool_of(options, options.images[i]))) std::cerr << "note: its rows that were segmented are kept; --resume goes on from them\n";
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
  CLI::App app{"Segments micrographs: writes <stem>_seg-axonmyelin.png (0, 127, 255), <stem>_seg-axon.png, <stem>_seg-myelin.png (0, 255)\nand <stem>_overlay.png into --out; masks of slides are pyramidal TIFFs."};
  app.option_defaults()->always_capture_default();
  app.add_option("--model", options.models, "checkpoint.safetensors of a variant program; given several times, the mean of their probabilities counts")->required()->allow_extra_args(false);
  app.add_option("--prompts-from", options.prompts_from, "checkpoint of a U-Net or SegNet: boxes around what it finds are what the SAM in --model is asked for");
  app.add_option("--out", options.out, "folder to write into")->required();
  app.add_option("--pixel-size", options.pixel_size, "um of a pixel; otherwise the image's sidecar says it")->check(CLI::PositiveNumber);
  app.add_option("--contrast", options.contrast, "SEM, TEM, ..., for a model that knows a pixel size for each; otherwise the end of the file's name says it");
  app.add_option("--device", options.device, "cpu or cuda")->check(CLI::IsMember({"cpu", "cuda"}));
  app.add_option("--turns", options.turns, "flips and quarter turns averaged: 1, 2, 4 or 8")->check(CLI::IsMember({1, 2, 4, 8}));
  app.add_option("--memory", options.memory, "MB that the program may take: an image that would need more is segmented row by row, with the same masks")->check(CLI::Range(100, 1 << 24));
  app.add_option("--masks", options.masks, "png, tiff (a pyramid of tiles, for images of any size), or auto: TIFF above 67 megapixels")->check(CLI::IsMember({"auto", "png", "tiff"}));
  app.add_option("--layout", options.layout, "flat: masks in --out; bids: --out is a data set, masks go to its derivatives/labels/sub-X/micr with a JSON sidecar each")->check(CLI::IsMember({"flat", "bids"}));
  app.add_flag("--resume", options.resume, "go on where it was stopped: pass over images that are finished, and take up an interrupted slide at its last row");
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
  app.add_option("images", options.images, "micrographs: PNG, JPEG or TIFF of any size, and scanners' slides where OpenSlide is installed")->excludes(watched);
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
