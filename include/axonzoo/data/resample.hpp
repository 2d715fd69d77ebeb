#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>

namespace axonzoo {

/// Height and width that make pixels of `target` um out of h x w pixels of `pixel_size` um; unchanged where target is 0.
/// Throws axonzoo::error when a size is not positive or the result would pass `most` pixels.
inline std::pair<std::size_t, std::size_t> size_at(std::size_t h, std::size_t w, double pixel_size, double target, double most = 5e8) {
  if (target == 0) return {h, w};
  const auto doing = "cannot resample " + std::to_string(h) + " x " + std::to_string(w) + " pixels of " +
                     std::to_string(pixel_size) + " um to " + std::to_string(target) + " um";
  if (!(pixel_size > 0) || !(target > 0) || !std::isfinite(pixel_size) || !std::isfinite(target))
    throw error(doing, "a pixel size must be a positive number", "check the sidecar and --pixel-size");
  const auto height = std::max(1.0, std::round(static_cast<double>(h) * pixel_size / target));
  const auto width = std::max(1.0, std::round(static_cast<double>(w) * pixel_size / target));
  if (height * width > most)
    throw error(doing, "the result would have more than " + std::to_string(static_cast<long long>(most / 1e6)) + " million pixels",
                "check the units of the pixel size");
  return {static_cast<std::size_t>(height), static_cast<std::size_t>(width)};
}

namespace detail {

/// The input samples and weights of each output sample along one axis.
struct resampling_taps {
  std::vector<std::size_t> first;  ///< first input sample of each output sample
  std::vector<float> weight;       ///< [outputs, taps], each row sums to 1
  std::size_t taps = 1;
};

/// Down: each output sample is the mean over the interval it covers, partly covered samples by their share, exact for any
/// ratio. Up: Catmull-Rom cubic (Keys 1981, a = -1/2), edges repeated.
inline resampling_taps make_taps(std::size_t in, std::size_t out) {
  const double ratio = static_cast<double>(in) / static_cast<double>(out);
  resampling_taps made;
  made.first.resize(out);
  made.taps = std::min(in, out == in ? std::size_t{1} : out < in ? static_cast<std::size_t>(std::ceil(ratio)) + 1 : std::size_t{4});
  made.weight.assign(out * made.taps, 0.f);
  const auto add = [&](std::size_t o, std::ptrdiff_t sample, double weight) {
    const auto clamped = std::clamp<std::ptrdiff_t>(sample, 0, static_cast<std::ptrdiff_t>(in) - 1);
    made.weight[o * made.taps + (static_cast<std::size_t>(clamped) - made.first[o])] += static_cast<float>(weight);
  };
  const auto last_first = static_cast<std::ptrdiff_t>(in - made.taps);
  for (std::size_t o = 0; o < out; ++o) {
    if (out == in) {
      made.first[o] = o;
      made.weight[o] = 1.f;
    } else if (out < in) {
      const double from = static_cast<double>(o) * ratio, to = static_cast<double>(o + 1) * ratio;
      const auto begin = static_cast<std::ptrdiff_t>(from);
      const auto end = std::min(static_cast<std::ptrdiff_t>(std::ceil(to)), static_cast<std::ptrdiff_t>(in));
      made.first[o] = static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(begin, 0, last_first));
      for (auto i = begin; i < end; ++i) {
        const double covered = std::min(to, static_cast<double>(i + 1)) - std::max(from, static_cast<double>(i));
        // A rounding error can name a sample of weight 1e-16 just past the taps.
        if (covered > 1e-9 * ratio) add(o, i, covered / ratio);
      }
    } else {
      const double centre = (static_cast<double>(o) + 0.5) * ratio - 0.5;
      const auto base = static_cast<std::ptrdiff_t>(std::floor(centre));
      const double t = centre - static_cast<double>(base);
      made.first[o] = static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(base - 1, 0, last_first));
      add(o, base - 1, ((-0.5 * t + 1) * t - 0.5) * t);
      add(o, base, (1.5 * t - 2.5) * t * t + 1);
      add(o, base + 1, ((-1.5 * t + 2) * t + 0.5) * t);
      add(o, base + 2, (0.5 * t - 0.5) * t * t);
    }
  }
  return made;
}

}  // namespace detail

