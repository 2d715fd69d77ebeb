// Segments micrographs with a checkpoint that a variant program wrote: masks at each image's own size, and an overlay.

#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include <axonzoo/core/allocator.hpp>
#include <axonzoo/core/interrupt.hpp>
#include <axonzoo/core/progress.hpp>
#include <axonzoo/core/threads.hpp>
#include <axonzoo/data/watched_folder.hpp>
#include <axonzoo/infer/file_segmenter.hpp>
#include <axonzoo/infer/mask_places.hpp>
#include <axonzoo/infer/segment_files.hpp>
#include <axonzoo/infer/segment_options.hpp>
#include <axonzoo/io/image.hpp>
#include <axonzoo/io/openslide_rows.hpp>
#include <axonzoo/report/measured_set.hpp>

namespace {

struct command_line {
  axonzoo::segment_options segment;
  axonzoo::measured_set_options measures;
  std::vector<std::filesystem::path> images;
  std::filesystem::path watched;
};

/// One write a line: lines of two threads must not mix.
void say(const std::string& line) { std::cerr << line + "\n"; }

void say_failure(const axonzoo::segment_job& job, const axonzoo::error& failure, const axonzoo::segment_options& options) {
  say(std::string("axonzoo-segment: ") + failure.what());
  if (std::filesystem::exists(axonzoo::spool_of(options, job.path))) say("note: its rows that were segmented are kept; --resume goes on from them");
}

/// Segments images as they come into a folder until it is interrupted. What has a mask in --out already is passed over, so it goes on where it was stopped.
int watch(axonzoo::file_segmenter& with, axonzoo::measured_set* measures, const std::filesystem::path& folder) {
  std::printf("watching %s; Ctrl-C ends\n", folder.c_str());
  std::fflush(stdout);
  const auto wanted = [&with](const std::filesystem::path& path) {
    return (axonzoo::is_image(path) || axonzoo::is_scanner_slide(path)) && !axonzoo::is_segmented(with.options(), path);
  };
  axonzoo::watched_folder files(folder, wanted);
  axonzoo::segment_stream stream;
  stream.next = [&files](const std::function<bool()>& ended) { return files.next(ended); };
  stream.done = [measures](const axonzoo::segment_job& job) {
    if (job.interrupted) return;
    if (measures != nullptr) measures->write();
    std::error_code gone;
    const auto written = std::filesystem::last_write_time(job.path, gone);
    std::printf("%s: %.2f s, %.2f s after it was written\n", job.path.filename().c_str(),
                std::chrono::duration<double>(std::chrono::steady_clock::now() - job.started).count(),
                gone ? 0. : std::chrono::duration<double>(std::filesystem::file_time_type::clock::now() - written).count());
    std::fflush(stdout);
  };
  stream.failed = [&with](const axonzoo::segment_job& job, const axonzoo::error& failure) { say_failure(job, failure, with.options()); };
  axonzoo::segment_files(with, stream);
  return 0;
}

int segment(command_line options) {
  std::unique_ptr<axonzoo::progress> rows;
  options.segment.note = [](const std::string& note) { say("note: " + note); };
  options.segment.rows = [&rows, shown = std::filesystem::path()](const std::filesystem::path& path, double share) mutable {
    if (!rows || shown != path) {
      rows.reset();  // its last line comes first
      rows = std::make_unique<axonzoo::progress>(path.filename().string(), 1);
    }
    shown = path;
    rows->at(share, "");
    if (share >= 1) rows.reset();
  };
  std::unique_ptr<axonzoo::measured_set> measures;
  if (!options.measures.table.empty()) measures = std::make_unique<axonzoo::measured_set>(options.measures);
  axonzoo::file_segmenter with(options.segment, measures.get());
  if (!options.watched.empty()) return watch(with, measures.get(), options.watched);

  axonzoo::progress shown("segmenting", static_cast<double>(options.images.size()));
  int through = 0, failed = 0;
  const auto count = [&](const axonzoo::segment_job& job) { shown.at(++through, job.path.filename().string()); };
  axonzoo::segment_files(with, options.images, count, [&](const axonzoo::segment_job& job, const axonzoo::error& failure) {
    say_failure(job, failure, with.options());
    ++failed;
    count(job);
  });
  if (measures) measures->write();
  if (axonzoo::interrupted()) return 130;
  return failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  axonzoo::use_caching_allocator();
  axonzoo::let_idle_threads_sleep();
  axonzoo::catch_interrupts();
  command_line options;
  auto& how = options.segment;
  auto& measures = options.measures;
  std::string masks = "auto", layout = "flat";
  CLI::App app{"Segments micrographs: writes <stem>_seg-axonmyelin.png (0, 127, 255), <stem>_seg-axon.png, <stem>_seg-myelin.png (0, 255)\nand <stem>_overlay.png into --out; masks of slides are pyramidal TIFFs."};
  app.option_defaults()->always_capture_default();
  app.add_option("--model", how.models, "checkpoint.safetensors of a variant program; given several times, the mean of their probabilities counts")->required()->allow_extra_args(false);
  auto* const prompts = app.add_option("--prompts-from", how.prompts_from, "checkpoint of a U-Net or SegNet: boxes around what it finds are what the SAM in --model is asked for");
  app.add_option("--out", how.out, "folder to write into")->required();
  app.add_option("--pixel-size", how.pixel_size, "um of a pixel; otherwise the image's sidecar says it")->check(CLI::PositiveNumber);
  app.add_option("--contrast", how.contrast, "SEM, TEM, ..., for a model that knows a pixel size for each; otherwise the end of the file's name says it");
  app.add_option("--device", how.device, "cpu or cuda")->check(CLI::IsMember({"cpu", "cuda"}));
  auto* const turns = app.add_option("--turns", how.turns, "flips and quarter turns averaged: 1, 2, 4 or 8")->check(CLI::IsMember({1, 2, 4, 8}));
  app.add_option("--memory", how.memory, "MB that the program may take: an image that would need more is segmented row by row, with the same masks")->check(CLI::Range(100, 1 << 24));
  app.add_option("--masks", masks, "png, tiff (a pyramid of tiles, for images of any size), or auto: TIFF above 67 megapixels")->check(CLI::IsMember({"auto", "png", "tiff"}));
  app.add_option("--layout", layout, "flat: masks in --out; bids: --out is a data set, masks go to its derivatives/labels/sub-X/micr with a JSON sidecar each")->check(CLI::IsMember({"flat", "bids"}));
  app.add_flag("--resume", how.resume, "go on where it was stopped: pass over images that are finished, and take up an interrupted slide at its last row");
  auto* const overlap = app.add_option("--tile-overlap", how.overlap, "share of a tile's side that it shares with the next")->check(CLI::Range(0.0, 0.9));
  app.add_flag("--fast", how.fast, "a quick look: of several --model the one with the fewest multiplications, tiles that hardly overlap, and 8 bits where the processor gains by them")
      ->excludes(prompts, turns, overlap);
  auto* const table = app.add_option("--morphometrics", measures.table, "table of all axons to write as well, as axonzoo-morphometrics does: .csv, .xlsx or .json");
  app.add_option("--shape", measures.how.shape, "circle or ellipse, as axonzoo-morphometrics")
      ->transform(CLI::CheckedTransformer(std::map<std::string, axonzoo::axon_shape>{{"circle", axonzoo::axon_shape::circle}, {"ellipse", axonzoo::axon_shape::ellipse}}))
      ->default_str("circle")
      ->needs(table);
  app.add_option("--border", measures.how.keep_border, "keep or drop axons whose fibre touches the image's border")
      ->transform(CLI::CheckedTransformer(std::map<std::string, bool>{{"keep", true}, {"drop", false}}))
      ->default_str("keep")
      ->needs(table);
  auto* const report = app.add_option("--report", measures.page, "page to write, of all images and what was measured in them")->needs(table);
  app.add_option("--groups", measures.groups, "table of each subject's group, for the page")->needs(report);
  auto* const watched = app.add_option("--watch", options.watched, "folder whose images are segmented as they are written, until Ctrl-C")->check(CLI::ExistingDirectory);
  app.add_option("images", options.images, "micrographs: PNG, JPEG or TIFF of any size, and scanners' slides where OpenSlide is installed")->excludes(watched);
  try {
    app.parse(argc, argv);
    if (options.images.empty() && options.watched.empty()) throw CLI::RequiredError("images or --watch");
    how.masks = masks == "tiff" ? axonzoo::mask_files::tiff : masks == "png" ? axonzoo::mask_files::png : axonzoo::mask_files::automatic;
    how.layout = layout == "bids" ? axonzoo::mask_layout::bids : axonzoo::mask_layout::flat;
    measures.command = "axonzoo-segment";
    for (int i = 1; i < argc; ++i) measures.command += std::string(" ") + argv[i];
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& wrong) {
    std::cerr << "axonzoo-segment: " << wrong.what() << "; --help lists the options\n";
    return 2;
  }
  try {
    return segment(std::move(options));
  } catch (const c10::Error& failure) {
    std::cerr << "axonzoo-segment: LibTorch failed: " << failure.what_without_backtrace() << "\n";
  } catch (const std::exception& failure) {
    std::cerr << "axonzoo-segment: " << failure.what() << "\n";
  }
  return 1;
}
