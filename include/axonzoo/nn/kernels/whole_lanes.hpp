#pragma once

#include <cstdint>
#include <cstring>

#include <axonzoo/nn/kernels/lanes.hpp>
#include <axonzoo/nn/kernels/vector.hpp>

namespace axonzoo::kernels {

/// Sixteen 16-bit whole numbers that are worked on together; sums wrap.
struct short_lanes {
  static constexpr std::int64_t width = 16;
  using sixteen [[gnu::vector_size(32)]] = std::int16_t;

  sixteen v;

  static short_lanes all(std::int16_t x) { return {x - sixteen{}}; }
  static short_lanes load(const std::int16_t* p) { return load(p, width); }
  /// The first n, zeros after.
  static short_lanes load(const std::int16_t* p, std::int64_t n) {
    short_lanes all{};
    with_bytes(n, [&](std::size_t bytes) __attribute__((always_inline)) { std::memcpy(&all.v, p, bytes); });
    return all;
  }
  void store(std::int16_t* p) const { store(p, width); }
  void store(std::int16_t* p, std::int64_t n) const {
    with_bytes(n, [&](std::size_t bytes) __attribute__((always_inline)) { std::memcpy(p, &v, bytes); });
  }

  friend short_lanes operator+(const short_lanes& a, const short_lanes& b) { return {a.v + b.v}; }
  friend short_lanes operator-(const short_lanes& a, const short_lanes& b) { return {a.v - b.v}; }

 private:
  /// Whole and half registers move in one instruction.
  template <class Move>
  [[gnu::always_inline]] static void with_bytes(std::int64_t n, const Move& move) {
    if (n == width) return move(32);
    if (n == 8) return move(16);
    move(static_cast<std::size_t>(n) * sizeof(std::int16_t));
  }
};

#if defined(AXONZOO_VECTORS)

/// Sixteen 32-bit whole numbers.
struct whole_lanes {
  __m256i low, high;

  static whole_lanes load(const std::int32_t* p) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)), _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 8))};
  }
  /// Rounded to the nearest.
  [[nodiscard]] lanes floats() const {
    lanes all;
    const __m256 both[2] = {_mm256_cvtepi32_ps(low), _mm256_cvtepi32_ps(high)};
    static_assert(sizeof all == sizeof both);
    std::memcpy(&all, both, sizeof all);
    return all;
  }
  friend whole_lanes operator+(const whole_lanes& a, const whole_lanes& b) { return {_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high)}; }
  friend whole_lanes operator-(const whole_lanes& a, const whole_lanes& b) { return {_mm256_sub_epi32(a.low, b.low), _mm256_sub_epi32(a.high, b.high)}; }
};

#endif

}  // namespace axonzoo::kernels
