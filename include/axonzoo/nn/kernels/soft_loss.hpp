#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <axonzoo/nn/kernels/elementary.hpp>
#include <axonzoo/nn/kernels/in_turns.hpp>

namespace axonzoo::kernels {

/// Where the logits of pixel p and class k of an image stand: image + p pixel_stride + k class_stride.
struct logit_layout {
  std::int64_t images, classes, pixels, pixel_stride, class_stride;

  /// Pixels that are worked on at once, and those whose sums are kept apart: the sums do not depend on the threads.
  static constexpr std::int64_t block = 128, chunk = 32 * block;

  [[nodiscard]] std::int64_t chunks() const { return (pixels + chunk - 1) / chunk; }

  /// work(image, chunk in the image) in parallel.
  template <class Work>
  void each_chunk(const Work& work) const {
    in_shares(images * chunks(), 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) work(i / chunks(), i % chunks());
    });
  }
};

/// Softmax over the classes of up to a block of pixels, in fp32.
class softmax_block {
 public:
  explicit softmax_block(const logit_layout& layout) : layout_(layout), p_(layout.classes * logit_layout::block) {}

  /// Probabilities of class k, one a pixel.
  float* operator[](std::int64_t k) { return p_.data() + k * logit_layout::block; }

  /// Computes the probabilities of `n` pixels whose first logit is at z; `sum` over the pixels of log sum exp(z - z of label).
  template <class Element>
  float compute(const Element* z, const std::uint8_t* labels, std::int64_t n) {
    load(z, n);
    float largest[logit_layout::block], total[logit_layout::block], own[logit_layout::block];
    std::fill_n(total, n, 0.0F);
    std::fill_n(own, n, 0.0F);
    std::copy_n((*this)[0], n, largest);
    for (std::int64_t k = 1; k < layout_.classes; ++k) {
      const float* p = (*this)[k];
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) largest[i] = p[i] > largest[i] ? p[i] : largest[i];
    }
    for (std::int64_t k = 0; k < layout_.classes; ++k) {
      float* p = (*this)[k];
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) {
        const float below = p[i] - largest[i];
        own[i] = labels[i] == k ? below : own[i];
        p[i] = exp_of_negative(below);
        total[i] += p[i];
      }
    }
    float entropy = 0;
#pragma omp simd reduction(+ : entropy)
    for (std::int64_t i = 0; i < n; ++i) {
      entropy += log_of_normal(total[i]) - own[i];
      total[i] = 1 / total[i];
    }
    for (std::int64_t k = 0; k < layout_.classes; ++k) {
      float* p = (*this)[k];
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) p[i] *= total[i];
    }
    return entropy;
  }

  /// Writes what stands in the place of the probabilities to where logits of that layout are.
  template <class Element>
  void store(Element* z, std::int64_t n) {
    with_classes([&](auto classes) {
      for (std::int64_t i = 0; i < n; ++i)
        for (std::int64_t k = 0; k < classes; ++k) z[i * classes + k] = static_cast<Element>((*this)[k][i]);
    });
    if (layout_.pixel_stride > 1) return;
    for (std::int64_t k = 0; k < layout_.classes; ++k) {
      const float* p = (*this)[k];
      for (std::int64_t i = 0; i < n; ++i) z[k * layout_.class_stride + i] = static_cast<Element>(p[i]);
    }
  }

 private:
  template <class Element>
  void load(const Element* z, std::int64_t n) {
    with_classes([&](auto classes) {
      for (std::int64_t i = 0; i < n; ++i)
        for (std::int64_t k = 0; k < classes; ++k) (*this)[k][i] = static_cast<float>(z[i * classes + k]);
    });
    if (layout_.pixel_stride > 1) return;
    for (std::int64_t k = 0; k < layout_.classes; ++k) {
      float* p = (*this)[k];
      for (std::int64_t i = 0; i < n; ++i) p[i] = static_cast<float>(z[k * layout_.class_stride + i]);
    }
  }

  /// Where the classes are interleaved: work(number of classes), a constant for the usual numbers.
  template <class Work>
  void with_classes(const Work& work) const {
    if (layout_.pixel_stride == 1) return;
    if (layout_.classes == 2) return work(std::integral_constant<std::int64_t, 2>{});
    if (layout_.classes == 3) return work(std::integral_constant<std::int64_t, 3>{});
    work(layout_.classes);
  }

  logit_layout layout_;
  std::vector<float> p_;
};

