// Measures axons and their myelin in masks of any origin: AxonDeepSeg's columns, for each axon, image and subject.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/heap.hpp>
#include <axonzoo/core/interrupt.hpp>
#include <axonzoo/core/progress.hpp>
#include <axonzoo/data/listing.hpp>
#include <axonzoo/data/picture.hpp>
#include <axonzoo/io/replace_file.hpp>
#include <axonzoo/measure/measured_image.hpp>
#include <axonzoo/measure/streamed_morphometrics.hpp>
#include <axonzoo/metrics/mask_grey.hpp>
#include <axonzoo/metrics/mask_list.hpp>
#include <axonzoo/metrics/mask_pairs.hpp>
#include <axonzoo/metrics/mask_rows.hpp>
#include <axonzoo/report/export_instances.hpp>
#include <axonzoo/report/morphometric_files.hpp>
#include <axonzoo/report/morphometric_page.hpp>
#include <axonzoo/report/subject_groups.hpp>

namespace {

constexpr const char* columns_help =
    "A mask holds 0 background, 127 myelin, 255 axon; or <stem>_seg-axon.png and <stem>_seg-myelin.png hold 0 and 255. A folder "
    "gives\n"
    "all masks in it. The pixel size is that of the image's BIDS sidecar, or of pixel_size_in_micrometer.txt, unless given.\n"
    "--out table.csv has AxonDeepSeg 5.5.0's columns, one row an axon (of several images with image and subject in front), and\n"
    "table_images.csv and table_subjects.csv beside it: aggregates of each image, and statistics of each subject by axon "
    "diameter.\n"
    ".xlsx holds the same as sheets, .json as objects.";

struct options {
  std::vector<std::filesystem::path> masks;
  std::filesystem::path axon, myelin, nerve, out, report, groups;
  std::vector<std::filesystem::path> images;
  std::vector<std::string> formats;
  std::filesystem::path exports;
  double pixel_size = 0;
  std::size_t band = 0;
  unsigned threads = std::clamp(std::thread::hardware_concurrency(), 1u, 4u);
  bool given_pixel_size = false, fill = false, keep_border = true, unmyelinated = false;
  axonzoo::axon_shape shape = axonzoo::axon_shape::circle;
  axonzoo::seed_order ties = axonzoo::seed_order::raster;
  axonzoo::sheath_splitting split = axonzoo::sheath_splitting::seed;
};

std::vector<axonzoo::listed_mask> list(const options& chosen) {
  if (chosen.unmyelinated) {
    std::vector<axonzoo::listed_mask> listed;
    for (const auto& path : chosen.masks) {
      auto name = axonzoo::detail::parse_mask_name(path).stem;
      listed.push_back({name, name.substr(0, name.find('_')), {}, 0});
      listed.back().files.axon = path;
    }
    return listed;
  }
  if (chosen.axon.empty()) return axonzoo::list_masks(chosen.masks);
  axonzoo::listed_mask one{axonzoo::detail::parse_mask_name(chosen.axon).stem, {}, {}, 0};
  one.subject = one.name.substr(0, one.name.find('_'));
  one.files.axon = chosen.axon;
  one.files.myelin = chosen.myelin;
  return {one};
}

double pixel_size_of(const axonzoo::listed_mask& mask, const options& chosen) {
  if (chosen.given_pixel_size) return chosen.pixel_size;
  const auto& file = axonzoo::first_file(mask.files);
  const double size = axonzoo::mask_pixel_size(file, mask.name);
  if (size > 0) return size;
  throw axonzoo::error("cannot measure '" + file.string() + "'", "nothing says its pixel size",
                       "give --pixel-size UM, or a sidecar with PixelSize");
}

std::size_t pixels_of(const axonzoo::listed_mask& mask) {
  const auto size = axonzoo::detail::read_picture_size(axonzoo::first_file(mask.files));
  return size.height * size.width;
}

/// Band by band; a mask that is no TIFF is read as a whole first.
axonzoo::measured_image stream_mask(const axonzoo::listed_mask& mask, bool by_rows, const axonzoo::morphometric_options& how,
                                    const axonzoo::stream_options& stream) {
  if (by_rows) {
    const axonzoo::mask_rows rows(mask.files);
    return axonzoo::measure_streamed(
        rows.height(), rows.width(), [&rows](std::size_t top, std::size_t count) { return rows.read(top, count); }, how, stream);
  }
  const auto labels = axonzoo::read_mask_labels(mask.files, {"background", "myelin", "axon"});
  const auto read = [&labels](std::size_t top, std::size_t count) {
    axonzoo::label_image rows = axonzoo::label_image::from_shape({count, labels.shape(1)});
    std::copy_n(labels.data() + top * labels.shape(1), rows.size(), rows.data());
    return rows;
  };
  return axonzoo::measure_streamed(labels.shape(0), labels.shape(1), read, how, stream);
}

axonzoo::measured_image measure(const axonzoo::listed_mask& mask, const options& chosen, double& seconds) {
  axonzoo::morphometric_options how;
  how.pixel_size = pixel_size_of(mask, chosen);
  how.shape = chosen.shape;
  how.keep_border = chosen.keep_border;
  how.myelinated = !chosen.unmyelinated;
  how.ties = chosen.ties;
  how.split = chosen.split;
  const auto since = [](auto started) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  };
  const auto name = [&mask](axonzoo::measured_image measured) {
    measured.name = mask.name;
    measured.subject = mask.subject;
    return measured;
  };
  const bool by_rows = axonzoo::mask_rows::can_read(mask.files);
  if (chosen.band > 0 ||
      (by_rows && !chosen.fill && chosen.split == axonzoo::sheath_splitting::seed && chosen.nerve.empty() && !chosen.unmyelinated && pixels_of(mask) > (std::size_t{1} << 27))) {
    const auto started = std::chrono::steady_clock::now();
    const axonzoo::stream_options stream{chosen.band > 0 ? chosen.band : 1024, 128, chosen.threads};
    how.ties = axonzoo::seed_order::raster;
    auto measured = stream_mask(mask, by_rows, how, stream);
    seconds += since(started);
    return name(std::move(measured));
  }
  auto labels = axonzoo::read_mask_labels(mask.files, {"background", "myelin", "axon"});
  axonzoo::label_image nerve;
  if (!chosen.nerve.empty()) {
    axonzoo::image_masks file;
    file.one_class = chosen.nerve;
    nerve = axonzoo::read_mask_labels(file, {"background", "nerve"});
  }
  const auto started = std::chrono::steady_clock::now();
  auto measured = axonzoo::measure_image(labels, how, chosen.fill, nerve);
  seconds += since(started);
  return name(std::move(measured));
}

