#pragma once

#include <cstdint>
#include <type_traits>

#include <axonzoo/nn/kernels/lanes.hpp>

namespace axonzoo::kernels {

/// A number of elements that is known to fill a register.
using whole_register = std::integral_constant<std::int64_t, lanes::width>;

/// work(i, n) over [begin, end): n elements from i on, a `whole_register` but at the end.
template <class Work>
[[gnu::always_inline]] inline void each_lanes(std::int64_t begin, std::int64_t end, const Work& work) {
  std::int64_t i = begin;
  for (; i + lanes::width <= end; i += lanes::width) work(i, whole_register());
  if (i < end) work(i, end - i);
}

template <class Lanes = lanes, class T>
[[gnu::always_inline]] inline Lanes load_lanes(const T* p, whole_register) {
  return Lanes::load(p);
}
/// The first n, zeros after.
template <class Lanes = lanes, class T>
[[gnu::always_inline]] inline Lanes load_lanes(const T* p, std::int64_t n) {
  return Lanes::load(p, n);
}

template <class Lanes, class T>
[[gnu::always_inline]] inline void store_lanes(const Lanes& value, T* p, whole_register) {
  value.store(p);
}
template <class Lanes, class T>
[[gnu::always_inline]] inline void store_lanes(const Lanes& value, T* p, std::int64_t n) {
  value.store(p, n);
}

}  // namespace axonzoo::kernels
