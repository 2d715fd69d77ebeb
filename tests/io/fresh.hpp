#pragma once

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <stdlib.h>
#include <string>
#include <string_view>

#include <boost/test/unit_test.hpp>
#include <sys/resource.h>

#include <axonzoo/core/error.hpp>

namespace axonzoo::testing {

/// A new empty folder that goes with the object.
struct fresh_folder {
  std::filesystem::path path;

  fresh_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "axonzoo-io-XXXXXX").string();
    BOOST_REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  fresh_folder(const fresh_folder&) = delete;
  fresh_folder& operator=(const fresh_folder&) = delete;
  ~fresh_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::filesystem::path operator/(const std::string& name) const { return path / name; }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(path), std::filesystem::directory_iterator()));
  }
};

/// Random numbers that differ in every run; the seed of a failure stands in the log at level "message".
inline std::mt19937_64 fresh_random() {
  const auto seed = static_cast<std::uint64_t>(std::random_device{}()) << 32 | std::random_device{}();
  BOOST_TEST_MESSAGE("seed " << seed);
  return std::mt19937_64(seed);
}

inline void put(const std::filesystem::path& path, std::string_view bytes) {
  std::filesystem::remove(path);  // ext4 waits for the disk when a file is cut and written anew
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

inline std::string get(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The sentence of the axonzoo::error that `call` throws; the empty string where it throws none.
template <class Call>
std::string sentence_of(Call&& call) {
  try {
    call();
  } catch (const error& wrong) {
    return wrong.what();
  }
  return "";
}

/// Whether `text` names the file and says each of the parts.
template <class... Parts>
bool says(const std::string& text, Parts... parts) {
  return ((text.find(parts) != std::string::npos) && ...) && text.find('\n') == std::string::npos;
}

/// As long as it lives, no file of this process can grow beyond a number of bytes, as on a full disk.
struct small_disk {
  explicit small_disk(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    old_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit now{bytes, before_.rlim_max};
    BOOST_REQUIRE(::setrlimit(RLIMIT_FSIZE, &now) == 0);
  }
  small_disk(const small_disk&) = delete;
  small_disk& operator=(const small_disk&) = delete;
  ~small_disk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, old_handler_);
  }

 private:
  rlimit before_{};
  void (*old_handler_)(int) = nullptr;
};

}  // namespace axonzoo::testing
