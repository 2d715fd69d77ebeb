#include <chrono>
#include <csignal>
#include <filesystem>
#include <thread>

#include <boost/test/unit_test.hpp>

#include <axonzoo/report/child_process.hpp>
#include <axonzoo/report/scratch_folder.hpp>

#include "made_record.hpp"

using namespace std::chrono_literals;

namespace {

std::string run(const std::string& script, const std::filesystem::path& log) {
  axonzoo::child_process child("sh", {"-c", script}, log);
  while (child.running()) std::this_thread::sleep_for(2ms);
  return child.outcome();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(report_child_process)

BOOST_AUTO_TEST_CASE(outcome_and_log) {
  const axonzoo::scratch_folder folder;
  const auto log = folder / "log";
  BOOST_TEST(run("echo one; echo two >&2", log) == "");
  BOOST_TEST(run("cat; echo three; exit 3", log) == "exit status 3");  // cat would wait for a keyboard
  BOOST_TEST(text_of(log) == "one\ntwo\nthree\n");
  BOOST_TEST(run("kill -9 $$", log) == "ended by signal 9 (Killed)");
}

BOOST_AUTO_TEST_CASE(what_cannot_start) {
  const axonzoo::scratch_folder folder;
  const auto says = [](const std::string& part) { return [part](const axonzoo::error& e) { return contains(e.what(), part); }; };
  BOOST_CHECK_EXCEPTION(axonzoo::child_process("/no/such/program", {}, folder / "log"), axonzoo::error,
                        says("cannot start '/no/such/program': No such file"));
  BOOST_CHECK_EXCEPTION(axonzoo::child_process("sh", {}, folder / "no" / "log"), axonzoo::error, says("its log"));
}

BOOST_AUTO_TEST_CASE(stop_lets_it_save) {
  const axonzoo::scratch_folder folder;
  const auto ready = folder / "ready", saved = folder / "saved";
  axonzoo::child_process child(
      "sh",
      {"-c", "trap 'echo yes > " + saved.string() + "; exit 7' INT; echo > " + ready.string() + "; while :; do sleep 0.02; done"},
      folder / "log");
  while (!std::filesystem::exists(ready)) std::this_thread::sleep_for(5ms);
  child.stop(SIGINT, 5s);
  BOOST_TEST(child.outcome() == "exit status 7");
  BOOST_TEST(text_of(saved) == "yes\n");
}

BOOST_AUTO_TEST_CASE(stop_kills_the_stubborn_and_its_children) {
  const axonzoo::scratch_folder folder;
  const auto pid = folder / "pid";
  axonzoo::child_process child("sh",
                               {"-c", "trap '' INT TERM; sleep 60 & echo $! > " + pid.string() + ".part; mv " + pid.string() +
                                          ".part " + pid.string() + "; while :; do wait; done"},
                               folder / "log");
  while (!std::filesystem::exists(pid)) std::this_thread::sleep_for(5ms);
  const pid_t grandchild = std::stoi(text_of(pid));
  child.stop(SIGINT, 100ms);
  BOOST_TEST(contains(child.outcome(), "signal 9"));
  // An orphan may stay a zombie where nothing reaps: it has no command line then.
  const auto command = std::filesystem::path("/proc") / std::to_string(grandchild) / "cmdline";
  for (int i = 0; i < 200 && !text_of(command).empty(); ++i) std::this_thread::sleep_for(5ms);
  BOOST_TEST(text_of(command).empty());
}

BOOST_AUTO_TEST_SUITE_END()
