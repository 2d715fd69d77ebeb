// How long masks take to score, step by step, and the same numbers for benchmarks/evaluate_peer.py to compare.
//
//   evaluate [--side 10000] [--axons 100]       synthetic masks of side x side px with axons x axons fibres
//   evaluate --predicted P --manual M --out DIR writes predicted_ and manual_ axons.npy, fibres.npy and scores.json

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <axonzoo/io/npy.hpp>
#include <axonzoo/metrics/evaluate.hpp>
#include <axonzoo/metrics/mask_pairs.hpp>

namespace {

const std::vector<std::string> classes = {"background", "myelin", "axon"};
constexpr std::uint8_t myelin = 1, axon = 2;

/// A field of round fibres whose sheaths touch here and there.
axonzoo::label_image make_field(std::size_t side, std::size_t axons, unsigned seed) {
  std::mt19937 random(seed);
  axonzoo::label_image labels = axonzoo::label_image::from_shape({side, side});
  labels.fill(0);
  const double cell = static_cast<double>(side) / static_cast<double>(axons);
  for (std::size_t i = 0; i < axons * axons; ++i) {
    const auto jitter = [&] { return cell * (0.1 * (random() % 1000) / 1000. - 0.05); };
    const double row = (static_cast<double>(i / axons) + 0.5) * cell + jitter(),
                 column = (static_cast<double>(i % axons) + 0.5) * cell + jitter();
    const double inner = cell * (0.2 + 0.16 * (random() % 1000) / 1000.), outer = inner / 0.68;
    const auto from = [&](double at) { return static_cast<std::size_t>(std::clamp(at - outer, 0., static_cast<double>(side))); };
    const auto to = [&](double at) {
      return static_cast<std::size_t>(std::clamp(at + outer + 1, 0., static_cast<double>(side)));
    };
    for (std::size_t y = from(row); y < to(row); ++y) {
      for (std::size_t x = from(column); x < to(column); ++x) {
        const double dy = static_cast<double>(y) - row, dx = static_cast<double>(x) - column, squared = dy * dy + dx * dx;
        if (squared < inner * inner)
          labels(y, x) = axon;
        else if (squared < outer * outer && labels(y, x) == 0)
          labels(y, x) = myelin;
      }
    }
  }
  return labels;
}

class stopwatch {
 public:
  /// Elapsed time, and that of the processor over all threads: on a machine with other work the second is the fairer.
  void lap(const char* what) {
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    std::printf("%-42s %7.3f s, processor %7.3f s\n", what, seconds, static_cast<double>(std::clock() - clock_) / CLOCKS_PER_SEC);
    *this = {};
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::clock_t clock_ = std::clock();
};

void time_steps(std::size_t side, std::size_t axons) {
  const auto predicted = make_field(side, axons, 1), manual = make_field(side, axons, 2);
  stopwatch watch;
  const auto scores = axonzoo::evaluate(predicted, manual, classes);
  watch.lap("evaluate, all of it");
  std::cout << nlohmann::json(scores).dump() << "\n\nits steps\n" << std::flush;
  watch = {};
  const auto predicted_axons = axonzoo::component_runs(predicted, axon), manual_axons = axonzoo::component_runs(manual, axon);
  watch.lap("axons of both");
  const auto predicted_fibres = axonzoo::fibre_runs(predicted, predicted_axons, axon, myelin);
  const auto manual_fibres = axonzoo::fibre_runs(manual, manual_axons, axon, myelin);
  watch.lap("fibres of both");
  const auto predicted_sheaths = axonzoo::restrict_to(predicted_fibres, predicted, myelin);
  const auto manual_sheaths = axonzoo::restrict_to(manual_fibres, manual, myelin);
  watch.lap("sheaths of both");
  axonzoo::class_overlaps(predicted, manual, classes);
  watch.lap("class scores");
  const auto of_axons = axonzoo::count_overlaps(predicted_axons, manual_axons),
             of_sheaths = axonzoo::count_overlaps(predicted_sheaths, manual_sheaths);
  watch.lap("overlaps of instances");
  axonzoo::matched_iou(of_axons);
  axonzoo::matched_iou(of_sheaths);
  axonzoo::detect(of_axons);
  watch.lap("matching and scores of instances");
  std::printf("%zu manual axons, %zu predicted\n", of_axons.manual_areas.size(), of_axons.predicted_areas.size());

  const auto predicted_image = axonzoo::label_axons(predicted, axon), manual_image = axonzoo::label_axons(manual, axon);
  watch = {};
  const auto overlaps = axonzoo::count_overlaps(predicted_image, manual_image);
  axonzoo::matched_iou(overlaps);
  axonzoo::detect(overlaps);
  watch.lap("matching and scores from instance images");
}

void write_for_peer(const std::filesystem::path& predicted, const std::filesystem::path& manual,
                    const std::filesystem::path& out) {
  std::vector<axonzoo::label_image> sides;
  for (const auto& [name, path] : {std::pair("predicted_", predicted), std::pair("manual_", manual)}) {
    axonzoo::image_masks mask;
    mask.axonmyelin = path;
    sides.push_back(axonzoo::read_mask_labels(mask, classes));
    const auto axons = axonzoo::label_axons(sides.back(), axon);
    axonzoo::write_npy(out / (std::string(name) + "axons.npy"), axons);
    axonzoo::write_npy(out / (std::string(name) + "fibres.npy"), axonzoo::label_fibres(sides.back(), axons, axon, myelin));
  }
  std::ofstream(out / "scores.json") << nlohmann::json(axonzoo::evaluate(sides[0], sides[1], classes)).dump();
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t side = 10000, axons = 100;
  std::filesystem::path predicted, manual, out;
  CLI::App app("Times the scoring of masks.");
  app.add_option("--side", side, "pixels")->capture_default_str();
  app.add_option("--axons", axons, "axons in a row")->capture_default_str();
  auto* const mask = app.add_option("--predicted", predicted, "mask of 0, 127, 255");
  app.add_option("--manual", manual, "mask of 0, 127, 255")->needs(mask);
  app.add_option("--out", out, "folder for the arrays")->needs(mask);
  CLI11_PARSE(app, argc, argv);
  try {
    if (predicted.empty())
      time_steps(side, axons);
    else
      write_for_peer(predicted, manual, out);
  } catch (const std::exception& failed) {
    std::cerr << "evaluate: " << failed.what() << '\n';
    return 1;
  }
}
