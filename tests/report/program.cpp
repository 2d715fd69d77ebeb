// axonzoo-compare as its user meets it, with shell scripts in the place of the variant programs.

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

#include <boost/test/unit_test.hpp>
#include <sys/wait.h>

#include <axonzoo/io/table.hpp>
#include <axonzoo/report/child_process.hpp>
#include <axonzoo/report/scratch_folder.hpp>

#include "made_record.hpp"

namespace {

/// The program stands beside the tests; a build of tests alone has none.
std::filesystem::path program() { return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "axonzoo-compare"; }

bool missing() {
  if (std::filesystem::exists(program())) return false;
  BOOST_TEST_MESSAGE("skipped: axonzoo-compare is not built");
  return true;
}

struct outcome {
  int status;
  std::string out, err;
};

outcome run(const axonzoo::scratch_folder& folder, const std::string& arguments) {
  const auto out = folder / "stdout", err = folder / "stderr";
  const int status =
      std::system(("'" + program().string() + "' " + arguments + " >'" + out.string() + "' 2>'" + err.string() + "'").c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text_of(out), text_of(err)};
}

std::string places(const axonzoo::scratch_folder& folder) {
  return "--programs '" + (folder / "bin").string() + "' --out '" + (folder / "out").string() + "' --minutes 1 ";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(report_program)

BOOST_AUTO_TEST_CASE(bad_command_lines) {
  if (missing()) return;
  const axonzoo::scratch_folder folder;
  write_program(folder / "bin", "unet-fp32-none-single", "finish");
  const auto refused = [&](const std::string& arguments, const std::string& part) {
    const auto ended = run(folder, arguments);
    BOOST_TEST(ended.status == 1, arguments);
    BOOST_TEST(ended.err.starts_with("axonzoo-compare: "), ended.err);
    BOOST_TEST(contains(ended.err, part), ended.err);
    BOOST_TEST(count_of(ended.err, "\n") == 1u);
  };
  refused(places(folder), "there is no data; give either --data DIR or --phantom N");
  refused(places(folder) + "--data d --phantom 2", "both --data and --phantom");
  refused(places(folder) + "--data d --nonsense", "--nonsense");
  refused(places(folder) + "--data d --variants 'unet/fp32'", "four words");
  refused(places(folder) + "--data d --variants 'sam/*/*/*'", "no program of these variants");
  refused(places(folder) + "--data d -- --out x", "cannot hand '--out' to the programs");
  refused(places(folder) + "--data d -- --for segnet --weights w", "no compared variant is called so");
  refused("--programs /nowhere --data d --minutes 1 --out '" + (folder / "out").string() + "'",
          "cannot look for programs in '/nowhere'");
  refused("--programs '" + (folder / "bin").string() + "' --data d --out '" + (folder / "out").string() + "'",
          "nothing says how long to train");
  BOOST_TEST(!std::filesystem::exists(folder / "out"));
}

BOOST_AUTO_TEST_CASE(dry_run_runs_nothing) {
  if (missing()) return;
  const axonzoo::scratch_folder folder;
  write_program(folder / "bin", "unet-fp32-none-single", "finish");
  const auto ended =
      run(folder, places(folder) + "--data 'a b' --dry-run --variants 'unet/{fp32,int8}/none/single' -- --steps 3 --for unet --minutes 0 --epochs 2");
  BOOST_TEST(ended.status == 0);
  BOOST_TEST(contains(ended.out, "--data 'a b' --seed 1 --epochs 2 --out"));
  BOOST_TEST(contains(ended.out, "unet/int8/none/single: not built"));
  BOOST_TEST(!std::filesystem::exists(folder / "out"));
}

BOOST_AUTO_TEST_CASE(a_failed_run_shows_and_counts) {
  if (missing()) return;
  const axonzoo::scratch_folder folder;
  write_program(folder / "bin", "unet-fp32-none-single", "finish");
  write_program(folder / "bin", "unet-bf16-none-single",
                "echo 'unet-bf16-none-single: cannot train: no memory; free some' >&2; exit 1");
  const auto ended = run(folder, places(folder) + "--data d");
  BOOST_TEST(ended.status == 1);
  BOOST_TEST(contains(ended.out, "failed: cannot train: no memory; free some (exit status 1)"));
  BOOST_TEST(contains(ended.err, "unet/bf16/none/single seed 1 failed: cannot train: no memory"));
  BOOST_TEST(axonzoo::read_csv(folder / "out" / "results.csv").size() == 2u);
  BOOST_TEST(contains(text_of(folder / "out" / "report.html"), "cannot train: no memory; free some"));
  BOOST_TEST(std::filesystem::exists(folder / "out" / "results.json"));
}

BOOST_AUTO_TEST_CASE(interrupted_and_taken_up) {
  if (missing()) return;
  const axonzoo::scratch_folder folder;
  const auto ready = folder / "ready";
  write_program(folder / "bin", "unet-fp32-none-single", "finish");
  write_program(folder / "bin", "unet-bf16-none-single",
                "case \"$all\" in *--resume*) finish; exit 0;; esac; trap 'echo saved; exit 130' INT; touch \"$out/training_state.safetensors\" '" + ready.string() +
                    "'; while :; do sleep 0.02; done");
  axonzoo::child_process child(
      program(), {"--programs", (folder / "bin").string(), "--out", (folder / "out").string(), "--minutes", "1", "--data", "d"},
      folder / "log");
  while (!std::filesystem::exists(ready) && child.running()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  child.stop(SIGINT, std::chrono::seconds(20));
  BOOST_TEST(child.outcome() == "exit status 130");
  BOOST_TEST(contains(text_of(folder / "log"), "interrupted; the same command goes on from here"));
  BOOST_TEST(contains(text_of(folder / "out" / "unet-bf16-none-single" / "seed-1" / "log.txt"), "saved"));
  const auto ended = run(folder, places(folder) + "--data d");
  BOOST_TEST(!contains(ended.out, "not run yet"));
  BOOST_TEST(contains(text_of(folder / "out" / "unet-bf16-none-single" / "seed-1" / "arguments.txt"), "--resume"));
  BOOST_TEST(count_of(text_of(folder / "out" / "unet-fp32-none-single" / "seed-1" / "arguments.txt"), "\n") == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
