#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/io/safetensors.hpp>

namespace axonzoo {

/// Tensors on disk by the fingerprint of all that they were computed from, so that none is computed twice, in this run or a later one. Each is a file that is
/// there whole or not at all, so a killed run leaves what it had; a file that cannot be read counts as absent. The folder holds at most
/// `most_bytes`: what no run has asked for since this one began leaves first, longest unused first, and where that is not enough the new tensor is not kept (a
/// pass over more than fits would otherwise always find the wrong half).
class embedding_cache {
 public:
  /// Throws `error` where the folder cannot be made.
  embedding_cache(std::filesystem::path folder, std::uint64_t most_bytes) : folder_(std::move(folder)), most_(most_bytes) {
    std::error_code failed;
    std::filesystem::create_directories(folder_, failed);
    if (failed) throw error("cannot keep embeddings in '" + folder_.string() + "'", failed.message(), "give another --cache");
    for (const auto& item : std::filesystem::directory_iterator(folder_, failed)) {
      const auto name = item.path().filename().string();
      std::error_code gone;
      if (!name.ends_with(suffix)) continue;
      old_.push_back({item.path(), item.file_size(gone), item.last_write_time(gone)});
      bytes_ += old_.back().bytes;
    }
    std::sort(old_.begin(), old_.end(), [](const kept& a, const kept& b) { return a.used > b.used; });
  }

  /// The tensor of that key (letters and digits); undefined where there is none.
  [[nodiscard]] at::Tensor find(const std::string& key) {
    const auto path = folder_ / (key + suffix);
    auto found = read(path);
    if (found.defined()) {
      std::error_code failed;
      std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now(), failed);
      std::erase_if(old_, [&](const kept& one) { return one.path == path; });  // in use: it stays
      ++found_;
    }
    return found;
  }

  /// Takes up what was computed because it was not found.
  void keep(const std::string& key, const at::Tensor& made) {
    const auto path = folder_ / (key + suffix);
    ++made_;
    if (const auto bytes = static_cast<std::uint64_t>(made.nbytes()) + 256; make_room(bytes)) {
      tensor_file file;
      file.tensors.emplace("embedding", made.detach().cpu().contiguous());
      file.metadata = {{"format", "axonzoo embedding 1"}};
      write_safetensors(path, file);
      bytes_ += bytes;
    }
  }

  /// Tensors that were read, and computed.
  [[nodiscard]] std::size_t found() const { return found_; }
  [[nodiscard]] std::size_t made() const { return made_; }

  /// About what the folder holds.
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  static constexpr const char* suffix = ".safetensors";
  struct kept {
    std::filesystem::path path;
    std::uint64_t bytes;
    std::filesystem::file_time_type used;
  };

  static at::Tensor read(const std::filesystem::path& path) {
    std::error_code failed;
    if (!std::filesystem::exists(path, failed)) return {};
    try {
      const auto file = read_safetensors(path);
      const auto found = file.tensors.find("embedding");
      if (found != file.tensors.end()) return found->second;
    } catch (const error&) {  // cut short, or removed by another run this moment: it is computed anew
    }
    return {};
  }

  bool make_room(std::uint64_t bytes) {
    while (bytes_ + bytes > most_ && !old_.empty()) {
      std::error_code failed;
      std::filesystem::remove(old_.back().path, failed);
      bytes_ -= std::min(bytes_, old_.back().bytes);
      old_.pop_back();
    }
    return bytes_ + bytes <= most_;
  }

  std::filesystem::path folder_;
  std::uint64_t most_, bytes_ = 0;
  std::vector<kept> old_;  // latest first; not asked for in this run
  std::size_t found_ = 0, made_ = 0;
};

}  // namespace axonzoo
