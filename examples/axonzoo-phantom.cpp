// Writes phantoms of white matter as a BIDS data set: micrographs whose masks and measures are known exactly.

#include <cstdint>
#include <exception>
#include <filesystem>
#include <iostream>
#include <map>
#include <string>

#include <CLI/CLI.hpp>

#include <axonzoo/core/interrupt.hpp>
#include <axonzoo/core/progress.hpp>
#include <axonzoo/data/write_phantoms.hpp>

int main(int argc, char** argv) {
  using choice = axonzoo::phantom_set_options::contrast_choice;
  axonzoo::catch_interrupts();
  axonzoo::phantom_set_options set;
  std::filesystem::path out;
  CLI::App app{"Writes phantoms of white matter as a BIDS data set: images, exact masks and a table of each image's axons."};
  app.option_defaults()->always_capture_default();
  app.add_option("--out", out, "folder to write into; it holds no data set yet")->required();
  app.add_option("--images,--count", set.images, "how many images");
  app.add_option("--subjects", set.subjects, "how many subjects they are of; 0: half as many, at least 3");
  app.add_option("--size", set.size, "px, height and width");
  app.add_option("--pixel-size", set.pixel_size, "um of a pixel; 0.01 with --contrast tem");
  app.add_option("--contrast", set.contrast, "sem, tem, or both: every second subject is TEM")
      ->transform(CLI::CheckedTransformer(std::map<std::string, choice>{{"sem", choice::sem}, {"tem", choice::tem}, {"both", choice::both}}))
      ->default_str("sem");
  app.add_option("--seed", set.seed, "the same seed gives the same files");
  auto& tissue = set.tissue;
  app.add_option("--diameter", tissue.mean_diameter, "um, mean of the axons");
  app.add_option("--diameter-shape", tissue.diameter_shape, "of the gamma distribution of diameters");
  app.add_option("--min-diameter", tissue.least_diameter, "um, of the thinnest axons");
  app.add_option("--fibre-fraction", tissue.fibre_fraction, "share of the area that fibres cover");
  app.add_option("--g-ratio", tissue.g_ratio, "mean at a diameter of 1 um");
  app.add_option("--g-slope", tissue.g_ratio_slope, "rise of the mean g-ratio with the diameter's natural logarithm");
  app.add_option("--g-spread", tissue.g_ratio_spread, "standard deviation of the g-ratio around the mean");
  app.add_option("--irregularity", tissue.irregularity, "of outlines, relative to the radius; 0 gives circles");
  app.add_option("--noise", tissue.noise, "factor on texture and noise");
  app.add_option("--illumination", tissue.illumination, "factor on the unevenness of brightness");
  app.add_option("--artefacts", tissue.artefacts, "factor on the number of scratches, stripes and dirt");
  try {
    app.parse(argc, argv);
    if (set.contrast == choice::tem) {  // what was not asked for is as it typically is in TEM
      set.tissue = axonzoo::phantom_options::typical(axonzoo::phantom_contrast::tem);
      set.pixel_size = set.tissue.pixel_size;
      app.parse(argc, argv);
    }
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& wrong) {
    std::cerr << "axonzoo-phantom: " << wrong.what() << "; --help lists the options\n";
    return 2;
  }
  try {
    axonzoo::progress shown("making phantoms", set.images);
    axonzoo::write_phantoms(out, set, [&](int written) {
      shown.at(written);
      return !axonzoo::interrupted();
    });
    return axonzoo::interrupted() ? 130 : 0;
  } catch (const std::exception& failure) {
    std::cerr << "axonzoo-phantom: " << failure.what() << "\n";
  }
  return 1;
}
