// How fast the loader makes training patches, by workers and ranks, and what they cost by phase. CSV on standard output.
//
//   loader [--data DIR]... [--workers 0,1,2,4] [--ranks 1,2] [--step MS]
//
// Ranks are threads here, each with a cache and a loader of its own, as the processes of a training have them. `--step` has each
// rank rest that long between batches, as if it trained on them: `wait_ms` is then what training would lose to the loader.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include <axonzoo/data/loader.hpp>
#include <axonzoo/data/open.hpp>
#include <axonzoo/data/write_phantoms.hpp>

namespace {

struct settings {
  std::vector<std::filesystem::path> data;
  std::vector<int> workers{0, 1, 2, 4}, ranks{1};
  axonzoo::loader_options loader;
  double pixel_size = 0, seconds = 1, step_ms = 0;
  std::size_t cache_mib = 2048;
  bool by_change = false;
};

struct measured {
  double wall = 0, load = 0, augment = 0, wait = 0, first = 0;
  std::int64_t patches = 0, batches = 0;
};

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// A rank's part: the first pass over all images fills the cache and is timed by itself.
void run_rank(const settings& chosen, const axonzoo::dataset& data, axonzoo::loader_options how, int rank, measured& sum,
              std::mutex& guard) {
  how.rank = rank;
  std::vector<std::size_t> members;
  for (std::size_t i = 0; i < data.micrographs.size(); ++i)
    if (!data.micrographs[i].masks.empty()) members.push_back(i);
  auto cache = std::make_shared<axonzoo::prepared_cache>(data, chosen.pixel_size, std::nullopt, chosen.cache_mib << 20);
  const double created = now();
  axonzoo::loader batches(cache, members, how);
  (void)batches.next();
  measured own;
  own.first = now() - created;
  for (const auto member : members) (void)cache->get(member);
  for (int i = 0; i < how.workers + 3; ++i) (void)batches.next();  // what was made ahead, meanwhile
  const double started = now();
  while (now() - started < chosen.seconds) {
    const double asked = now();
    const auto batch = batches.next();
    own.wait += now() - asked;
    own.load += batch.load_seconds;
    own.augment += batch.augment_seconds;
    own.patches += batch.n;
    ++own.batches;
    if (chosen.step_ms > 0) std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(chosen.step_ms));
  }
  own.wall = now() - started;
  const std::lock_guard hold(guard);
  sum.wall = std::max(sum.wall, own.wall);
  sum.first = std::max(sum.first, own.first);
  sum.load += own.load;
  sum.augment += own.augment;
  sum.wait += own.wait;
  sum.patches += own.patches;
  sum.batches += own.batches;
}

void measure(const settings& chosen, const axonzoo::dataset& data, const std::string& name, const axonzoo::augmentation& augment,
             int workers, int ranks) {
  auto how = chosen.loader;
  how.augment = augment;
  how.workers = workers;
  how.world_size = ranks;
  measured sum;
  std::mutex guard;
  std::vector<std::thread> threads;
  std::exception_ptr failed;
  for (int rank = 0; rank < ranks; ++rank)
    threads.emplace_back([&, rank] {
      try {
        run_rank(chosen, data, how, rank, sum, guard);
      } catch (...) {
        const std::lock_guard hold(guard);
        failed = std::current_exception();
      }
    });
  for (auto& thread : threads) thread.join();
  if (failed) std::rethrow_exception(failed);
  const auto patches = static_cast<double>(sum.patches), batches = static_cast<double>(sum.batches);
  const double busy = sum.load + sum.augment;
  std::printf("%s,%d,%d,%lld,%lld,%.1f,%.4f,%.4f,%.3f,%.3f,%.3f,%.1f\n", name.c_str(), workers, ranks,
              static_cast<long long>(how.batch), static_cast<long long>(how.patch), patches / sum.wall, 1e3 * sum.load / patches,
              1e3 * sum.augment / patches, sum.load / busy, sum.augment / busy, 1e3 * sum.wait / batches, 1e3 * sum.first);
  std::fflush(stdout);
}

/// One change at a time, at each patch.
std::vector<std::pair<std::string, axonzoo::augmentation>> changes() {
  using axonzoo::augmentation;
  std::vector<std::pair<std::string, augmentation>> all{{"none", augmentation::off()}};
  auto turns = augmentation::off();
  turns.turns = true;
  all.emplace_back("turns", turns);
  const std::vector<std::pair<std::string, double augmentation::*>> members{
      {"rotation", &augmentation::rotation}, {"scale", &augmentation::scale},        {"elastic", &augmentation::elastic},
      {"blur", &augmentation::blur},         {"contrast", &augmentation::contrast},  {"gamma", &augmentation::gamma},
      {"noise", &augmentation::noise},       {"inversion", &augmentation::inversion}};
  for (const auto& [name, member] : members) {
    auto one = augmentation::off();
    one.*member = 1;
    all.emplace_back(name, one);
  }
  return all;
}

/// Phantoms that go with the program.
class phantom_folder {
 public:
  phantom_folder() : path_(std::filesystem::temp_directory_path() / ("axonzoo-loader-" + std::to_string(::getpid()))) {
    axonzoo::phantom_set_options set;
    set.images = 6;
    set.size = 1024;
    axonzoo::write_phantoms(path_, set);
  }
  ~phantom_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  phantom_folder(const phantom_folder&) = delete;
  phantom_folder& operator=(const phantom_folder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace

int main(int argc, char** argv) {
  settings chosen;
  CLI::App app("Times the loader of training patches by workers and ranks; CSV on standard output.");
  app.add_option("--data", chosen.data, "data sets; without it six phantoms of 1024 px");
  app.add_option("--workers", chosen.workers, "loader threads of each rank")->delimiter(',');
  app.add_option("--ranks", chosen.ranks, "ranks that share the batch")->delimiter(',');
  app.add_option("--batch", chosen.loader.batch, "patches in a step, over all ranks");
  app.add_option("--patch", chosen.loader.patch, "px");
  app.add_option("--pixel-size", chosen.pixel_size, "um to resample to; 0: as they are");
  app.add_option("--seconds", chosen.seconds, "for each row")->check(CLI::PositiveNumber);
  app.add_option("--step", chosen.step_ms, "ms that each rank rests between batches")->check(CLI::NonNegativeNumber);
  app.add_option("--cache", chosen.cache_mib, "MiB of prepared images for each rank");
  app.add_flag("--changes", chosen.by_change, "instead: each change by itself at every patch, one thread");
  try {
    app.parse(argc, argv);
    std::optional<phantom_folder> made;
    if (chosen.data.empty()) chosen.data = {made.emplace().path()};
    const auto data = axonzoo::open_dataset(chosen.data);
    std::puts(
        "augmentation,workers,ranks,batch,patch,patches_per_second,load_ms_per_patch,augment_ms_per_patch,load_share,augment_"
        "share,"
        "wait_ms_per_batch,first_batch_ms");
    if (chosen.by_change) {
      for (const auto& [name, augment] : changes()) measure(chosen, data, name, augment, 0, 1);
    } else {
      for (const int ranks : chosen.ranks)
        for (const int workers : chosen.workers) measure(chosen, data, "default", axonzoo::augmentation(), workers, ranks);
    }
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& wrong) {
    std::cerr << "loader: " << wrong.what() << "; --help lists the options\n";
    return 2;
  } catch (const std::exception& failed) {
    std::cerr << "loader: " << failed.what() << '\n';
    return 1;
  }
  return 0;
}
