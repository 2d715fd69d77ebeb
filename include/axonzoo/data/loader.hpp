#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/random.hpp>
#include <axonzoo/data/augment.hpp>
#include <axonzoo/data/prepared.hpp>
#include <axonzoo/data/sample_order.hpp>

namespace axonzoo {

struct loader_options {
  std::int64_t batch = 4;  ///< patches in a step, over all ranks
  std::int64_t patch = 256;
  int workers = 1;  ///< threads; 0 works in the thread that calls next()
  std::uint64_t seed = 0;
  int rank = 0;
  int world_size = 1;
  double foreground_share = 1. / 3;
  augmentation augment;
  std::int64_t first_step = 0;  ///< where a resumed training goes on
};

/// This rank's part of one step.
struct loaded_batch {
  std::vector<float> pixels;         ///< [n, height, width, channels]
  std::vector<std::uint8_t> labels;  ///< [n, height, width]
  std::int64_t n = 0, height = 0, width = 0, channels = 0;
  std::vector<std::string> names;  ///< the micrograph of each patch
  double load_seconds = 0;         ///< getting prepared micrographs, in the thread that made the batch
  double augment_seconds = 0;      ///< cutting and changing patches, likewise
};

/// Endless training batches. Sample i of step s is a pure function of (seed, s, i): workers, ranks and a resumed run change
/// nothing about it. A rank gets samples rank * batch / world_size up to (rank + 1) * batch / world_size. Micrographs take turns:
/// each is used once before any is used again. Workers start once and run a bounded number of batches ahead; workers that are
/// not needed sleep. One thread may call next().
class loader {
 public:
  /// `members` are indices in the cache's data set. Throws `error` for options that make no sense and a member without masks.
  loader(std::shared_ptr<prepared_cache> cache, std::vector<std::size_t> members, loader_options options)
      : cache_(std::move(cache)), members_(std::move(members)), options_(std::move(options)) {
    check();
    first_sample_ = options_.rank * options_.batch / options_.world_size;
    last_sample_ = (options_.rank + 1) * options_.batch / options_.world_size;
    consumed_ = claimed_ = options_.first_step;
    order_ = sample_order(options_.seed, members_.size());
    try {
      for (int i = 0; i < options_.workers; ++i) workers_.emplace_back([this, order = order_]() mutable { work(order); });
    } catch (const std::system_error& failed) {
      stop();
      throw error("starting " + std::to_string(options_.workers) + " loader threads", failed.what(), "give fewer --workers");
    }
  }

  loader(const loader&) = delete;
  loader& operator=(const loader&) = delete;

  ~loader() { stop(); }

  /// The next step's batch, in order of steps. Throws what went wrong where that batch was made, and again at each further call.
  [[nodiscard]] loaded_batch next() {
    if (workers_.empty()) {
      auto made = make(consumed_, order_);
      ++consumed_;
      return made;
    }
    std::unique_lock hold(mutex_);
    ready_.wait(hold, [this] { return finished_.count(consumed_) != 0; });
    const auto at = finished_.find(consumed_);
    if (at->second.failure) std::rethrow_exception(at->second.failure);
    auto made = std::move(at->second.batch);
    finished_.erase(at);
    ++consumed_;
    hold.unlock();
    room_.notify_one();
    return made;
  }

 private:
  struct result {
    loaded_batch batch;
    std::exception_ptr failure;
  };

  void stop() {
    {
      const std::lock_guard hold(mutex_);
      stop_ = true;
    }
    room_.notify_all();
    for (auto& worker : workers_) worker.join();
  }

  void check() const {
    const auto refuse = [](const std::string& wrong, const std::string& mend) {
      throw error("starting the loader", wrong, mend);
    };
    if (members_.empty()) refuse("there is no image to train on", "give a data set or a split that leaves some");
    if (options_.patch < 1) refuse("a patch of " + std::to_string(options_.patch) + " pixels", "give a positive size");
    if (options_.workers < 0) refuse(std::to_string(options_.workers) + " workers", "give 0 or more");
    if (options_.rank < 0 || options_.rank >= options_.world_size)
      refuse("rank " + std::to_string(options_.rank) + " of " + std::to_string(options_.world_size), "number ranks from 0");
    if (options_.batch < options_.world_size) {
      refuse("a batch of " + std::to_string(options_.batch) + " for " + std::to_string(options_.world_size) +
                 " ranks leaves some without a patch",
             "give at least one patch a rank");
    }
    if (!(options_.foreground_share >= 0 && options_.foreground_share <= 1))
      refuse("a foreground share outside 0 to 1", "give one within");
    options_.augment.check();
    const auto& micrographs = cache_->data().micrographs;
    for (const auto member : members_) {
      if (member >= micrographs.size())
        refuse("image number " + std::to_string(member) + " of " + std::to_string(micrographs.size()), "count from 0");
      if (micrographs[member].masks.empty())
        refuse("image '" + micrographs[member].name + "' has no manual masks", "train on images that have");
    }
  }

  [[nodiscard]] loaded_batch make(std::int64_t step, sample_order& order) const {
    using clock = std::chrono::steady_clock;
    const auto seconds = [](clock::duration d) { return std::chrono::duration<double>(d).count(); };
    loaded_batch made;
    made.n = last_sample_ - first_sample_;
    made.height = made.width = options_.patch;
    made.channels = static_cast<std::int64_t>(cache_->channels());
    const std::int64_t area = options_.patch * options_.patch;
    made.pixels.resize(static_cast<std::size_t>(made.n * area * made.channels));
    made.labels.resize(static_cast<std::size_t>(made.n * area));
    for (std::int64_t k = 0; k < made.n; ++k) {
      const std::int64_t sample = first_sample_ + k;
      const auto started = clock::now();
      const auto source = cache_->get(members_[order.at(static_cast<std::uint64_t>(step * options_.batch + sample))]);
      const auto got = clock::now();
      random_stream stream(options_.seed, static_cast<std::uint64_t>(step), static_cast<std::uint64_t>(sample), 1);
      cut_patch(*source, options_.augment, options_.foreground_share, stream,
                {made.pixels.data() + k * area * made.channels, made.labels.data() + k * area, options_.patch});
      made.names.push_back(source->name);
      made.load_seconds += seconds(got - started);
      made.augment_seconds += seconds(clock::now() - got);
    }
    return made;
  }

  void work(sample_order& order) {
    const std::int64_t ahead = options_.workers + 2;
    std::unique_lock hold(mutex_);
    while (true) {
      room_.wait(hold, [&] { return stop_ || claimed_ < consumed_ + ahead; });
      if (stop_) return;
      const auto step = claimed_++;
      hold.unlock();
      result made;
      try {
        made.batch = make(step, order);
      } catch (...) {
        made.failure = std::current_exception();
      }
      hold.lock();
      finished_.emplace(step, std::move(made));
      ready_.notify_one();
    }
  }

  const std::shared_ptr<prepared_cache> cache_;
  const std::vector<std::size_t> members_;
  const loader_options options_;
  std::int64_t first_sample_ = 0, last_sample_ = 0;
  sample_order order_;

  std::mutex mutex_;
  std::condition_variable room_, ready_;
  std::map<std::int64_t, result> finished_;
  std::int64_t consumed_ = 0, claimed_ = 0;
  bool stop_ = false;
  std::vector<std::thread> workers_;
};

}  // namespace axonzoo
