// axonzoo-compare: trains variants one after another on the same data for the same time, and reports what each policy changes.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <system_error>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/interrupt.hpp>
#include <axonzoo/core/progress.hpp>
#include <axonzoo/io/replace_file.hpp>
#include <axonzoo/report/child_process.hpp>
#include <axonzoo/report/comparison_files.hpp>
#include <axonzoo/report/comparison_page.hpp>
#include <axonzoo/report/comparison_plan.hpp>
#include <axonzoo/report/comparison_runner.hpp>
#include <axonzoo/report/comparison_tables.hpp>
#include <axonzoo/report/variant_options.hpp>

namespace {

namespace fs = std::filesystem;

constexpr const char* help_footer =
    "Options after -- are handed to every program, those after --for VARIANTS to these alone, in place of the same options "
    "before:\n"
    "  axonzoo-compare ... --minutes 20 -- --patch 256 --for 'unet,segnet' --batch 8 --for '*sam_tiny' --weights "
    "lite_medsam.pth\n"
    "    --for sam_tiny --minutes 0 --for neuro_sam_tiny --epochs 20\n"
    "VARIANTS are globs as in --variants; words left out at the end stand for any. --minutes 0 hands on no budget: for models "
    "that do not\n"
    "train. A run whose options are other than before is made anew.\n"
    "In --out: <variant>/seed-<k>/ holds what each program writes and its log.txt; results.csv (a row a run), results.json (all "
    "records) and\n"
    "report.html (tables, plots, pictures in one file). The same command goes on where it was stopped, and does nothing again "
    "that is\n"
    "finished. A failed run stands in the tables with its reason, and the exit status is 1.";

struct settings {
  axonzoo::comparison_options compared;
  int phantoms = 0;
  bool dry_run = false;
};

/// `words` as a shell reads them.
std::string shell_line(const std::vector<std::string>& words) {
  std::string line;
  for (const auto& word : words) {
    const bool plain =
        !word.empty() &&
        word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=,:+@%") == std::string::npos;
    std::string quoted = "'";
    for (const char c : word) quoted += c == '\'' ? "'\\''" : std::string(1, c);
    line += (line.empty() ? "" : " ") + (plain ? word : quoted + '\'');
  }
  return line;
}

/// The same phantoms for every run, made once by the program beside this one.
fs::path phantom_folder(const settings& chosen) {
  const fs::path folder = chosen.compared.out / ("phantoms-" + std::to_string(chosen.phantoms)),
                 partial = folder.string() + ".partial";
  if (chosen.dry_run || fs::exists(folder)) return folder;
  std::error_code failed;
  fs::remove_all(partial, failed);
  fs::create_directories(chosen.compared.out, failed);
  if (failed)
    throw axonzoo::error("cannot make the folder '" + chosen.compared.out.string() + "'", failed.message(), "give another --out");
  const auto log = chosen.compared.out / "phantoms.log";
  fs::remove(log, failed);
  axonzoo::child_process child(chosen.compared.programs / "axonzoo-phantom",
                               {"--out", partial.string(), "--count", std::to_string(chosen.phantoms)}, log);
  while (child.running()) {
    if (axonzoo::interrupted()) child.stop(SIGINT, std::chrono::seconds(10));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  if (const auto outcome = child.outcome(); !outcome.empty())
    throw axonzoo::error("cannot make phantoms", axonzoo::detail::last_sentence(log, 0, "axonzoo-phantom") + " (" + outcome + ')',
                         "mend that, or give --data");
  fs::rename(partial, folder);
  return folder;
}

void print_plan(const std::vector<axonzoo::planned_run>& plan) {
  using state = axonzoo::planned_run::state;
  for (const auto& one : plan) {
    auto words = one.words();
    words.insert(words.begin(), one.program.string());
    const std::string name = one.run.variant() + " seed " + std::to_string(one.run.seed) + ": ";
    switch (one.how) {
      case state::finished:
        std::cout << name << "finished\n";
        break;
      case state::missing:
        std::cout << one.run.variant() << ": " << one.run.reason << '\n';
        break;
      case state::unfinished:
        std::cout << name << "goes on: " << shell_line(words) << '\n';
        break;
      case state::other_options:
        std::cout << name << "anew, the earlier run had other options: " << shell_line(words) << '\n';
        break;
      case state::fresh:
        std::cout << name << shell_line(words) << '\n';
        break;
    }
  }
}

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[40];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &utc);
  return text;
}

