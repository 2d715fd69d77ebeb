#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <axonzoo/core/normal_quantile.hpp>

namespace axonzoo {

namespace detail {

__extension__ using uint128 = unsigned __int128;

}  // namespace detail

/// Random numbers as a pure function of a seed, of up to three numbers that name the stream (say epoch, sample, purpose) and of
/// how many were drawn: the same on every machine, compiler and number of threads. Streams that differ in any of the four
/// numbers are independent. Philox4x64-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
class random_stream {
 public:
  explicit random_stream(std::uint64_t seed, std::uint64_t a = 0, std::uint64_t b = 0, std::uint64_t c = 0)
      : key_{seed, a}, counter_{0, b, c, 0} {}

  /// 64 random bits.
  std::uint64_t bits() {
    if (used_ == block_.size()) {
      block_ = philox(counter_, key_);
      ++counter_[0];
      used_ = 0;
    }
    return block_[used_++];
  }

  /// In [0, 1), a multiple of 2^-53.
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }

  /// In [low, high].
  double uniform(double low, double high) { return __builtin_fma(high - low, uniform(), low); }

  /// Mean 0, standard deviation 1.
  double normal() { return normal_quantile((static_cast<double>(bits() >> 12) + 0.5) * 0x1p-52); }

  /// In 0 .. n - 1, without bias; n is at least 1 (Lemire, "Fast random integer generation in an interval", 2019).
  std::int64_t below(std::int64_t n) {
    const auto range = static_cast<std::uint64_t>(n);
    detail::uint128 product = static_cast<detail::uint128>(bits()) * range;
    if (static_cast<std::uint64_t>(product) < range) {
      const std::uint64_t unfair = (0 - range) % range;
      while (static_cast<std::uint64_t>(product) < unfair) product = static_cast<detail::uint128>(bits()) * range;
    }
    return static_cast<std::int64_t>(product >> 64);
  }

  /// The generator itself: 256 bits from a counter of 256 bits under a key of 128.
  static std::array<std::uint64_t, 4> philox(std::array<std::uint64_t, 4> x, std::array<std::uint64_t, 2> key) {
    for (int round = 0; round < 10; ++round) {
      const detail::uint128 first = static_cast<detail::uint128>(0xD2E7470EE14C6C93) * x[0];
      const detail::uint128 second = static_cast<detail::uint128>(0xCA5A826395121157) * x[2];
      x = {static_cast<std::uint64_t>(second >> 64) ^ x[1] ^ key[0], static_cast<std::uint64_t>(second),
           static_cast<std::uint64_t>(first >> 64) ^ x[3] ^ key[1], static_cast<std::uint64_t>(first)};
      key[0] += 0x9E3779B97F4A7C15;
      key[1] += 0xBB67AE8584CAA73B;
    }
    return x;
  }

 private:
  std::array<std::uint64_t, 2> key_;
  std::array<std::uint64_t, 4> counter_;
  std::array<std::uint64_t, 4> block_{};
  std::size_t used_ = 4;
};

}  // namespace axonzoo
