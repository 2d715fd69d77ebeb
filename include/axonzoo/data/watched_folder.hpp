#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include <axonzoo/data/listing.hpp>

namespace axonzoo {

/// Files of a folder as they are written into it. One counts as written when its size and time have stood still for two looks, so one that grows is waited
/// for; one that is written anew comes again.
class watched_folder {
 public:
  /// `wanted` is asked about each file that is written, once.
  watched_folder(std::filesystem::path folder, std::function<bool(const std::filesystem::path&)> wanted, std::chrono::milliseconds between = std::chrono::milliseconds(50))
      : folder_(std::move(folder)), wanted_(std::move(wanted)), between_(between) {}

  /// Waits for the next one, those of one look by name; none once `ended` says so. Throws `error` where the folder cannot be read.
  [[nodiscard]] std::optional<std::filesystem::path> next(const std::function<bool()>& ended) {
    while (!ended()) {
      while (!written_.empty()) {
        auto path = std::move(written_.front());
        written_.pop_front();
        if (wanted_(path)) return path;
      }
      if (looked_) std::this_thread::sleep_for(between_);
      look();
    }
    return std::nullopt;
  }

 private:
  struct seen {
    std::uintmax_t size = 0;
    std::filesystem::file_time_type time{};
    bool done = false;
  };

  void look() {
    looked_ = true;
    for (const auto& path : detail::list_folder(folder_).files) {
      std::error_code gone;
      const auto size = std::filesystem::file_size(path, gone);
      if (gone) continue;
      const auto time = std::filesystem::last_write_time(path, gone);
      if (gone) continue;
      auto& file = files_[path];
      if (file.size != size || file.time != time) {
        file = {size, time, false};
      } else if (!file.done && size > 0) {
        file.done = true;
        written_.push_back(path);
      }
    }
  }

  std::filesystem::path folder_;
  std::function<bool(const std::filesystem::path&)> wanted_;
  std::chrono::milliseconds between_;
  bool looked_ = false;
  std::map<std::filesystem::path, seen> files_;
  std::deque<std::filesystem::path> written_;
};

}  // namespace axonzoo
