#pragma once

#include <cstddef>
#include <future>
#include <iostream>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include <axonzoo/data/dataset.hpp>
#include <axonzoo/data/prepared_micrograph.hpp>

namespace axonzoo {

/// Prepared micrographs in memory, at most `budget_bytes` of them; those used longest ago leave first. A micrograph above the
/// budget is prepared anew at each use, which is said once on standard error. All members are safe to call from many threads, and
/// a micrograph that two of them want at once is prepared once.
class prepared_cache {
 public:
  using pointer = std::shared_ptr<const prepared_micrograph>;

  /// `sizes` is what images are resampled to; `pixel_size_option` is what the user said about images whose folder
  /// does not tell. The budget is per process. `channels` is what all images are brought to, 1 or 3; 0: 3 where any image of the
  /// data set is in colour.
  prepared_cache(dataset data, target_pixel_size sizes, std::optional<double> pixel_size_option, std::size_t budget_bytes,
                 std::size_t channels = 0)
      : data_(std::move(data)),
        sizes_(std::move(sizes)),
        option_(pixel_size_option),
        budget_(budget_bytes),
        channels_(channels != 0 ? channels : channels_of(data_)) {}

  prepared_cache(const prepared_cache&) = delete;
  prepared_cache& operator=(const prepared_cache&) = delete;

  [[nodiscard]] const dataset& data() const { return data_; }

  /// Channels of every micrograph.
  [[nodiscard]] std::size_t channels() const { return channels_; }

  /// Bytes held now, never above the budget.
  [[nodiscard]] std::size_t resident_bytes() const {
    const std::lock_guard hold(mutex_);
    return resident_;
  }

  /// How often a micrograph was read and prepared.
  [[nodiscard]] std::size_t preparations() const {
    const std::lock_guard hold(mutex_);
    return preparations_;
  }

  /// The micrograph of that index; throws what reading it throws, and tries again at the next call.
  [[nodiscard]] pointer get(std::size_t index) {
    std::promise<pointer> made;
    {
      std::unique_lock hold(mutex_);
      if (const auto found = entries_.find(index); found != entries_.end()) {
        used_.splice(used_.begin(), used_, found->second.place);
        const auto awaited = found->second.micrograph;
        hold.unlock();
        return awaited.get();
      }
      used_.push_front(index);
      entries_.emplace(index, entry{made.get_future().share(), used_.begin(), 0});
      ++preparations_;
    }
    pointer micrograph;
    try {
      micrograph = std::make_shared<const prepared_micrograph>(prepare_micrograph(data_, index, sizes_, option_, channels_));
    } catch (...) {
      made.set_exception(std::current_exception());
      const std::lock_guard hold(mutex_);
      drop(entries_.find(index));
      throw;
    }
    made.set_value(micrograph);
    keep(index, *micrograph);
    return micrograph;
  }

 private:
  struct entry {
    std::shared_future<pointer> micrograph;
    std::list<std::size_t>::iterator place;
    std::size_t bytes;  // 0 while in preparation
  };
  using entries = std::unordered_map<std::size_t, entry>;

  void drop(entries::iterator at) {
    resident_ -= at->second.bytes;
    used_.erase(at->second.place);
    entries_.erase(at);
  }

  void keep(std::size_t index, const prepared_micrograph& micrograph) {
    const std::lock_guard hold(mutex_);
    const auto mine = entries_.find(index);
    const std::size_t bytes = micrograph.bytes();
    if (bytes > budget_) {
      drop(mine);
      if (!std::exchange(said_, true)) {
        std::cerr << "cache of images: '" + micrograph.name + "' needs " + std::to_string(bytes >> 20) +
                         " MiB, more than the budget of " + std::to_string(budget_ >> 20) +
                         " MiB, and is read again for each patch; give a larger budget\n";
      }
      return;
    }
    for (auto oldest = used_.end(); resident_ + bytes > budget_ && oldest != used_.begin();) {
      --oldest;
      const auto at = entries_.find(*oldest);
      if (at->second.bytes == 0) continue;
      ++oldest;
      drop(at);
    }
    mine->second.bytes = bytes;
    resident_ += bytes;
  }

  const dataset data_;
  const target_pixel_size sizes_;
  const std::optional<double> option_;
  const std::size_t budget_;
  const std::size_t channels_;
  mutable std::mutex mutex_;
  entries entries_;
  std::list<std::size_t> used_;  // latest first
  std::size_t resident_ = 0;
  std::size_t preparations_ = 0;
  bool said_ = false;
};

}  // namespace axonzoo
