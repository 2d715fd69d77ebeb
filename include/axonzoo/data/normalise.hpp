#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <axonzoo/core/image.hpp>

namespace axonzoo {

/// Means and standard deviations of the channels of an image whose rows come in parts, from top to bottom and twice. Sums run in
/// the order of the pixels, so that they are the same numbers however the image is cut.
class level_statistics {
 public:
  explicit level_statistics(std::size_t channels) : sums_(channels), squares_(channels) {}

  /// Further rows [n, W, C], first time.
  void add(const image& rows) {
    const std::size_t channels = sums_.size(), count = rows.shape(0) * rows.shape(1);
    for (std::size_t c = 0; c < channels; ++c) {
      double sum = sums_[c];
      for (std::size_t i = 0; i < count; ++i) sum += static_cast<double>(rows.data()[i * channels + c]);
      sums_[c] = sum;
    }
    count_ += count;
  }

  /// The same rows a second time.
  void add_again(const image& rows) {
    const std::size_t channels = sums_.size(), count = rows.shape(0) * rows.shape(1);
    for (std::size_t c = 0; c < channels; ++c) {
      const double mean = this->mean(c);
      double squares = squares_[c];  // about the mean: E[x^2] - mean^2 would cancel for 16-bit levels
      for (std::size_t i = 0; i < count; ++i) {
        const double off = static_cast<double>(rows.data()[i * channels + c]) - mean;
        squares += off * off;
      }
      squares_[c] = squares;
    }
  }

  [[nodiscard]] double mean(std::size_t c) const { return count_ != 0 ? sums_[c] / static_cast<double>(count_) : 0; }
  [[nodiscard]] double deviation(std::size_t c) const { return count_ != 0 ? std::sqrt(squares_[c] / static_cast<double>(count_)) : 0; }

 private:
  std::vector<double> sums_, squares_;
  std::uint64_t count_ = 0;
};

/// What brings a channel to mean 0 and standard deviation 1.
struct level_scale {
  double mean = 0, scale = 0;

  level_scale() = default;
  level_scale(const level_statistics& of, std::size_t c)
      : mean(of.mean(c)),
        // Below the resolution of float the differences are rounding, not signal.
        scale(of.deviation(c) > 1e-7 * std::abs(of.mean(c)) ? 1 / of.deviation(c) : 0) {}
};

/// Scales rows [n, W, C] in place, one `level_scale` a channel.
inline void scale_levels(image& rows, const std::vector<level_scale>& scales) {
  const std::size_t channels = scales.size(), count = rows.shape(0) * rows.shape(1);
  for (std::size_t c = 0; c < channels; ++c)
    for (std::size_t i = 0; i < count; ++i) {
      auto& value = rows.data()[i * channels + c];
      value = static_cast<float>((static_cast<double>(value) - scales[c].mean) * scales[c].scale);
    }
}

/// Mean 0 and standard deviation 1 for each channel of the image [H, W, C], in place. A constant channel becomes zeros.
inline void z_score(image& pixels) {
  level_statistics statistics(pixels.shape(2));
  statistics.add(pixels);
  statistics.add_again(pixels);
  std::vector<level_scale> scales;
  for (std::size_t c = 0; c < pixels.shape(2); ++c) scales.emplace_back(statistics, c);
  scale_levels(pixels, scales);
}

}  // namespace axonzoo