/// The picture of an image for the report, over its micrograph where there is one; what is no longer needed is freed.
axonzoo::g_ratio_picture picture_of(const axonzoo::listed_mask& mask, axonzoo::measured_image& measured, const options& chosen) {
  const auto path = axonzoo::micrograph_of(axonzoo::first_file(mask.files), mask.name, chosen.images);
  axonzoo::image pixels = axonzoo::image::from_shape({0, 0, 1});
  if (measured.measures.axons.empty() && !measured.measures.table.empty()) return {};  // measured in bands: too large for a page
  if (!path.empty()) pixels = axonzoo::detail::read_picture(path);
  if (pixels.size() > 0 && (pixels.shape(0) != measured.height || pixels.shape(1) != measured.width)) {
    std::cerr << "note: '" << path.string() << "' is of another size than its mask and is not drawn\n";
    pixels = axonzoo::image::from_shape({0, 0, 1});
  }
  auto picture = axonzoo::draw_g_ratios(measured, pixels);
  measured.measures.axons = {};
  measured.measures.fibres = {};
  return picture;
}

/// What a reader of the table should know.
void note(const axonzoo::measured_image& measured) {
  const auto& axons = measured.measures.table;
  if (axons.empty())
    std::cerr << "note: '" << measured.name << "' holds no axon" << (measured.options.keep_border ? "" : " within its border")
              << "\n";
  if (!measured.options.myelinated) return;
  std::size_t lost = 0, bare = 0;
  for (const auto& axon : axons) {
    lost += !axon.has_fibre;
    bare += axon.has_fibre && axon.myelin_area == 0;
  }
  if (lost > 0)
    std::cerr << "note: " << lost << " axons of '" << measured.name << "' are bent around their centroid and get no fibre\n";
  if (bare > 0) std::cerr << "note: " << bare << " axons of '" << measured.name << "' have no myelin; their g-ratio is 1\n";
}

