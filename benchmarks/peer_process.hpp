#pragma once

// PyTorch beside this program, one step at a time.

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>
#include <vector>

#include <nlohmann/json.hpp>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/io/safetensors.hpp>
#include <axonzoo/nn/channels.hpp>

#include "step_settings.hpp"

namespace benchmarks {

/// peer_torch.py with the same weights and batch. It sleeps between steps.
class peer_process {
 public:
  struct result {
    double seconds;
    double value;  ///< the loss of a training step, the mean size of the logits of inference
  };

  peer_process(const step_settings& settings, const workload& work, const std::string& task) {
    ::signal(SIGPIPE, SIG_IGN);
    const auto tensors = hand_over(work);
    std::vector<std::string> words{settings.python, settings.peer, "--task", task, "--model", settings.model, "--device", settings.device, "--precision", settings.precision,
                                   "--threads", std::to_string(settings.threads), "--tensors", tensors.string()};
    start(words, settings.peer_keeps_memory);
    const auto line = answer();
    std::filesystem::remove_all(tensors.parent_path());
    if (line.rfind("ready ", 0) != 0) fail("it says '" + line + "' instead of 'ready'");
    facts_ = nlohmann::json::parse(line.substr(6));
    if (facts_.at("threads") != settings.threads) fail("it takes another number of threads");
  }

  peer_process(const peer_process&) = delete;
  peer_process& operator=(const peer_process&) = delete;

  ~peer_process() {
    ::close(commands_);
    std::fclose(answers_);
    ::waitpid(id_, nullptr, 0);
  }

  /// What it said of itself: parameters, torch, threads, adamw.
  [[nodiscard]] const nlohmann::json& facts() const { return facts_; }

  result step() {
    if (::write(commands_, "step\n", 5) != 5) fail("it has ended");
    const auto line = answer();
    result found{};
    if (std::sscanf(line.c_str(), "%lf %lf", &found.seconds, &found.value) != 2) fail("it says '" + line + "'");
    return found;
  }

 private:
  static std::filesystem::path hand_over(const workload& work) {
    std::string folder = (std::filesystem::temp_directory_path() / "axonzoo-peer-XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr) fail(std::strerror(errno));
    axonzoo::tensor_file file;
    for (const auto& [name, tensor] : axonzoo::named_tensors(*work.net)) file.tensors.emplace(name, tensor.detach().contiguous());
    file.tensors.emplace("batch.images", work.images.contiguous());
    file.tensors.emplace("batch.labels", work.labels);
    const auto path = std::filesystem::path(folder) / "tensors.safetensors";
    axonzoo::write_safetensors(path, file);
    return path;
  }

  void start(std::vector<std::string>& words, bool keeps_memory) {
    int to[2], from[2];
    if (::pipe2(to, O_CLOEXEC) != 0 || ::pipe2(from, O_CLOEXEC) != 0) fail(std::strerror(errno));
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    id_ = ::fork();
    if (id_ < 0) fail(std::strerror(errno));
    if (id_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGTERM);
      ::dup2(to[0], 0);
      ::dup2(from[1], 1);
      if (keeps_memory) {
        ::setenv("MALLOC_MMAP_THRESHOLD_", "1000000000", 1);
        ::setenv("MALLOC_TRIM_THRESHOLD_", "10000000000", 1);
      }
      ::execvp(argv[0], argv.data());
      ::_exit(127);
    }
    ::close(to[0]);
    ::close(from[1]);
    commands_ = to[1];
    answers_ = ::fdopen(from[0], "r");
  }

  std::string answer() {
    std::string line;
    for (int c = std::getc(answers_); c != '\n'; c = std::getc(answers_)) {
      if (c == EOF) fail(line.empty() ? "it ended without an answer" : "it ended after '" + line + "'");
      line += static_cast<char>(c);
    }
    return line;
  }

  [[noreturn]] static void fail(const std::string& why) {
    throw axonzoo::error("comparing with PyTorch", why,
                         "see its message above, and give a --python that imports torch and numpy");
  }

  pid_t id_ = -1;
  int commands_ = -1;
  std::FILE* answers_ = nullptr;
  nlohmann::json facts_;
};

}  // namespace benchmarks
