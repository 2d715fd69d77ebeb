#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <system_error>
#include <vector>

#include <nlohmann/json.hpp>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/core/random.hpp>
#include <axonzoo/data/listing.hpp>
#include <axonzoo/data/phantom.hpp>
#include <axonzoo/data/phantom_options.hpp>
#include <axonzoo/io/image.hpp>
#include <axonzoo/io/make_folder.hpp>
#include <axonzoo/io/replace_file.hpp>
#include <axonzoo/io/table.hpp>

namespace axonzoo {

/// A data set of phantoms.
struct phantom_set_options {
  enum class contrast_choice { sem, tem, both };

  int images = 10;
  int subjects = 0;         ///< 0: half as many as images, at least 3 where there are as many images
  std::size_t size = 512;   ///< px, height and width
  double pixel_size = 0.1;  ///< um
  contrast_choice contrast = contrast_choice::sem;  ///< both: every second subject is TEM
  std::uint64_t seed = 1;
  phantom_options tissue;  ///< everything else; its height, width, pixel_size and contrast give way to those above
};

namespace detail {

/// Removes what a run that did not finish has left.
inline void clear_partial(const std::filesystem::path& folder) {
  std::error_code failed;
  for (const auto& within : {folder, folder / "derivatives" / "labels", folder / "derivatives" / "truth"}) {
    if (!std::filesystem::is_directory(within, failed)) continue;
    for (const auto& old : list_folder(within).folders)
      if (old.filename().string().starts_with("sub-phantom")) std::filesystem::remove_all(old, failed);
  }
}

inline void write_mask(const std::filesystem::path& path, const label_image& labels, std::uint8_t myelin, std::uint8_t axon) {
  label_image levels = label_image::from_shape(labels.shape());
  std::transform(labels.begin(), labels.end(), levels.begin(),
                 [&](std::uint8_t label) { return label == 2 ? axon : label == 1 ? myelin : std::uint8_t{0}; });
  write_png(path, levels);
}

inline void write_json(const std::filesystem::path& path, const nlohmann::ordered_json& content) {
  replace_file(path, content.dump(2) + "\n");
}

inline void write_truth(const std::filesystem::path& path, const std::vector<phantom_axon>& axons) {
  table rows({"axon", "x (um)", "y (um)", "axon_diam (um)", "gratio", "myelin_thickness (um)", "image_border_touching"});
  std::int64_t number = 0;
  for (const auto& one : axons)
    rows.add({++number, one.x_um, one.y_um, one.diameter_um, one.g_ratio, one.myelin_thickness_um, std::int64_t{one.touches_border}});
  write_csv(path, rows);
}

}  // namespace detail

/// Writes phantoms as a BIDS microscopy data set that `open_dataset` reads: images, manual masks of both classes and of each, a
/// sidecar with the pixel size, and derivatives/truth/.../<image>_truth.csv with each axon's measures. Subjects differ in mean
/// diameter and g-ratio as animals do. dataset_description.json comes last: a folder that has it is whole. The same options give
/// the same bytes. `go_on`, where given, is told how many images are written and stops the work when it returns false. Throws
/// axonzoo::error for options that no set can have, for a folder that is a data set already and when writing fails.
inline void write_phantoms(const std::filesystem::path& folder, const phantom_set_options& set,
                           const std::function<bool(int)>& go_on = {}) {
  using choice = phantom_set_options::contrast_choice;
  const std::string doing = "cannot write phantoms to " + detail::quoted(folder);
  if (set.images < 1 || set.images > 100000) throw error(doing, std::to_string(set.images) + " images are asked for", "give 1 to 100000");
  const int subjects = set.subjects == 0 ? std::min(set.images, std::max(3, set.images / 2)) : set.subjects;
  if (subjects < 1 || subjects > set.images)
    throw error(doing, std::to_string(subjects) + " subjects are asked for", "give 1 to " + std::to_string(set.images) + ", one image each at least");
  if (set.contrast == choice::both && subjects < 2)
    throw error(doing, "one subject has one contrast", "give 2 subjects or more, or one contrast");
  auto tissue = set.tissue;
  tissue.height = tissue.width = set.size;
  tissue.pixel_size = set.pixel_size;
  tissue.check();
  const auto description = folder / "dataset_description.json";
  if (std::filesystem::exists(description)) throw error(doing, "it holds a data set already", "remove it, or give another folder");
  make_folder(folder);
  detail::clear_partial(folder);

  const auto number = [](int n, int of) {
    const auto digits = std::to_string(n), most = std::to_string(of);
    return std::string(most.size() - digits.size(), '0') + digits;
  };
  int written = 0;
  std::string participants = "participant_id\tspecies\n", samples = "sample_id\tparticipant_id\tsample_type\n";
  for (int s = 0; s < subjects; ++s) {
    const auto subject = "sub-phantom" + number(s + 1, subjects);
    participants += subject + "\tn/a\n";
    random_stream animal(set.seed, 100, static_cast<std::uint64_t>(s));
    auto own = tissue;
    own.contrast = set.contrast == choice::tem || (set.contrast == choice::both && s % 2 == 1) ? phantom_contrast::tem : phantom_contrast::sem;
    own.mean_diameter = tissue.mean_diameter * animal.uniform(0.92, 1.08);
    own.g_ratio = std::clamp(tissue.g_ratio + animal.uniform(-0.02, 0.02), 0.31, 0.94);
    for (int i = s; i < set.images; i += subjects) {
      const auto sample = "sample-" + number(i + 1, set.images), stem = subject + "_" + sample + "_" + (own.contrast == phantom_contrast::sem ? "SEM" : "TEM");
      const auto made = make_phantom(own, random_stream(set.seed, 101, static_cast<std::uint64_t>(i)).bits());
      const auto images = folder / subject / "micr", labels = folder / "derivatives" / "labels" / subject / "micr",
                 truth = folder / "derivatives" / "truth" / subject / "micr";
      for (const auto& one : {images, labels, truth}) make_folder(one);
      label_image levels = label_image::from_shape(made.labels.shape());
      std::transform(made.pixels.begin(), made.pixels.end(), levels.begin(), [](float level) { return static_cast<std::uint8_t>(level); });
      write_png(images / (stem + ".png"), levels);
      detail::write_json(images / (stem + ".json"), {{"PixelSize", {own.pixel_size, own.pixel_size}}, {"PixelSizeUnits", "um"}});
      detail::write_mask(labels / (stem + "_seg-axonmyelin-manual.png"), made.labels, 127, 255);
      detail::write_mask(labels / (stem + "_seg-axon-manual.png"), made.labels, 0, 255);
      detail::write_mask(labels / (stem + "_seg-myelin-manual.png"), made.labels, 255, 0);
      detail::write_truth(truth / (stem + "_truth.csv"), made.table);
      samples += sample + "\t" + subject + "\ttissue\n";
      if (go_on && !go_on(++written)) return;
    }
  }
  replace_file(folder / "participants.tsv", participants);
  replace_file(folder / "samples.tsv", samples);
  const auto describe = [&](const std::filesystem::path& path, const std::string& type, const std::string& name) {
    detail::write_json(path, {{"Name", name}, {"BIDSVersion", "1.7.0"}, {"DatasetType", type}, {"GeneratedBy", {{{"Name", "axonzoo-phantom"}}}}});
  };
  describe(folder / "derivatives" / "labels" / "dataset_description.json", "derivative", "masks of phantoms of white matter");
  describe(folder / "derivatives" / "truth" / "dataset_description.json", "derivative", "measures of phantoms of white matter");
  describe(description, "raw", "phantoms of white matter");
}

}  // namespace axonzoo