int run(const options& chosen, const std::string& command) {
  axonzoo::check_morphometrics_path(chosen.out);
  axonzoo::morphometric_report report;
  if (!chosen.groups.empty()) report.groups = axonzoo::read_subject_groups(chosen.groups);
  const auto masks = list(chosen);
  if (!chosen.nerve.empty() && masks.size() != 1)
    throw axonzoo::error("cannot use --nerve", "there are " + std::to_string(masks.size()) + " masks",
                         "give one mask and its nerve");
  auto& images = report.images;
  double seconds = 0;
  std::size_t axons = 0;
  int failed = 0;
  {
    axonzoo::progress shown("measuring", static_cast<double>(masks.size()));
    for (std::size_t i = 0; i < masks.size() && !axonzoo::interrupted(); ++i) {
      try {
        images.push_back(measure(masks[i], chosen, seconds));
        axons += images.back().measures.table.size();
        note(images.back());
        for (const auto& format : chosen.formats) axonzoo::export_instances(chosen.exports, images.back(), format);
        if (!chosen.report.empty()) report.pictures.push_back(picture_of(masks[i], images.back(), chosen));
      } catch (const axonzoo::error& failure) {
        std::cerr << "axonzoo-morphometrics: " << failure.what() << "\n";
        ++failed;
      }
      if (masks.size() > 1) shown.at(static_cast<double>(i + 1), masks[i].name);
    }
  }
  if (images.empty()) return axonzoo::interrupted() ? 130 : 1;
  std::string written;
  for (const auto& path : axonzoo::write_morphometrics(chosen.out, images))
    written += (written.empty() ? "" : ", ") + path.string();
  if (!chosen.report.empty()) {
    report.command = command;
    axonzoo::replace_file(chosen.report, axonzoo::morphometric_page(report));
    written += ", " + chosen.report.string();
  }
  std::printf("%zu axons of %zu images, measured in %.4f s; written to %s\n", axons, images.size(), seconds, written.c_str());
  if (axonzoo::interrupted()) return 130;
  return failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  axonzoo::keep_freed_memory(/*one_heap=*/true);
  axonzoo::catch_interrupts();
  options chosen;
  CLI::App app("Measures axons and their myelin in masks: diameters, g-ratios, areas, shapes.");
  app.footer(columns_help);
  auto* const masks = app.add_option("--masks,masks", chosen.masks, "mask files and folders of masks");
  auto* const axon = app.add_option("--axon", chosen.axon, "mask of axons (0, 255), with --myelin")->excludes(masks);
  app.add_option("--myelin", chosen.myelin, "mask of myelin (0, 255)")->needs(axon);
  auto* const size = app.add_option("--pixel-size", chosen.pixel_size, "um of a pixel's side; otherwise a sidecar says it");
  app.add_option("--shape", chosen.shape, "what a diameter is: of the circle of the same area, or the minor axis of the ellipse")
      ->transform(CLI::CheckedTransformer(std::map<std::string, axonzoo::axon_shape>{{"circle", axonzoo::axon_shape::circle},
                                                                                     {"ellipse", axonzoo::axon_shape::ellipse}}))
      ->default_str("circle");
  app.add_option("--border", chosen.keep_border, "keep or drop axons whose fibre touches the image's border")
      ->transform(CLI::CheckedTransformer(std::map<std::string, bool>{{"keep", true}, {"drop", false}}))
      ->default_str("keep");
  app.add_option("--holes", chosen.fill, "keep holes in fibres, or fill them with myelin before fibres are split")
      ->transform(CLI::CheckedTransformer(std::map<std::string, bool>{{"keep", false}, {"fill", true}}))
      ->default_str("keep");
  app.add_option("--split", chosen.split,
                 "sheaths that touch: by a watershed from the axons' centroids as in AxonDeepSeg (seed), or as thick as each is where it "
                 "touches none (thickness)")
      ->transform(CLI::CheckedTransformer(std::map<std::string, axonzoo::sheath_splitting>{
          {"seed", axonzoo::sheath_splitting::seed}, {"thickness", axonzoo::sheath_splitting::thickness}}))
      ->default_str("seed");
  app.add_option("--ties", chosen.ties,
                 "pixels halfway between two fibres go to the upper left one (raster), or as in AxonDeepSeg (scikit-image), "
                 "which is slower")
      ->transform(CLI::CheckedTransformer(std::map<std::string, axonzoo::seed_order>{
          {"raster", axonzoo::seed_order::raster}, {"scikit-image", axonzoo::seed_order::scikit_image}}))
      ->default_str("raster");
  app.add_option("--nerve", chosen.nerve,
                 "mask of the nerve's fascicles: what lies outside is left out, and densities are the nerve's");
  app.add_flag("--unmyelinated", chosen.unmyelinated, "masks are of axons without myelin (0, 255)");
  app.add_option("--band", chosen.band,
                 "measure so many rows at once instead of the whole mask, with the same table; otherwise 1024 of TIFF masks "
                 "above 134 megapixels");
  app.add_option("--threads", chosen.threads, "bands at once; each takes its own memory")->capture_default_str()->check(CLI::Range(1, 64));
  auto* const report =
      app.add_option("--report", chosen.report, "page to write: pictures, distributions, subjects, what to look at again");
  app.add_option("--images", chosen.images,
                 "folders in which the micrographs lie, for the page; otherwise beside the masks, or in their data set")
      ->needs(report);
  app.add_option("--groups", chosen.groups, "table of each subject's group, for the page: columns participant_id and group")
      ->needs(report);
  app.add_option("--export", chosen.formats,
                 "axons and fibres for other programs: labels (TIFF), npy, geojson (QuPath), roi (ImageJ, Fiji), coco")
      ->check(CLI::IsMember(axonzoo::export_formats()))
      ->delimiter(',');
  app.add_option("--export-to", chosen.exports, "folder for them; otherwise that of --out");
  app.add_option("--out", chosen.out, "table to write: .csv, .xlsx or .json")->required();
  try {
    app.parse(argc, argv);
    if (chosen.exports.empty()) chosen.exports = chosen.out.parent_path();
    chosen.given_pixel_size = size->count() > 0;
    if (chosen.given_pixel_size) axonzoo::detail::check_pixel_size(chosen.pixel_size);
    if (chosen.axon.empty() != chosen.myelin.empty())
      throw axonzoo::error("cannot measure axons", "--axon is given without --myelin",
                           "give both, or --masks FILE --unmyelinated");
    if (chosen.band > 0 &&
        (chosen.fill || chosen.unmyelinated || !chosen.nerve.empty() || chosen.ties == axonzoo::seed_order::scikit_image ||
         chosen.split == axonzoo::sheath_splitting::thickness))
      throw axonzoo::error("cannot use --band",
                           "holes, nerves, ties as in scikit-image, --split thickness and axons without myelin need the whole mask",
                           "leave --band out");
    if (chosen.masks.empty() && chosen.axon.empty())
      throw axonzoo::error("cannot measure axons", "no mask is given", "give --masks FILE..., or --axon FILE --myelin FILE");
    std::string command = "axonzoo-morphometrics";
    for (int i = 1; i < argc; ++i) command += std::string(" ") + argv[i];
    return run(chosen, command);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& wrong) {
    std::cerr << "axonzoo-morphometrics: " << wrong.what() << "; --help lists the options\n";
    return 2;
  } catch (const std::exception& failed) {
    std::cerr << "axonzoo-morphometrics: " << failed.what() << '\n';
    return 1;
  }
}
