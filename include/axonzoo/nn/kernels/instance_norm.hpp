#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <axonzoo/nn/kernels/batch_norm.hpp>
#include <axonzoo/nn/kernels/in_turns.hpp>
#include <axonzoo/nn/kernels/lanes.hpp>

namespace axonzoo::kernels {

/// What instance norm and leaky ReLU need of one image, per channel: z = scale (x - mean) + offset, y = max(z, slope z).
struct image_affine {
  const float *mean, *scale, *offset;
  float slope;  ///< from 0 to 1
};

/// Work(n) for each image: whole images to threads where that shares evenly, so that one pass finds in the cache what the pass
/// before it read; else one image after the other with its pixels shared out.
template <class Work>
void each_image(std::int64_t images, const Work& work) {
  const std::int64_t threads = free_threads();
  if (images % threads == 0 || images >= 4 * threads) {
    in_shares(images, 1, [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t n = from; n < to; ++n) work(n);
    });
  } else {
    for (std::int64_t n = 0; n < images; ++n) work(n);
  }
}

/// y = leaky ReLU of the affine x [pixels, C]. y may be x.
template <class Element>
void affine_leaky_relu(const Element* x, Element* y, std::int64_t pixels, std::int64_t channels, const image_affine& affine) {
  const channel_pattern pattern(pixels, channels);
  const std::int64_t period = pattern.period();
  const auto means = pattern.repeat(affine.mean), scales = pattern.repeat(affine.scale), offsets = pattern.repeat(affine.offset);
  const lanes slope = lanes::all(affine.slope);
  struct state {
    lanes mean, scale, offset;
  };
  const auto apply = [&](const Element* from, Element* to, std::int64_t periods) {
    sweep(
        periods, period, [&](std::int64_t j) { return state{lanes::load(&means[j]), lanes::load(&scales[j]), lanes::load(&offsets[j])}; },
        [&](state& s, std::int64_t i) {
          const lanes z = fma(lanes::load(from + i) - s.mean, s.scale, s.offset);
          max(z * slope, z).store(to + i);
        },
        [](std::int64_t, const state&) {});
  };
  pattern.each([&](std::int64_t, std::int64_t at, std::int64_t periods) { apply(x + at, y + at, periods); },
               [&](std::int64_t, std::int64_t at, std::int64_t n) {
                 auto rest = padded(x + at, n, means);
                 apply(rest.data(), rest.data(), 1);
                 std::copy(rest.begin(), rest.begin() + n, y + at);
               });
}

/// Sums over the pixels of dz and of dz (x - mean), where dz is dy through the leaky ReLU: [2, C].
template <class Element>
std::vector<double> leaky_gradient_sums(const Element* dy, const Element* x, std::int64_t pixels, std::int64_t channels,
                                        const image_affine& affine) {
  const channel_pattern pattern(pixels, channels);
  const std::int64_t period = pattern.period();
  const auto means = pattern.repeat(affine.mean), scales = pattern.repeat(affine.scale), offsets = pattern.repeat(affine.offset);
  const lanes slope = lanes::all(affine.slope), rest_of_one = lanes::all(1 - affine.slope);
  std::vector<float> partial(static_cast<std::size_t>(pattern.chunks() * 2 * period));
  struct state {
    lanes mean, scale, offset, sum, product;
  };
  const auto add = [&](std::int64_t chunk, const Element* dy_from, const Element* x_from, std::int64_t periods) {
    float* const sum = partial.data() + chunk * 2 * period;
    float* const product = sum + period;
    sweep(
        periods, period,
        [&](std::int64_t j) {
          return state{lanes::load(&means[j]), lanes::load(&scales[j]), lanes::load(&offsets[j]), lanes::load(sum + j), lanes::load(product + j)};
        },
        [&](state& s, std::int64_t i) {
          const lanes centred = lanes::load(x_from + i) - s.mean, g = lanes::load(dy_from + i);
          const lanes dz = fma(g, slope, where_positive(fma(centred, s.scale, s.offset), g * rest_of_one));
          s.sum = s.sum + dz;
          s.product = fma(dz, centred, s.product);
        },
        [&](std::int64_t j, const state& s) {
          s.sum.store(sum + j);
          s.product.store(product + j);
        });
  };
  const std::vector<float> zeros(static_cast<std::size_t>(period));
  pattern.each([&](std::int64_t chunk, std::int64_t at, std::int64_t periods) { add(chunk, dy + at, x + at, periods); },
               [&](std::int64_t chunk, std::int64_t at, std::int64_t n) {
                 add(chunk, padded(dy + at, n, zeros).data(), padded(x + at, n, means).data(), 1);
               });
  return pattern.fold(partial, 2);
}

/// dx = scale dz + tilt (x - mean) + constant per channel, with dz as in leaky_gradient_sums.
template <class Element>
void affine_leaky_relu_backward(const Element* dy, const Element* x, Element* dx, std::int64_t pixels, std::int64_t channels,
                                const image_affine& affine, const float* tilt, const float* constant) {
  const channel_pattern pattern(pixels, channels);
  const std::int64_t period = pattern.period();
  const auto means = pattern.repeat(affine.mean), scales = pattern.repeat(affine.scale), offsets = pattern.repeat(affine.offset),
             tilts = pattern.repeat(tilt), constants = pattern.repeat(constant);
  const lanes slope = lanes::all(affine.slope), rest_of_one = lanes::all(1 - affine.slope);
  struct state {
    lanes mean, scale, offset, tilt, constant;
  };
  const auto apply = [&](const Element* dy_from, const Element* x_from, Element* to, std::int64_t periods) {
    sweep(
        periods, period,
        [&](std::int64_t j) {
          return state{lanes::load(&means[j]), lanes::load(&scales[j]), lanes::load(&offsets[j]), lanes::load(&tilts[j]),
                       lanes::load(&constants[j])};
        },
        [&](state& s, std::int64_t i) {
          const lanes centred = lanes::load(x_from + i) - s.mean, g = lanes::load(dy_from + i);
          const lanes dz = fma(g, slope, where_positive(fma(centred, s.scale, s.offset), g * rest_of_one));
          fma(dz, s.scale, fma(centred, s.tilt, s.constant)).store(to + i);
        },
        [](std::int64_t, const state&) {});
  };
  pattern.each([&](std::int64_t, std::int64_t at, std::int64_t periods) { apply(dy + at, x + at, dx + at, periods); },
               [&](std::int64_t, std::int64_t at, std::int64_t n) {
                 auto rest = padded(dy + at, n, means);
                 apply(rest.data(), padded(x + at, n, means).data(), rest.data(), 1);
                 std::copy(rest.begin(), rest.begin() + n, dx + at);
               });
}

}  // namespace axonzoo::kernels
