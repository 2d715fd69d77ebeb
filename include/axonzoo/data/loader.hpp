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
#include <axonzoo/data/loaded_batch.hpp>
#include <axonzoo/data/loader_options.hpp>
#include <axonzoo/data/prepared.hpp>
#include <axonzoo/data/sample_order.hpp>

namespace axonzoo {

/// Endless training batches. Sample i of step s is a pure function of (seed, s, i): workers, ranks and a resumed run change
/// nothing about it. A rank gets samples rank * batch / world_size up to (rank + 1) * batch / world_size. Micrographs take turns:
/// each is used once before any is used again. Workers start once, share each batch sample by sample, the next batch first, and
/// run a bounded number of batches ahead; workers that are not needed sleep. One thread may call next().
class loader {
 public:
  /// `members` are indices in the cache's data set. Throws `error` for options that make no sense and a member without masks.
  loader(std::shared_ptr<prepared_cache> cache, std::vector<std::size_t> members, loader_options options)
      : cache_(std::move(cache)), members_(std::move(members)), options_(std::move(options)) {
    options_.check();
    check_members();
    first_sample_ = options_.rank * options_.batch / options_.world_size;
    last_sample_ = (options_.rank + 1) * options_.batch / options_.world_size;
    consumed_ = options_.first_step;
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
      auto made = empty_batch();
      for (std::int64_t k = 0; k < made.n; ++k) add(make_sample(consumed_, k, order_, made), made);
      ++consumed_;
      return made;
    }
    std::unique_lock hold(mutex_);
    ready_.wait(hold, [this] {
      const auto at = slots_.find(consumed_);
      return at != slots_.end() && at->second.missing == 0;
    });
    const auto at = slots_.find(consumed_);
    if (at->second.failure) std::rethrow_exception(at->second.failure);
    auto made = std::move(at->second.batch);
    slots_.erase(at);
    ++consumed_;
    hold.unlock();
    room_.notify_all();
    return made;
  }

 private:
  struct slot {
    loaded_batch batch;
    std::int64_t missing = 0;
    std::exception_ptr failure;
  };
  struct phase_times {
    double load, augment;
  };

  void stop() {
    {
      const std::lock_guard hold(mutex_);
      stop_ = true;
    }
    room_.notify_all();
    for (auto& worker : workers_) worker.join();
  }

  void check_members() const {
    const auto refuse = [](const std::string& wrong, const std::string& mend) {
      throw error("starting the loader", wrong, mend);
    };
    if (members_.empty()) refuse("there is no image to train on", "give a data set or a split that leaves some");
    const auto& micrographs = cache_->data().micrographs;
    for (const auto member : members_) {
      if (member >= micrographs.size())
        refuse("image number " + std::to_string(member) + " of " + std::to_string(micrographs.size()), "count from 0");
      if (micrographs[member].masks.empty())
        refuse("image '" + micrographs[member].name + "' has no manual masks", "train on images that have");
    }
  }

  [[nodiscard]] loaded_batch empty_batch() const {
    loaded_batch made;
    made.n = last_sample_ - first_sample_;
    made.height = made.width = options_.patch;
    made.channels = static_cast<std::int64_t>(cache_->channels());
    const auto pixels = static_cast<std::size_t>(made.n * options_.patch * options_.patch);
    made.pixels.resize(pixels * cache_->channels());
    made.labels.resize(pixels);
    made.names.resize(static_cast<std::size_t>(made.n));
    return made;
  }

  /// Fills in this rank's k-th patch of a step.
  phase_times make_sample(std::int64_t step, std::int64_t k, sample_order& order, loaded_batch& batch) const {
    using clock = std::chrono::steady_clock;
    const auto seconds = [](clock::duration d) { return std::chrono::duration<double>(d).count(); };
    const std::int64_t sample = first_sample_ + k, area = options_.patch * options_.patch;
    const auto started = clock::now();
    const auto source = cache_->get(members_[order.at(static_cast<std::uint64_t>(step * options_.batch + sample))]);
    const auto got = clock::now();
    random_stream stream(options_.seed, static_cast<std::uint64_t>(step), static_cast<std::uint64_t>(sample), 1);
    cut_patch(*source, options_.augment, options_.foreground_share, stream,
              {batch.pixels.data() + k * area * batch.channels, batch.labels.data() + k * area, options_.patch});
    batch.names[static_cast<std::size_t>(k)] = source->name;
    return {seconds(got - started), seconds(clock::now() - got)};
  }

  static void add(const phase_times& times, loaded_batch& batch) {
    batch.load_seconds += times.load;
    batch.augment_seconds += times.augment;
  }

  void work(sample_order& order) {
    const std::int64_t n = last_sample_ - first_sample_, ahead = 2 + (options_.workers + n - 1) / n;
    std::unique_lock hold(mutex_);
    while (true) {
      room_.wait(hold, [&] { return stop_ || options_.first_step + claimed_ / n < consumed_ + ahead; });
      if (stop_) return;
      const std::int64_t step = options_.first_step + claimed_ / n, k = claimed_ % n;
      ++claimed_;
      auto& mine = slots_[step];  // stays in its place until no sample is missing
      phase_times times{};
      std::exception_ptr failure = mine.failure;
      try {
        if (k == 0) {
          mine.missing = n;
          mine.batch = empty_batch();
        }
        hold.unlock();
        if (!failure) times = make_sample(step, k, order, mine.batch);
      } catch (...) {
        failure = std::current_exception();
      }
      if (!hold.owns_lock()) hold.lock();
      add(times, mine.batch);
      if (failure) mine.failure = failure;
      if (--mine.missing == 0) ready_.notify_one();
    }
  }

  const std::shared_ptr<prepared_cache> cache_;
  const std::vector<std::size_t> members_;
  const loader_options options_;
  std::int64_t first_sample_ = 0, last_sample_ = 0;
  sample_order order_;

  std::mutex mutex_;
  std::condition_variable room_, ready_;
  std::map<std::int64_t, slot> slots_;
  std::int64_t consumed_ = 0;  // steps
  std::int64_t claimed_ = 0;   // samples of this rank since the first step
  bool stop_ = false;
  std::vector<std::thread> workers_;
};

}  // namespace axonzoo
