#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include <axonzoo/nn/kernels/in_turns.hpp>
#include <axonzoo/nn/kernels/lanes.hpp>

namespace axonzoo::kernels {

/// Rows of C channels as one flat array in which the channels repeat with a period of lcm(C, 16): whole vectors for any C.
/// It is cut into chunks that depend on its size alone, so that sums are the same for any number of threads.
class channel_pattern {
 public:
  channel_pattern(std::int64_t rows, std::int64_t channels)
      : channels_(channels),
        period_(std::lcm(channels, lanes::width)),
        periods_(rows * channels / period_),
        tail_(rows * channels % period_),
        chunk_(std::max<std::int64_t>(16, 32768 / period_)) {}

  [[nodiscard]] std::int64_t period() const { return period_; }
  /// The last chunk is what is left of the array after whole periods; it may be empty.
  [[nodiscard]] std::int64_t chunks() const { return (periods_ + chunk_ - 1) / chunk_ + 1; }

  /// Numbers per channel, repeated to a period.
  [[nodiscard]] std::vector<float> repeat(const float* per_channel) const {
    std::vector<float> repeated(period_);
    for (std::int64_t i = 0; i < period_; ++i) repeated[i] = per_channel[i % channels_];
    return repeated;
  }

  /// work(chunk, first element, periods) in parallel, and at last rest(chunk, first element, elements) for what is left.
  template <class Work, class Rest>
  void each(const Work& work, const Rest& rest) const {
    in_shares(chunks() - 1, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        work(i, i * chunk_ * period_, std::min(chunk_, periods_ - i * chunk_));
      }
    });
    if (tail_ > 0) rest(chunks() - 1, periods_ * period_, tail_);
  }

  /// Adds partial sums [chunks, width, period] up to [width, channels].
  [[nodiscard]] std::vector<double> fold(const std::vector<float>& partial, std::int64_t width) const {
    std::vector<double> total(width * channels_);
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(partial.size()); i += period_) {
      double* to = total.data() + i / period_ % width * channels_;
      for (std::int64_t j = 0; j < period_; j += channels_)
        for (std::int64_t c = 0; c < channels_; ++c) to[c] += partial[i + j + c];
    }
    return total;
  }

 private:
  std::int64_t channels_, period_, periods_, tail_, chunk_;
};

/// Calls step(element, lane of the period) for each vector of `periods` periods, four periods abreast: the numbers per channel
/// are loaded once for four. begin(lane) gives what the four share, end(lane, shared) puts it away.
template <class Begin, class Step, class End>
inline void sweep(std::int64_t periods, std::int64_t period, const Begin& begin, const Step& step, const End& end) {
  std::int64_t p = 0;
  for (; p + 4 <= periods; p += 4) {
    for (std::int64_t j = 0; j < period; j += lanes::width) {
      auto shared = begin(j);
      const std::int64_t i = p * period + j;
      step(shared, i);
      step(shared, i + period);
      step(shared, i + 2 * period);
      step(shared, i + 3 * period);
      end(j, shared);
    }
  }
  for (; p < periods; ++p) {
    for (std::int64_t j = 0; j < period; j += lanes::width) {
      auto shared = begin(j);
      step(shared, p * period + j);
      end(j, shared);
    }
  }
}

/// The first n elements at `from`, filled up to a period with `filling` (a period itself).
template <class Element>
std::vector<Element> padded(const Element* from, std::int64_t n, const std::vector<float>& filling) {
  std::vector<Element> whole(filling.begin(), filling.end());
  std::copy(from, from + n, whole.begin());
  return whole;
}

}  // namespace axonzoo::kernels
