#pragma once

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include <sys/prctl.h>
#include <sys/wait.h>

#include <axonzoo/core/error.hpp>

namespace axonzoo {

/// A program that runs beside this one, in a process group of its own, with an empty standard input and its output in a
/// file. It never outlives its owner: the destructor stops it, and the kernel does if the owner is killed.
///
///     child_process child("/opt/bin/unet-fp32-none-single", {"--seed", "1"}, "log.txt");
///     while (child.running()) std::this_thread::sleep_for(100ms);
///     if (!child.outcome().empty()) ...
class child_process {
 public:
  /// Starts `program`; standard output and standard error are appended to `log`. Throws when it cannot be started.
  child_process(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                const std::filesystem::path& log) {
    const std::string doing = "cannot start '" + program.string() + "'";
    std::vector<std::string> words{program.string()};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);

    const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (output < 0) throw error(doing, "its log '" + log.string() + "': " + std::strerror(errno), "choose another folder");
    int report[2];
    if (::pipe2(report, O_CLOEXEC) != 0) {
      ::close(output);
      throw error(doing, std::strerror(errno), "close other programs");
    }
    const pid_t parent = ::getpid();
    id_ = ::fork();
    if (id_ == 0) {
      ::setpgid(0, 0);
      ::prctl(PR_SET_PDEATHSIG, SIGTERM);
      if (::getppid() != parent) ::_exit(127);
      const int nothing = ::open("/dev/null", O_RDONLY);
      ::dup2(nothing, 0);
      ::dup2(output, 1);
      ::dup2(output, 2);
      ::execvp(argv[0], argv.data());
      const int why = errno;
      if (::write(report[1], &why, sizeof why) < 0) ::_exit(126);
      ::_exit(127);
    }
    const int fork_error = errno;
    ::close(output);
    ::close(report[1]);
    int why = 0;
    const bool failed = id_ > 0 && ::read(report[0], &why, sizeof why) == sizeof why;
    ::close(report[0]);
    if (id_ < 0) throw error(doing, std::strerror(fork_error), "close other programs");
    if (failed) {
      ::waitpid(id_, nullptr, 0);
      throw error(doing, std::strerror(why), "build or install it, or name the folder that holds it");
    }
  }

  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;

  ~child_process() {
    if (running()) stop(SIGTERM, std::chrono::seconds(5));
  }

  /// True until the program has ended; never blocks.
  bool running() {
    if (!ended_ && ::waitpid(id_, &status_, WNOHANG) == id_) ended_ = true;
    return !ended_;
  }

  /// Asks the program to end by `signal` and, once `patience` is over, kills it with all that it started.
  void stop(int signal, std::chrono::milliseconds patience) {
    if (!running()) return;
    ::kill(id_, signal);
    const auto until = std::chrono::steady_clock::now() + patience;
    while (running() && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    if (!running()) return;
    ::kill(-id_, SIGKILL);
    ::waitpid(id_, &status_, 0);
    ended_ = true;
  }

  /// Empty for exit status 0, else "exit status 2" or "ended by signal 9 (Killed)". Only once `running()` is false.
  [[nodiscard]] std::string outcome() const {
    if (WIFSIGNALED(status_))
      return "ended by signal " + std::to_string(WTERMSIG(status_)) + " (" + ::strsignal(WTERMSIG(status_)) + ')';
    return WEXITSTATUS(status_) == 0 ? "" : "exit status " + std::to_string(WEXITSTATUS(status_));
  }

 private:
  pid_t id_ = -1;
  int status_ = 0;
  bool ended_ = false;
};

}  // namespace axonzoo
