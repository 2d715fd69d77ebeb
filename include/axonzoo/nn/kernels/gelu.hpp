#pragma once

#include <algorithm>
#include <cstdint>

#include <axonzoo/nn/kernels/each_lanes.hpp>
#include <axonzoo/nn/kernels/exponential.hpp>
#include <axonzoo/nn/kernels/in_turns.hpp>
#include <axonzoo/nn/kernels/lanes.hpp>

#if defined(AXONZOO_VECTORS)

namespace axonzoo::kernels {

/// The normal distribution at x, in the accuracy of T: its density, and its distribution function, of float to 8e-8 (Abramowitz and Stegun 1964, 7.1.26).
template <class T>
struct normal_at {
  lanes density, below;

  [[gnu::always_inline]] explicit normal_at(lanes x) {
    const lanes zero = lanes::all(0.0F), one = lanes::all(1.0F), size = max(x, zero - x);
    const lanes bell = power_of_two<T>(x * x * lanes::all(-0.5F * 1.44269504F));
    const lanes t = one / fma(size, lanes::all(0.3275911F * 0.70710678F), one);
    lanes tail = lanes::all(1.061405429F / 2);
    tail = fma(tail, t, lanes::all(-1.453152027F / 2));
    tail = fma(tail, t, lanes::all(1.421413741F / 2));
    tail = fma(tail, t, lanes::all(-0.284496736F / 2));
    tail = fma(tail, t, lanes::all(0.254829592F / 2));
    tail = tail * t * bell;
    density = bell * lanes::all(0.39894228F);
    below = tail + where_positive(x, fma(tail, lanes::all(-2.0F), one));
  }
};

template <class T>
[[gnu::always_inline]] inline lanes gelu(lanes x) {
  return x * normal_at<T>(x).below;
}

/// dy times the derivative of GELU at x.
template <class T>
[[gnu::always_inline]] inline lanes gelu_backward(lanes dy, lanes x) {
  const normal_at<T> normal(x);
  return dy * fma(x, normal.density, normal.below);
}

/// work(i, n) over [0, count), shared by threads: as each_lanes does.
template <class Work>
void each_lanes_in_turns(std::int64_t count, const Work& work) {
  constexpr std::int64_t piece = 1 << 15;
  in_turns((count + piece - 1) / piece, 1, [&](std::int64_t begin, std::int64_t end) { each_lanes(begin * piece, std::min(end * piece, count), work); });
}

/// y may be x.
template <class Element>
void gelu(const Element* x, Element* y, std::int64_t count) {
  each_lanes_in_turns(count, [&](std::int64_t i, auto n) { store_lanes(gelu<Element>(load_lanes(x + i, n)), y + i, n); });
}

template <class Element>
void gelu_backward(const Element* dy, const Element* x, Element* dx, std::int64_t count) {
  each_lanes_in_turns(count, [&](std::int64_t i, auto n) { store_lanes(gelu_backward<Element>(load_lanes(dy + i, n), load_lanes(x + i, n)), dx + i, n); });
}

}  // namespace axonzoo::kernels

#endif
