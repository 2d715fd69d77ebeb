#pragma once

#include <cmath>
#include <cstdint>

#include <axonzoo/nn/kernels/vector.hpp>

#if !defined(AXONZOO_VECTORS)

namespace axonzoo::kernels {

/// lanes.hpp, for the compiler to vectorise.
struct lanes {
  static constexpr std::int64_t width = 16;

  float v[width];
  struct mask {
    std::int32_t v[width];
  };

  static lanes all(float x) {
    return make([&](int) { return x; });
  }
  template <class Element>
  static lanes load(const Element* p) {
    return make([&](int i) { return static_cast<float>(p[i]); });
  }
  /// The first n, zeros after.
  template <class Element>
  static lanes load(const Element* p, std::int64_t n) {
    return make([&](int i) { return i < n ? static_cast<float>(p[i]) : 0.0F; });
  }
  template <class Element>
  void store(Element* p) const {
    for (int i = 0; i < width; ++i) p[i] = static_cast<Element>(v[i]);
  }
  template <class Element>
  void store(Element* p, std::int64_t n) const {
    for (int i = 0; i < n; ++i) p[i] = static_cast<Element>(v[i]);
  }

  friend lanes operator+(const lanes& a, const lanes& b) {
    return make([&](int i) { return a.v[i] + b.v[i]; });
  }
  friend lanes operator-(const lanes& a, const lanes& b) {
    return make([&](int i) { return a.v[i] - b.v[i]; });
  }
  friend lanes operator*(const lanes& a, const lanes& b) {
    return make([&](int i) { return a.v[i] * b.v[i]; });
  }
  friend lanes operator/(const lanes& a, const lanes& b) {
    return make([&](int i) { return a.v[i] / b.v[i]; });
  }
  /// a b + c
  friend lanes fma(const lanes& a, const lanes& b, const lanes& c) {
    return make([&](int i) { return a.v[i] * b.v[i] + c.v[i]; });
  }
  /// The larger; b where either is not a number.
  friend lanes max(const lanes& a, const lanes& b) {
    return make([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
  }
  /// a where x > 0, else 0.
  friend lanes where_positive(const lanes& x, const lanes& a) {
    return make([&](int i) { return x.v[i] > 0 ? a.v[i] : 0.0F; });
  }
  friend mask equal(const lanes& a, const lanes& b) {
    return make_mask([&](int i) { return a.v[i] == b.v[i]; });
  }
  /// Where a > b or a is not a number.
  friend mask beats(const lanes& a, const lanes& b) {
    return make_mask([&](int i) { return a.v[i] > b.v[i] || a.v[i] != a.v[i]; });
  }
  /// a where m, else b.
  static lanes select(const mask& m, const lanes& a, const lanes& b) {
    return make([&](int i) { return m.v[i] != 0 ? a.v[i] : b.v[i]; });
  }
  friend lanes sqrt(const lanes& a) {
    return make([&](int i) { return std::sqrt(a.v[i]); });
  }
  friend float sum(const lanes& a) {
    float total = 0;
    for (const float x : a.v) total += x;
    return total;
  }

 private:
  template <class Function>
  static lanes make(const Function& element) {
    lanes result;
    for (int i = 0; i < width; ++i) result.v[i] = element(i);
    return result;
  }
  template <class Predicate>
  static mask make_mask(const Predicate& holds) {
    mask result;
    for (int i = 0; i < width; ++i) result.v[i] = holds(i) ? 1 : 0;
    return result;
  }
};

}  // namespace axonzoo::kernels

#endif