/// Rows of an image at another size, each made from a few rows of the original: what `resample` does, for images that do not fit
/// into memory.
class row_resampler {
 public:
  /// From rows x columns to height x width. Throws axonzoo::error for an empty image or size.
  row_resampler(std::size_t rows, std::size_t columns, std::size_t channels, std::size_t height, std::size_t width)
      : channels_(channels), width_(width) {
    if (rows == 0 || columns == 0 || channels == 0 || height == 0 || width == 0)
      throw error("cannot resample an image", "it has no pixels", "give an image and a size of at least one pixel");
    down_ = detail::make_taps(rows, height);
    across_ = detail::make_taps(columns, width);
    row_.resize(columns * channels);
  }

  /// Row y of the result is made from rows [first(y), first(y) + taps()) of the original.
  [[nodiscard]] std::size_t first(std::size_t y) const { return down_.first[y]; }
  [[nodiscard]] std::size_t taps() const { return down_.taps; }

  /// Writes row y, [W, C], to `target`; `source(i)` points to row i of the original.
  template <class Source>
  void make(std::size_t y, const Source& source, float* target) {
    const float* weights = down_.weight.data() + y * down_.taps;
    const float* line = source(first(y));
    for (std::size_t i = 0; i < row_.size(); ++i) row_[i] = weights[0] * line[i];
    for (std::size_t k = 1; k < down_.taps; ++k) {
      if (weights[k] == 0) continue;
      line = source(first(y) + k);
      for (std::size_t i = 0; i < row_.size(); ++i) row_[i] += weights[k] * line[i];
    }
    for (std::size_t x = 0; x < width_; ++x) {
      const float* share = across_.weight.data() + x * across_.taps;
      const float* samples = row_.data() + across_.first[x] * channels_;
      for (std::size_t c = 0; c < channels_; ++c) {
        float sum = 0;
        for (std::size_t k = 0; k < across_.taps; ++k) sum += share[k] * samples[k * channels_ + c];
        target[x * channels_ + c] = sum;
      }
    }
  }

 private:
  std::size_t channels_, width_;
  detail::resampling_taps down_, across_;
  std::vector<float> row_;
};

/// Pixels [H, W, C] at another size, each axis by itself: area mean where it shrinks, Catmull-Rom where it grows (which may
/// pass the input's range by a few per cent at edges), a copy where it stays. Throws axonzoo::error for an empty image or size.
inline image resample(const image& from, std::size_t height, std::size_t width) {
  const std::size_t stride = from.shape(1) * from.shape(2);
  row_resampler rows(from.shape(0), from.shape(1), from.shape(2), height, width);
  image to = image::from_shape({height, width, from.shape(2)});
  for (std::size_t y = 0; y < height; ++y)
    rows.make(y, [&](std::size_t i) { return from.data() + i * stride; }, to.data() + y * width * from.shape(2));
  return to;
}

/// Labels [H, W] at another size by nearest neighbour: the class under each output pixel's centre.
inline label_image resample_labels(const label_image& from, std::size_t height, std::size_t width) {
  if (from.size() == 0 || height == 0 || width == 0)
    throw error("cannot resample a mask", "it has no pixels", "give a mask and a size of at least one pixel");
  const auto nearest = [](std::size_t in, std::size_t out) {
    std::vector<std::size_t> index(out);
    for (std::size_t o = 0; o < out; ++o) index[o] = std::min(in - 1, (2 * o + 1) * in / (2 * out));
    return index;
  };
  const auto rows = nearest(from.shape(0), height), columns = nearest(from.shape(1), width);
  label_image to = label_image::from_shape({height, width});
  for (std::size_t y = 0; y < height; ++y) {
    const auto* source = from.data() + rows[y] * from.shape(1);
    auto* target = to.data() + y * width;
    for (std::size_t x = 0; x < width; ++x) target[x] = source[columns[x]];
  }
  return to;
}

}  // namespace axonzoo
