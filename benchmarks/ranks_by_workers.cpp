// Training time by ranks and loader workers: runs a ddp program at each pair, in turns, and gives the table and its heat map.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/interrupt.hpp>
#include <axonzoo/core/progress.hpp>
#include <axonzoo/io/replace_file.hpp>
#include <axonzoo/report/child_process.hpp>
#include <axonzoo/report/plot_bars.hpp>
#include <axonzoo/report/scratch_folder.hpp>

namespace {

namespace fs = std::filesystem;

struct sweep_options {
  std::string variant = "unet-bf16-none-ddp";
  fs::path programs = fs::read_symlink("/proc/self/exe").parent_path(), out = "ranks_by_workers";
  std::vector<int> ranks{1, 2}, workers{0, 1, 2, 4};
  int steps = 20, repeats = 3, batch = 4, patch = 256;
  std::vector<std::string> more;
};

/// Milliseconds of a run's median step, which its first, slow ones do not move, and of waiting for the loader in the mean of all, at one pair.
struct step_time {
  std::vector<double> step, wait;

  [[nodiscard]] static double quantile(std::vector<double> values, double share) {
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5)];
  }
};

nlohmann::json run_once(const sweep_options& options, const fs::path& folder, int ranks, int workers) {
  std::vector<std::string> words{"--out", (folder / "run").string(), "--ranks", std::to_string(ranks), "--workers", std::to_string(workers),
                                 "--steps", std::to_string(options.steps), "--batch", std::to_string(options.batch), "--patch", std::to_string(options.patch),
                                 "--turns", "1", "--tile-overlap", "0", "--validation-share", "0"};
  words.insert(words.end(), options.more.begin(), options.more.end());
  const auto program = options.programs / options.variant, log = folder / "log.txt";
  fs::remove_all(folder / "run");
  axonzoo::child_process child(program, words, log);
  while (child.running()) {
    if (axonzoo::interrupted()) throw axonzoo::error("cannot finish the sweep", "it was interrupted", "run it again");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  if (!child.outcome().empty()) {
    std::ifstream said(log);
    std::string line, last;
    while (std::getline(said, line)) last = line;
    throw axonzoo::error("cannot time '" + program.string() + "' at " + std::to_string(ranks) + " ranks", child.outcome() + ": " + last, "mend that first");
  }
  std::ifstream file(folder / "run" / "results.json");
  return nlohmann::json::parse(file);
}

void sweep(const sweep_options& options) {
  const axonzoo::scratch_folder scratch;
  std::map<std::pair<int, int>, step_time> times;
  const auto runs = static_cast<double>(options.repeats * static_cast<int>(options.ranks.size() * options.workers.size()));
  axonzoo::progress shown("timing " + options.variant, runs);
  double done = 0;
  for (int repeat = 0; repeat < options.repeats; ++repeat) {
    for (const int ranks : options.ranks) {
      for (const int workers : options.workers) {
        const auto record = run_once(options, scratch / "", ranks, workers);
        const auto& seconds = record.at("seconds");
        const double steps = record.at("steps").get<double>();
        auto& cell = times[{ranks, workers}];
        cell.step.push_back(1000 * record.at("median_step_seconds").get<double>());
        cell.wait.push_back(1000 * seconds.at("wait").get<double>() / steps);
        shown.at(++done, std::to_string(ranks) + " ranks, " + std::to_string(workers) + " workers");
      }
    }
  }
  std::vector<std::string> rows, columns;
  std::vector<std::vector<double>> values;
  nlohmann::json json = nlohmann::json::array();
  double low = 1e300, high = 0;
  std::printf("\nms a step of %d patches of %d px (quartiles), and waiting for the loader in it\n| workers |", options.batch, options.patch);
  for (const int ranks : options.ranks) {
    std::printf(" %d rank%s |", ranks, ranks == 1 ? "" : "s");
    columns.push_back(std::to_string(ranks) + (ranks == 1 ? " rank" : " ranks"));
  }
  std::printf("\n|---|");
  for (std::size_t i = 0; i < options.ranks.size(); ++i) std::printf("---|");
  for (const int workers : options.workers) {
    rows.push_back(std::to_string(workers) + (workers == 1 ? " worker" : " workers"));
    values.emplace_back();
    std::printf("\n| %d |", workers);
    for (const int ranks : options.ranks) {
      const auto& cell = times.at({ranks, workers});
      const double median = step_time::quantile(cell.step, 0.5), wait = step_time::quantile(cell.wait, 0.5);
      std::printf(" %.0f (%.0f to %.0f), waits %.1f |", median, step_time::quantile(cell.step, 0.25), step_time::quantile(cell.step, 0.75), wait);
      values.back().push_back(median);
      low = std::min(low, median), high = std::max(high, median);
      json.push_back({{"ranks", ranks}, {"workers", workers}, {"step_ms", cell.step}, {"wait_ms", cell.wait}});
    }
  }
  std::printf("\n");
  fs::create_directories(options.out);
  axonzoo::plot_axes axes;
  axes.x = "milliseconds a training step of " + options.variant;
  axonzoo::replace_file(options.out / "ranks_by_workers.json", json.dump(1) + "\n");
  auto svg = axonzoo::plot_heat_map(axes, rows, columns, values, 0.9 * low, high, 0);
  if (svg.find("xmlns=") == std::string::npos) svg.insert(4, " xmlns=\"http://www.w3.org/2000/svg\"");
  axonzoo::replace_file(options.out / "ranks_by_workers.svg", svg + "\n");
  std::printf("written to %s\n", options.out.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  axonzoo::catch_interrupts();
  sweep_options options;
  CLI::App app{"Times the training of a ddp program by ranks and loader workers: a table on standard output, ranks_by_workers.json and .svg (a heat map) in --out.\n"
               "What follows -- goes to the program: its --data or --phantom, and more."};
  app.option_defaults()->always_capture_default();
  app.add_option("--variant", options.variant, "program");
  app.add_option("--programs", options.programs, "folder of the programs");
  app.add_option("--ranks", options.ranks, "numbers of ranks")->delimiter(',')->check(CLI::Range(1, 1024));
  app.add_option("--workers", options.workers, "numbers of loader workers of each rank")->delimiter(',')->check(CLI::Range(0, 256));
  app.add_option("--steps", options.steps, "of each run")->check(CLI::PositiveNumber);
  app.add_option("--repeats", options.repeats, "of each pair, in turns")->check(CLI::PositiveNumber);
  app.add_option("--batch", options.batch, "patches in a step, over all ranks")->check(CLI::PositiveNumber);
  app.add_option("--patch", options.patch, "px")->check(CLI::PositiveNumber);
  app.add_option("--out", options.out, "folder to write into");
  app.prefix_command();
  try {
    app.parse(argc, argv);
    options.more = app.remaining();
    if (!options.more.empty() && options.more.front() == "--") options.more.erase(options.more.begin());
    sweep(options);
    return 0;
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& wrong) {
    std::cerr << "ranks_by_workers: " << wrong.what() << "; --help lists the options\n";
    return 2;
  } catch (const std::exception& failure) {
    std::cerr << "ranks_by_workers: " << failure.what() << "\n";
    return 1;
  }
}
