#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <boost/test/unit_test.hpp>
#include <sys/wait.h>

#include <nlohmann/json.hpp>

#include "../data/made_folder.hpp"

namespace made {

inline std::filesystem::path program(const std::string& name) { return std::filesystem::read_symlink("/proc/self/exe").parent_path() / name; }

/// A filtered build has not all programs.
inline bool missing(const std::string& name) {
  if (std::filesystem::exists(program(name))) return false;
  BOOST_TEST_MESSAGE("skipped: " << name << " is not built");
  return true;
}

inline std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

struct outcome {
  int status;
  std::string err;
};

/// Runs a shell line with the program's path for `$P`; standard error is kept.
inline outcome run(const made_folder& folder, const std::string& name, const std::string& line) {
  const auto err = folder.at("stderr");
  const int status = std::system(("P='" + program(name).string() + "'; cd '" + folder.path().string() + "'; " + line + " >stdout 2>'" + err.string() + "'").c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), content(err)};
}

/// Six small micrographs of six subjects, discs of axon in rings of myelin, grainy: where a pattern repeats, neighbours in a pooling can be equal but for rounding.
inline void paired(const made_folder& folder, const std::string& name, std::size_t side = 64) {
  for (int i = 0; i < 6; ++i) {
    const auto ring = [&](std::size_t y, std::size_t x) {
      const auto dy = static_cast<double>(y % 32) - 15.5, dx = static_cast<double>((x + static_cast<std::size_t>(4 * i)) % 32) - 15.5;
      const auto r = dy * dy + dx * dx;
      return r < 60 ? 255 : r < 140 ? 127 : 0;
    };
    const auto stem = "s" + std::to_string(i) + ".png";
    folder.png(name + "/masks/" + stem, side, side, ring);
    folder.png(name + "/images/" + stem, side, side, [&](std::size_t y, std::size_t x) {
      std::uint32_t grain = static_cast<std::uint32_t>((static_cast<std::size_t>(i) * side + y) * side + x) * 0x9e3779b1U;
      grain = (grain ^ grain >> 15) * 0x85ebca6bU;
      grain ^= grain >> 13;
      return ring(y, x) == 127 ? 200 - static_cast<int>(grain % 23) : 90 + static_cast<int>(grain % 31);
    });
  }
}

inline const std::string small_unet = " --width 4 --levels 3 --patch 32 --batch 2 --threads 1 --turns 1 --tile-overlap 0 --epoch-steps 5 --test-subjects s5 ";

inline nlohmann::json record(const made_folder& folder, const std::string& out) { return nlohmann::json::parse(content(folder.path() / out / "results.json")); }

}  // namespace made
