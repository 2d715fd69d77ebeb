#pragma once

#include <cstdint>
#include <type_traits>

#include <axonzoo/nn/kernels/amx.hpp>
#include <axonzoo/nn/kernels/amx_panels.hpp>
#include <axonzoo/nn/kernels/panels.hpp>
#include <axonzoo/nn/kernels/vector.hpp>

#if defined(AXONZOO_VECTORS)

namespace axonzoo::kernels {

/// Where the units that are broadcast lie: those of a row side by side, or (`across`) those of 4, 8, 12 rows.
enum class units { along, across };

namespace detail {

/// c[row][lane] (+)= sum over u < inner of a(row, u) b[u][lane]; the sums stay in registers.
template <class T, int Rows, int Vectors, units Way>
void panel_product(std::int64_t inner, const std::uint32_t* a, std::int64_t a_pitch, const std::uint32_t* b, float* c,
                   std::int64_t c_pitch, bool add) {
  using wide = vector<16>;
  // Every third row has a pointer of its own; the two after it are reached by the addressing modes.
  constexpr bool along = Way == units::along;
  constexpr int bases = along ? (Rows + 2) / 3 : 1;
  wide::type sums[Rows][Vectors];
  if (add) {
    unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
      unrolled<Vectors>([&](auto v) __attribute__((always_inline)) { sums[r][v] = wide::load(c + r * c_pitch + 16 * v); });
    });
  } else {
    unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
      unrolled<Vectors>([&](auto v) __attribute__((always_inline)) { sums[r][v] = wide::zero(); });
    });
  }
  const std::uint32_t* base[bases];
  unrolled<bases>([&](auto i) __attribute__((always_inline)) { base[i] = a + 3 * i * a_pitch; });
  for (std::int64_t u = 0; u < inner; ++u, b += 16 * Vectors) {
    wide::type w[Vectors];
    unrolled<Vectors>([&](auto v) __attribute__((always_inline)) { w[v] = wide::load(b + 16 * v); });
    unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
      const auto x = wide::broadcast(along ? base[along ? r / 3 : 0] + (r % 3) * a_pitch : base[0] + r);
      unrolled<Vectors>([&](auto v) __attribute__((always_inline)) { sums[r][v] = wide::multiply_add<T>(sums[r][v], x, w[v]); });
    });
    unrolled<bases>([&](auto i) __attribute__((always_inline)) { base[i] += along ? 1 : a_pitch; });
  }
  unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
    unrolled<Vectors>([&](auto v) __attribute__((always_inline)) { wide::store(c + r * c_pitch + 16 * v, sums[r][v]); });
  });
}

}  // namespace detail

/// c[row][lane] (+)= sum over u < inner of a(row, u) b[u][lane], where a(row, u) = a[row a_pitch + u] or (across) a[u a_pitch +
/// row] is a unit (a float, or a pair of bfloat16), b is packed in panels and `rows` is a multiple of 4.
template <class T, units Way>
void multiply(std::int64_t rows, const panels& lanes, std::int64_t inner, const std::uint32_t* a, std::int64_t a_pitch,
              const std::uint32_t* b, float* c, std::int64_t c_pitch, bool add) {
#if defined(AXONZOO_AMX)
  if constexpr (std::is_same_v<T, c10::BFloat16> && Way == units::along) {
    const auto steps = amx::steps::dividing(inner);
    // Fewer products take less time than setting up the tiles.
    if (steps.units >= amx::side / 2 && lanes.vectors * steps.count >= 8 && amx::allowed()) return amx::multiply(rows, lanes, steps, a, a_pitch, b, c, c_pitch, add);
  }
#endif
  const auto run = [&](auto vectors, const std::uint32_t* panel, float* to) {
    std::int64_t row = 0;
    const auto as_many = [&](auto count) {
      for (; rows - row >= count; row += count) {
        detail::panel_product<T, count, vectors, Way>(inner, a + row * (Way == units::along ? a_pitch : 1), a_pitch, panel,
                                                      to + row * c_pitch, c_pitch, add);
      }
    };
#if defined(AXONZOO_AVX512)
    if constexpr (vectors < 3) as_many(std::integral_constant<int, 12>());
    as_many(std::integral_constant<int, 8>());
    as_many(std::integral_constant<int, 4>());
#else
    if constexpr (elements_per_unit<T> == 1) as_many(std::integral_constant<int, 6>());
    as_many(std::integral_constant<int, 4>());
    if constexpr (elements_per_unit<T> == 1) as_many(std::integral_constant<int, 2>());
#endif
  };
  for (std::int64_t p = 0; p < lanes.count(); ++p) {
    const std::uint32_t* const panel = b + 16 * lanes.begin(p) * inner;
    float* const to = c + 16 * lanes.begin(p);
    if constexpr (block_vectors == 1) {
      run(std::integral_constant<int, 1>(), panel, to);
    } else {
      switch (lanes.size(p)) {
        case 1:
          run(std::integral_constant<int, 1>(), panel, to);
          break;
        case 2:
          run(std::integral_constant<int, 2>(), panel, to);
          break;
        default:
          run(std::integral_constant<int, 3>(), panel, to);
      }
    }
  }
}

}  // namespace axonzoo::kernels

#endif
