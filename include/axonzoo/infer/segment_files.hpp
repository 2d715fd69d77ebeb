#pragma once

#include <atomic>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <axonzoo/core/bounded_queue.hpp>
#include <axonzoo/core/error.hpp>
#include <axonzoo/core/interrupt.hpp>
#include <axonzoo/core/shared_room.hpp>
#include <axonzoo/infer/file_segmenter.hpp>

namespace axonzoo {

/// Where the files come from, and who hears of them.
struct segment_stream {
  /// Waits for the next file; none at the end, and once `ended` says so.
  std::function<std::optional<std::filesystem::path>(const std::function<bool()>& ended)> next;
  std::function<void(const segment_job&)> done;                  ///< told each file that is through, in the order in which they came
  std::function<void(const segment_job&, const error&)> failed;  ///< or what is wrong with it; also where `done` throws it
};

/// Segments files as `file_segmenter::segment` does each, with the same masks and measures in the same order: while the networks (in this thread) are at one,
/// the next is read and the former is measured and written by a thread each. Together those on the way take no more than a quarter of the memory; one that is larger
/// waits until it is alone. When the program is interrupted, what has been segmented is written and no further file is begun. What is not an
/// `error` ends it and is thrown.
void segment_files(file_segmenter& with, const segment_stream& stream);

/// The same of a list of files.
void segment_files(file_segmenter& with, const std::vector<std::filesystem::path>& files, std::function<void(const segment_job&)> done,
                   std::function<void(const segment_job&, const error&)> failed);

namespace detail {

class segment_pipeline {
 public:
  segment_pipeline(file_segmenter& with, const segment_stream& stream) : with_(with), stream_(stream), limit_(with.options().memory << 18), room_(limit_) {}

  void run() {
    std::thread reader([this] { read(); });
    std::thread writer([this] { write(); });
    while (auto job = read_.pop()) {
      if (ended()) {
        leave(std::move(*job));
        continue;
      }
      step(*job, [this](segment_job& one) { with_.infer(one); });
      inferred_.push(std::move(*job));
    }
    inferred_.close();
    reader.join();
    writer.join();
    if (stopped_by_) std::rethrow_exception(stopped_by_);
  }

 private:
  [[nodiscard]] bool ended() const { return stopped_ || interrupted(); }

  void read() {
    try {
      while (!ended()) {
        const auto path = stream_.next([this] { return ended(); });
        if (!path) break;
        segment_job job;
        job.path = *path;
        step(job, [this](segment_job& one) { with_.look(one); });
        room_.take(bytes_of(job));
        if (!ended()) step(job, [this](segment_job& one) { with_.read(one); });
        read_.push(std::move(job));
      }
    } catch (...) {
      stop(std::current_exception());
    }
    read_.close();
  }

  void write() {
    while (auto job = inferred_.pop()) {
      step(*job, [this](segment_job& one) { with_.write(one); });
      try {
        tell(*job);
      } catch (...) {
        stop(std::current_exception());
      }
      leave(std::move(*job));
    }
  }

  void tell(segment_job& job) {
    try {
      if (job.failed) std::rethrow_exception(job.failed);
      if (!stopped_) stream_.done(job);
    } catch (const error& wrong) {
      stream_.failed(job, wrong);
    }
  }

  template <class Step>
  static void step(segment_job& job, const Step& step) {
    if (job.failed) return;
    try {
      step(job);
    } catch (...) {
      job.failed = std::current_exception();
    }
  }

  void leave(segment_job job) {
    const auto bytes = bytes_of(job);
    job = segment_job();
    room_.give_back(bytes);
  }

  [[nodiscard]] std::size_t bytes_of(const segment_job& job) const { return with_.is_small(job) ? job.bytes : limit_; }

  void stop(std::exception_ptr why) {
    const std::lock_guard lock(mutex_);
    if (!stopped_by_) stopped_by_ = std::move(why);
    stopped_ = true;
  }

  file_segmenter& with_;
  const segment_stream& stream_;
  std::size_t limit_;
  shared_room room_;
  bounded_queue<segment_job> read_{1}, inferred_{1};
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  std::exception_ptr stopped_by_;
};

}  // namespace detail

inline void segment_files(file_segmenter& with, const segment_stream& stream) { detail::segment_pipeline(with, stream).run(); }

inline void segment_files(file_segmenter& with, const std::vector<std::filesystem::path>& files, std::function<void(const segment_job&)> done,
                          std::function<void(const segment_job&, const error&)> failed) {
  segment_stream stream;
  stream.next = [&files, at = std::size_t{0}](const std::function<bool()>&) mutable -> std::optional<std::filesystem::path> {
    if (at == files.size()) return std::nullopt;
    return files[at++];
  };
  stream.done = std::move(done);
  stream.failed = std::move(failed);
  segment_files(with, stream);
}

}  // namespace axonzoo
