#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include <axonzoo/core/image.hpp>

namespace axonzoo {

/// The likeliest class of each pixel at the image's own size, row by row: probabilities of h x w px are interpolated between pixels'
/// centres first, so that outlines are finer than the network's pixels. Equal ones go to the lower class.
class row_labeller {
 public:
  row_labeller(std::size_t h, std::size_t w, std::size_t height, std::size_t width)
      : down_(make_taps(h, height)), across_(make_taps(w, width)), w_(w) {}

  /// Row y is made from rows first(y) and last(y) of the probabilities.
  [[nodiscard]] std::size_t first(std::size_t y) const { return down_[y].first; }
  [[nodiscard]] std::size_t last(std::size_t y) const { return down_[y].second; }

  /// Writes the labels of row y. `probabilities` [K, n, w] (fp32, CPU, contiguous) hold rows from `top` on.
  void label(std::size_t y, const at::Tensor& probabilities, std::size_t top, std::uint8_t* labels) {
    const auto classes = static_cast<std::size_t>(probabilities.size(0)), rows = static_cast<std::size_t>(probabilities.size(1));
    const float* const values = probabilities.const_data_ptr<float>();
    line_.resize(classes * w_);
    const auto [first, last, t] = down_[y];
    for (std::size_t k = 0; k < classes; ++k) {
      const float *above = values + (k * rows + first - top) * w_, *below = values + (k * rows + last - top) * w_;
      float* const line = line_.data() + k * w_;
      for (std::size_t x = 0; x < w_; ++x) line[x] = above[x] * (1 - t) + below[x] * t;
    }
    best_.resize(across_.size());
    for (std::size_t k = 0; k < classes; ++k) {
      const float* const line = line_.data() + k * w_;
      for (std::size_t x = 0; x < across_.size(); ++x) {
        const auto& [left, right, s] = across_[x];
        const float value = line[left] * (1 - s) + line[right] * s;
        if (k != 0 && !(value > best_[x])) continue;
        best_[x] = value;
        labels[x] = static_cast<std::uint8_t>(k);
      }
    }
  }

 private:
  struct tap {
    std::size_t first = 0, second = 0;
    float share = 0;  ///< of the second
  };

  static std::vector<tap> make_taps(std::size_t in, std::size_t out) {
    std::vector<tap> taps(out);
    const double ratio = static_cast<double>(in) / static_cast<double>(out);
    for (std::size_t o = 0; o < out; ++o) {
      const double centre = std::max(0.0, (static_cast<double>(o) + 0.5) * ratio - 0.5);
      taps[o].first = std::min(static_cast<std::size_t>(centre), in - 1);
      taps[o].second = std::min(taps[o].first + 1, in - 1);
      taps[o].share = in == out ? 0.f : static_cast<float>(centre - static_cast<double>(taps[o].first));
    }
    return taps;
  }

  std::vector<tap> down_, across_;
  std::size_t w_;
  std::vector<float> line_, best_;
};

/// The same of a whole image: probabilities [K, h, w].
inline label_image likeliest_labels(const at::Tensor& probabilities, std::size_t height, std::size_t width) {
  const auto whole = probabilities.contiguous();
  row_labeller rows(static_cast<std::size_t>(whole.size(1)), static_cast<std::size_t>(whole.size(2)), height, width);
  label_image labels = label_image::from_shape({height, width});
  for (std::size_t y = 0; y < height; ++y) rows.label(y, whole, 0, labels.data() + y * width);
  return labels;
}

}  // namespace axonzoo