/// What the loss of one image is made of: the sum of cross entropies, and for each class the sums of p g, of p and of g.
struct soft_sums {
  double entropy = 0;
  std::vector<double> both, predicted, labelled;

  explicit soft_sums(std::int64_t classes) : both(classes), predicted(classes), labelled(classes) {}
  void add(const soft_sums& other) {
    entropy += other.entropy;
    for (std::size_t k = 0; k < both.size(); ++k) {
      both[k] += other.both[k];
      predicted[k] += other.predicted[k];
      labelled[k] += other.labelled[k];
    }
  }
};

template <class Element>
std::vector<soft_sums> soft_loss_sums(const Element* logits, const std::uint8_t* labels, const logit_layout& layout) {
  std::vector<soft_sums> partial(layout.images * layout.chunks(), soft_sums(layout.classes));
  layout.each_chunk([&](std::int64_t image, std::int64_t chunk) {
    softmax_block p(layout);
    soft_sums& sums = partial[image * layout.chunks() + chunk];
    const std::int64_t end = std::min(layout.pixels, (chunk + 1) * logit_layout::chunk);
    for (std::int64_t at = chunk * logit_layout::chunk; at < end; at += logit_layout::block) {
      const std::int64_t n = std::min(logit_layout::block, end - at);
      const std::uint8_t* truth = labels + image * layout.pixels + at;
      const Element* z = logits + image * layout.pixels * layout.classes + at * layout.pixel_stride;
      sums.entropy += static_cast<double>(p.compute(z, truth, n));
      for (std::int64_t k = 0; k < layout.classes; ++k) {
        const float* q = p[k];
        float both = 0, predicted = 0;
        std::int32_t labelled = 0;
#pragma omp simd reduction(+ : both, predicted, labelled)
        for (std::int64_t i = 0; i < n; ++i) {
          const bool hit = truth[i] == k;
          both += hit ? q[i] : 0.0F;
          predicted += q[i];
          labelled += hit ? 1 : 0;
        }
        sums.both[k] += static_cast<double>(both);
        sums.predicted[k] += static_cast<double>(predicted);
        sums.labelled[k] += labelled;
      }
    }
  });
  std::vector<soft_sums> total(layout.images, soft_sums(layout.classes));
  for (std::size_t i = 0; i < partial.size(); ++i) total[i / layout.chunks()].add(partial[i]);
  return total;
}

/// The gradient with respect to the logits, where the loss has the derivative `entropy` by the sum of cross entropies, and by the
/// probability of class k of image n always[n K + k], with hit[n K + k] more where k is the label.
template <class Element>
void soft_loss_backward(const Element* logits, const std::uint8_t* labels, Element* gradient, const logit_layout& layout,
                        float entropy, const std::vector<float>& always, const std::vector<float>& hit) {
  layout.each_chunk([&](std::int64_t image, std::int64_t chunk) {
    softmax_block p(layout);
    const float* weight = always.data() + image * layout.classes;
    const float* more = hit.data() + image * layout.classes;
    const std::int64_t end = std::min(layout.pixels, (chunk + 1) * logit_layout::chunk);
    for (std::int64_t at = chunk * logit_layout::chunk; at < end; at += logit_layout::block) {
      const std::int64_t n = std::min(logit_layout::block, end - at);
      const std::uint8_t* truth = labels + image * layout.pixels + at;
      const std::int64_t offset = image * layout.pixels * layout.classes + at * layout.pixel_stride;
      p.compute(logits + offset, truth, n);
      float mean[logit_layout::block] = {};
      for (std::int64_t k = 0; k < layout.classes; ++k) {
        const float* q = p[k];
        const float other = weight[k], own = weight[k] + more[k];
#pragma omp simd
        for (std::int64_t i = 0; i < n; ++i) mean[i] += q[i] * (truth[i] == k ? own : other);
      }
      for (std::int64_t k = 0; k < layout.classes; ++k) {
        float* q = p[k];
        const float share = entropy, other = weight[k] + share, own = other + more[k];
#pragma omp simd
        for (std::int64_t i = 0; i < n; ++i) {
          q[i] *= (truth[i] == k ? own : other) - mean[i];
          q[i] -= truth[i] == k ? share : 0.0F;
        }
      }
      p.store(gradient + offset, n);
    }
  });
}

}  // namespace axonzoo::kernels