int compare(settings chosen, const std::string& command) {
  auto& compared = chosen.compared;
  compared.check();
  if (compared.data.empty() == (chosen.phantoms == 0))
    throw axonzoo::error("cannot compare the variants",
                         compared.data.empty() ? "there is no data" : "both --data and --phantom are given",
                         "give either --data DIR or --phantom N");
  axonzoo::catch_interrupts();
  (void)axonzoo::select_variants(axonzoo::find_variant_programs(compared.programs), compared.variants);
  if (chosen.phantoms > 0) compared.data = {phantom_folder(chosen)};
  auto plan = axonzoo::plan_comparison(compared);
  if (chosen.dry_run) {
    print_plan(plan);
    return 0;
  }
  std::error_code failed;
  fs::create_directories(compared.out, failed);
  if (failed)
    throw axonzoo::error("cannot make the folder '" + compared.out.string() + "'", failed.message(), "give another --out");

  const auto write = [&] {
    const auto all = axonzoo::comparison_of(plan);
    axonzoo::write_comparison_csv(compared.out / "results.csv", all);
    axonzoo::write_comparison_json(compared.out / "results.json", all, command);
    return all;
  };
  // Start, test and writing take about half a minute beside the training.
  const bool whole = axonzoo::run_comparison(plan, compared.minutes > 0 ? compared.minutes * 60 + 30 : 0, write);
  const auto all = write();
  std::cout << axonzoo::variant_text(all);
  std::vector<std::string> problems;
  const auto page = compared.out / "report.html";
  axonzoo::replace_file(page,
                        axonzoo::comparison_page(
                            all,
                            {command, now_text(),
                             compared.equal_minutes() ? axonzoo::duration_text(compared.minutes * 60) + " of training each" : ""},
                            problems));
  std::cout << "written to " << page.string() << ", results.csv and results.json beside it\n";
  if (!whole) {
    std::cerr << "axonzoo-compare: interrupted; the same command goes on from here\n";
    return 130;
  }
  for (const auto& run : all.runs())
    if (run.how == axonzoo::compared_run::state::failed)
      problems.push_back(run.variant() + " seed " + std::to_string(run.seed) + " failed: " + run.reason);
  for (const auto& problem : problems) std::cerr << "axonzoo-compare: " << problem << '\n';
  return problems.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  settings chosen;
  const std::vector<std::string> words(argv, argv + argc);
  const auto dashes = std::find(words.begin(), words.end(), "--");
  chosen.compared.programs = fs::path(words[0]).parent_path();
  std::error_code unknown;
  if (const auto self = fs::read_symlink("/proc/self/exe", unknown); !unknown) chosen.compared.programs = self.parent_path();

  CLI::App app("Trains variants of the zoo one by one on the same data and reports what each policy changes.");
  app.footer(help_footer);
  auto& compared = chosen.compared;
  app.add_option("--data", compared.data, "folder of a data set; may repeat")->allow_extra_args(false);
  app.add_option("--phantom", chosen.phantoms, "make this many phantom micrographs and train on them")
      ->check(CLI::Range(1, 10000));
  app.add_option("--variants", compared.variants,
                 "globs of model/precision/pruning/parallel: 'unet/*/{none,magnitude}/single,segnet/bf16/none/*'")
      ->capture_default_str();
  app.add_option("--minutes", compared.minutes, "training time of each run");
  app.add_option("--repeats", compared.repeats, "runs of each variant, with the seeds 1 to this")->capture_default_str();
  app.add_option("--test-subjects", compared.test_subjects, "subjects that are tested and never trained on: a,b")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--programs", compared.programs, "folder of the variant programs; by default that of this program");
  app.add_option("--out", compared.out, "folder for the results")->required();
  app.add_flag("--dry-run", chosen.dry_run, "list what would run, and run nothing");
  try {
    app.parse(static_cast<int>(dashes - words.begin()), argv);
    if (dashes != words.end())
      std::tie(compared.further, compared.chosen) = axonzoo::read_program_options({dashes + 1, words.end()});
    return compare(chosen, shell_line(words));
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& wrong) {
    std::cerr << "axonzoo-compare: " << wrong.what() << "; --help lists the options\n";
    return 1;
  } catch (const std::exception& failure) {
    std::cerr << "axonzoo-compare: " << failure.what() << '\n';
    return 1;
  }
}
