#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <utility>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/data/normalise.hpp>
#include <axonzoo/data/read.hpp>
#include <axonzoo/data/resample.hpp>
#include <axonzoo/io/image_rows.hpp>

namespace axonzoo {

/// What `prepare_pixels` makes of an image, row by row and number for number the same, for images that do not fit into memory. The file is
/// read three times: for means, for standard deviations and for the rows.
class prepared_rows {
 public:
  /// `target` um (0: the size stays). `scales`: what `scales()` gave before, which saves two readings. Throws `error` as
  /// `prepare_pixels` does and as reading does.
  prepared_rows(image_rows& source, std::size_t channels, double pixel_size, double target, std::vector<level_scale> scales = {})
      : source_(source),
        channels_(channels),
        size_(size_at(source.size().height, source.size().width, pixel_size, target, 1e12)),
        resampler_(source.size().height, source.size().width, channels, size_.first, size_.second),
        scales_(std::move(scales)) {
    if (scales_.size() == channels) return;
    level_statistics statistics(channels);
    scales_.clear();
    for (const bool again : {false, true}) {
      go_to(0);
      while (next_ < height()) {
        const auto rows = read(64);
        again ? statistics.add_again(rows) : statistics.add(rows);
      }
    }
    for (std::size_t c = 0; c < channels; ++c) scales_.emplace_back(statistics, c);
    go_to(0);
  }

  [[nodiscard]] std::size_t height() const { return size_.first; }
  [[nodiscard]] std::size_t width() const { return size_.second; }
  [[nodiscard]] std::size_t channels() const { return channels_; }
  [[nodiscard]] const std::vector<level_scale>& scales() const { return scales_; }

  /// Bytes of the rows of the file that are held at once.
  [[nodiscard]] std::size_t held_bytes() const {
    return (source_.chunk() * 2 + resampler_.taps()) * source_.size().width * std::max(channels_, source_.size().channels) * sizeof(float) + source_.decoding_bytes();
  }

  /// The row that `next` begins with.
  void go_to(std::size_t row) {
    next_ = row;
    lines_.clear();
    source_.go_to(row < height() ? resampler_.first(row) : 0);
    first_line_ = source_.row();
  }

  /// Up to `count` further rows, [n, W, C].
  [[nodiscard]] image next(std::size_t count) {
    auto rows = read(count);
    scale_levels(rows, scales_);
    return rows;
  }

 private:
  image read(std::size_t count) {
    count = std::min(count, height() - next_);
    image rows = image::from_shape({count, width(), channels_});
    for (std::size_t y = 0; y < count; ++y, ++next_) {
      const std::size_t first = resampler_.first(next_);
      while (!lines_.empty() && first_line_ + lines_.front().shape(0) <= first) {
        first_line_ += lines_.front().shape(0);
        lines_.pop_front();
      }
      std::size_t end = first_line_;
      for (const auto& lines : lines_) end += lines.shape(0);
      while (end < first + resampler_.taps()) {
        lines_.push_back(with_channels(source_.next(), channels_));
        end += lines_.back().shape(0);
      }
      const auto line = [this](std::size_t i) {
        std::size_t begin = first_line_, k = 0;
        while (i >= begin + lines_[k].shape(0)) begin += lines_[k++].shape(0);
        return lines_[k].data() + (i - begin) * lines_[k].shape(1) * channels_;
      };
      resampler_.make(next_, line, rows.data() + y * width() * channels_);
    }
    return rows;
  }

  image_rows& source_;
  std::size_t channels_;
  std::pair<std::size_t, std::size_t> size_;
  row_resampler resampler_;
  std::vector<level_scale> scales_;
  std::deque<image> lines_;  ///< rows of the file from first_line_ on
  std::size_t first_line_ = 0, next_ = 0;
};

}  // namespace axonzoo
