#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/interrupt.hpp>
#include <axonzoo/parallel/launch.hpp>

namespace axonzoo {
namespace detail {

inline int environment_number(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  if (text == nullptr || *text == '\0') return otherwise;
  char* end = nullptr;
  const long value = std::strtol(text, &end, 10);
  if (*end != '\0' || value < 0 || value > 1'000'000) {
    throw error("cannot join the ranks", std::string("the environment variable ") + name + "='" + text + "' is not a rank, count or port",
                "unset it or let torchrun, srun or --ranks set it");
  }
  return static_cast<int>(value);
}

inline int bound_socket(int port) {
  const int handle = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  place.sin_port = htons(static_cast<std::uint16_t>(port));
  if (handle < 0 || ::bind(handle, reinterpret_cast<const sockaddr*>(&place), sizeof place) != 0) {
    const std::string why = std::strerror(errno);
    if (handle >= 0) ::close(handle);
    throw error("cannot start ranks on port " + std::to_string(port), why, "give another --port, or 0 for a free one");
  }
  return handle;
}

/// A port that was free a moment ago.
inline int usable_port(int port) {
  const int handle = bound_socket(port);
  sockaddr_in place{};
  socklen_t size = sizeof place;
  ::getsockname(handle, reinterpret_cast<sockaddr*>(&place), &size);
  ::close(handle);
  return ntohs(place.sin_port);
}

inline std::string ending_of(int status) {
  if (WIFSIGNALED(status)) return std::string("was killed by signal ") + std::to_string(WTERMSIG(status)) + " (" + ::strsignal(WTERMSIG(status)) + ")";
  return "ended with status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace detail

inline rank_place place_from_environment() {
  using detail::environment_number;
  rank_place place;
  const bool torchrun = std::getenv("RANK") != nullptr && std::getenv("WORLD_SIZE") != nullptr;
  const bool slurm = !torchrun && std::getenv("SLURM_PROCID") != nullptr && std::getenv("SLURM_NTASKS") != nullptr;
  if (torchrun) {
    place.rank = environment_number("RANK", 0);
    place.world_size = environment_number("WORLD_SIZE", 1);
    place.local_rank = environment_number("LOCAL_RANK", place.rank);
    place.local_world_size = environment_number("LOCAL_WORLD_SIZE", place.world_size);
  } else if (slurm) {
    place.rank = environment_number("SLURM_PROCID", 0);
    place.world_size = environment_number("SLURM_NTASKS", 1);
    place.local_rank = environment_number("SLURM_LOCALID", 0);
    const int nodes = std::max(1, environment_number("SLURM_JOB_NUM_NODES", 1));
    place.local_world_size = std::max(1, place.world_size / nodes);
    if (const char* address = std::getenv("SLURM_LAUNCH_NODE_IPADDR")) place.address = address;
    place.port = 20000 + environment_number("SLURM_JOB_ID", 0) % 20000;
  }
  if (const char* address = std::getenv("MASTER_ADDR")) place.address = address;
  place.port = environment_number("MASTER_PORT", place.port);
  if (place.world_size < 1 || place.rank >= place.world_size) {
    throw error("cannot join the ranks", "rank " + std::to_string(place.rank) + " does not fit a world of " + std::to_string(place.world_size),
                "check RANK and WORLD_SIZE, or SLURM_PROCID and SLURM_NTASKS");
  }
  return place;
}

inline int launch_ranks(int ranks, int port, char** argv) {
  const auto chosen = std::to_string(detail::usable_port(port));
  std::vector<pid_t> children;
  const pid_t parent = ::getpid();
  for (int rank = 0; rank < ranks; ++rank) {
    const pid_t child = ::fork();
    if (child < 0) {
      for (const auto pid : children) ::kill(pid, SIGKILL);
      throw error("cannot start rank " + std::to_string(rank), std::strerror(errno), "ask for fewer --ranks");
    }
    if (child == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGTERM);
      if (::getppid() != parent) ::_exit(1);
      ::setenv("RANK", std::to_string(rank).c_str(), 1);
      ::setenv("LOCAL_RANK", std::to_string(rank).c_str(), 1);
      ::setenv("WORLD_SIZE", std::to_string(ranks).c_str(), 1);
      ::setenv("LOCAL_WORLD_SIZE", std::to_string(ranks).c_str(), 1);
      ::setenv("MASTER_ADDR", "127.0.0.1", 1);
      ::setenv("MASTER_PORT", chosen.c_str(), 1);
      ::execv("/proc/self/exe", argv);
      std::cerr << "axonzoo: cannot start rank " << rank << ": " << std::strerror(errno) << "\n";
      ::_exit(127);
    }
    children.push_back(child);
  }

  // The first rank to fail is the cause; the others are given a moment to say their part and are then ended.
  constexpr auto grace = std::chrono::seconds(10);
  int outcome = 0;
  bool told = false;
  auto end_at = std::chrono::steady_clock::time_point::max();
  std::vector<bool> running(children.size(), true);
  while (std::any_of(running.begin(), running.end(), [](bool r) { return r; })) {
    if (interrupted() && !told) {
      told = true;
      for (std::size_t i = 0; i < children.size(); ++i) {
        if (running[i]) ::kill(children[i], SIGTERM);
      }
    }
    for (std::size_t i = 0; i < children.size(); ++i) {
      int status = 0;
      if (!running[i] || ::waitpid(children[i], &status, WNOHANG) != children[i]) continue;
      running[i] = false;
      if (status == 0) continue;
      if (outcome == 0 && !interrupted()) {
        std::cerr << "axonzoo: rank " << i << " " << detail::ending_of(status) << "; the other ranks are stopped, --resume continues from the last saved state\n";
      }
      if (outcome == 0) {
        outcome = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        end_at = std::chrono::steady_clock::now() + grace;
      }
    }
    if (std::chrono::steady_clock::now() > end_at) {
      for (std::size_t i = 0; i < children.size(); ++i) {
        if (!running[i]) continue;
        std::cerr << "axonzoo: rank " << i << " did not end with the others and is killed; where they timed out, it is what they waited for\n";
        ::kill(children[i], SIGKILL);
      }
      end_at = std::chrono::steady_clock::time_point::max();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return outcome;
}

}  // namespace axonzoo
