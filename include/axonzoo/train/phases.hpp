#pragma once

#include <chrono>
#include <map>
#include <string>
#include <utility>

namespace axonzoo {

/// Seconds by phase of a run; survives a resume.
class phase_clock {
 public:
  using clock = std::chrono::steady_clock;

  /// Adds the time of `work` to a phase.
  template <class Work>
  decltype(auto) time(const char* phase, Work&& work) {
    const stopwatch running{*this, phase};
    return std::forward<Work>(work)();
  }

  void add(const std::string& phase, double seconds) { seconds_[phase] += seconds; }
  [[nodiscard]] const std::map<std::string, double>& seconds() const { return seconds_; }
  void resume(std::map<std::string, double> seconds) { seconds_ = std::move(seconds); }

 private:
  struct stopwatch {
    phase_clock& owner;
    const char* phase;
    clock::time_point begin = clock::now();
    ~stopwatch() { owner.add(phase, std::chrono::duration<double>(clock::now() - begin).count()); }
  };
  std::map<std::string, double> seconds_;
};

}  // namespace axonzoo
